// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call_file.c - random calls of open(), read(), write(), lseek() and mmap()
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "call.h"

/* A word describes 64 pages of 4 KiB: the file of an address space of 47 bits. */
#define FILE_SIZE  (1LL << (47 - 12 - 6 + 3))
#define WORD_SHIFT (12 + 6)
/* The kernel cuts larger requests. */
#define REQUEST_MAX 0x7ffff000ULL

bool call_open(struct caller *caller, enum target target, struct file *file)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	int mode = modes[random_below(&caller->random, sizeof(modes) / sizeof(modes[0]))];
	bool refused = !caller->root && (target == TARGET_VMM || target == TARGET_KTHREAD);
	bool lasting = target_is_lasting(target);
	struct errors permitted = { 0 };
	int pid = target == TARGET_SELF ? getpid() : caller->world->pid[target], fd;
	char path[64];

	caller->calls++;
	caller->file.target = target;
	if (random_one_in(&caller->random, 2))
		snprintf(path, sizeof(path), "/proc/%d/" VMHEAT_IDLE_BITMAP_NAME, pid);
	else
		snprintf(path, sizeof(path), "/proc/%d/task/%d/" VMHEAT_IDLE_BITMAP_NAME, pid, pid);
	/* One that is not there any more, or that is becoming an ordinary user just now. */
	errors_permit(&permitted, !lasting, ENOENT);
	errors_permit(&permitted, !lasting, ESRCH);
	errors_permit(&permitted, refused || (!lasting && !caller->root), EACCES);

	fd = open(path, mode | O_CLOEXEC);
	caller_judge(caller, OPERATION_OPEN, fd < 0 ? errno : 0, &permitted);
	if (fd < 0)
		return false;
	if (refused)
		caller_fail(caller, "open: an ordinary user may look into root's process");
	*file = (struct file){ fd, target, mode != O_WRONLY, mode != O_RDONLY };
	return true;
}

/* struct transfer - one call of read() or write() */
struct transfer {
	uintptr_t buffer;
	uint64_t size;
	int64_t offset;	 /* where it takes place */
	bool positioned; /* the offset is an argument, else the file's */
};

static struct transfer random_transfer(struct caller *caller)
{
	struct random *random = &caller->random;
	struct transfer transfer;

	transfer.size = random_one_in(random, 32) ? random_bits(random) >> random_below(random, 64)
						  : random_size(random, ARENA_SIZE + ARENA_PAGE);
	transfer.offset = (int64_t)(random_address(caller) >> WORD_SHIFT) * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	transfer.positioned = !random_one_in(random, 8);
	if (!random_one_in(random, 8))
		transfer.size &= ~7ULL;
	if (random_one_in(random, 16))
		transfer.offset += (int64_t)random_below(random, 8);
	if (random_one_in(random, 64))
		transfer.offset = (int64_t)random_bits(random);
	transfer.buffer = arena_choose(&caller->arena, random, transfer.size);
	return transfer;
}

/* What read and write may both return. */
static struct errors transfer_errors(const struct caller *caller, const struct transfer *transfer,
				     bool good_buffer)
{
	bool aligned = !(transfer->size % VMHEAT_IDLE_BITMAP_WORD_SIZE) &&
		       !(transfer->offset % VMHEAT_IDLE_BITMAP_WORD_SIZE);
	bool possible =
		transfer->offset >= 0 && transfer->size <= (uint64_t)INT64_MAX - (uint64_t)transfer->offset;
	struct errors permitted = { 0 };

	errors_permit(&permitted, !transfer->positioned || !aligned || !possible, EINVAL);
	errors_permit(&permitted, !good_buffer, EFAULT);
	errors_permit(&permitted, !target_is_lasting(caller->file.target), ESRCH);
	return permitted;
}

/*
 * How much was done. If the place is known, and nothing is wrong with the buffer or the process, it must be all that
 * there is.
 */
static void judge_size(const struct caller *caller, const struct transfer *transfer, uint64_t done,
		       bool good_buffer)
{
	uint64_t wanted = transfer->size < REQUEST_MAX ? transfer->size : REQUEST_MAX, left;

	if (done > wanted || done % VMHEAT_IDLE_BITMAP_WORD_SIZE)
		caller_fail(caller, "%llu bytes of %llu", (unsigned long long)done,
			    (unsigned long long)wanted);
	if (!transfer->positioned)
		return;
	if (wanted % VMHEAT_IDLE_BITMAP_WORD_SIZE || transfer->offset % VMHEAT_IDLE_BITMAP_WORD_SIZE)
		caller_fail(caller, "%llu bytes at %lld were taken", (unsigned long long)transfer->size,
			    (long long)transfer->offset);
	left = transfer->offset < FILE_SIZE ? (uint64_t)(FILE_SIZE - transfer->offset) : 0;
	wanted = wanted < left ? wanted : left;
	if (done > wanted || (done < wanted && good_buffer && target_is_lasting(caller->file.target)))
		caller_fail(caller, "%llu bytes at %lld: %llu done", (unsigned long long)transfer->size,
			    (long long)transfer->offset, (unsigned long long)done);
}

void call_read(struct caller *caller)
{
	struct transfer transfer = random_transfer(caller);
	bool good = arena_holds(&caller->arena, transfer.buffer, transfer.size);
	struct errors permitted = transfer_errors(caller, &transfer, good);
	void *buffer = (void *)transfer.buffer;
	ssize_t done;

	caller->calls++;
	errors_permit(&permitted, !caller->file.reads, EBADF);
	arena_fill(&caller->arena, &caller->random);
	arena_seal(&caller->arena);

	done = transfer.positioned ? pread(caller->file.fd, buffer, transfer.size, transfer.offset)
				   : read(caller->file.fd, buffer, transfer.size);
	caller_judge(caller, OPERATION_READ, done < 0 ? errno : 0, &permitted);
	if (done >= 0) {
		judge_size(caller, &transfer, (uint64_t)done, good);
		arena_accept(&caller->arena, transfer.buffer, (uint64_t)done);
		if (good && done && memchr(buffer, 0xff, (size_t)done))
			caller->world->idle++;
	}
	/* A part that was not counted may have been copied before the byte that is not there. */
	if (!good)
		arena_accept(&caller->arena, transfer.buffer, transfer.size);
	caller_intact(caller);
}

void call_write(struct caller *caller)
{
	struct transfer transfer = random_transfer(caller);
	bool good = arena_readable(&caller->arena, transfer.buffer, transfer.size);
	struct errors permitted = transfer_errors(caller, &transfer, good);
	const void *buffer = (const void *)transfer.buffer;
	ssize_t done;

	caller->calls++;
	errors_permit(&permitted, !caller->file.writes, EBADF);
	errors_permit(&permitted, transfer.size && (transfer.offset >= FILE_SIZE || !transfer.positioned),
		      ENXIO);
	arena_fill(&caller->arena, &caller->random);
	if (random_one_in(&caller->random, 2))
		memset(caller->arena.base, 0xff, ARENA_SIZE);
	arena_seal(&caller->arena);

	done = transfer.positioned ? pwrite(caller->file.fd, buffer, transfer.size, transfer.offset)
				   : write(caller->file.fd, buffer, transfer.size);
	caller_judge(caller, OPERATION_WRITE, done < 0 ? errno : 0, &permitted);
	if (done >= 0)
		judge_size(caller, &transfer, (uint64_t)done, good);
	caller_intact(caller);
}

void call_seek(struct caller *caller)
{
	int64_t offset = (int64_t)(random_address(caller) >> WORD_SHIFT) * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	int whence = (int)random_below(&caller->random, 6);
	bool possible = whence == SEEK_SET || whence == SEEK_CUR;
	struct errors permitted = { 0 };
	int64_t reached;

	caller->calls++;
	if (random_one_in(&caller->random, 4))
		offset = (int64_t)random_bits(&caller->random);
	errors_permit(&permitted, true, EINVAL);
	reached = lseek(caller->file.fd, offset, whence);
	/* As everywhere in /proc/PID, any offset can be reached: from -4095 to -1 are not errors. */
	caller_judge(caller, OPERATION_SEEK, possible || reached >= 0 ? 0 : errno, &permitted);
	if (!possible && reached >= 0)
		caller_fail(caller, "lseek: %d is no way to seek", whence);
}

void call_map(struct caller *caller)
{
	struct errors permitted = { 0 };
	void *pages;

	caller->calls++;
	errors_permit(&permitted, true, ENODEV);
	errors_permit(&permitted, !caller->file.reads || !caller->file.writes, EACCES);
	pages = mmap(NULL, ARENA_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, caller->file.fd, 0);
	caller_judge(caller, OPERATION_MAP, pages == MAP_FAILED ? errno : 0, &permitted);
	if (pages != MAP_FAILED)
		caller_fail(caller, "mmap: it can be mapped");
}
