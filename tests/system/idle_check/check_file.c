// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_file.c - the file idle_bitmap itself: where it stands, who may open it, what it refuses
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "toucher.h"

#define NOBODY	     65534
#define KTHREADD     2
#define ADDRESS_BITS 47
/* A word describes 64 pages of 4 KiB: the file of a whole address space has 4 GiB. */
#define FILE_SIZE (1LL << (ADDRESS_BITS - 12 - 6 + 3))
#define MIB	  (1UL << 20)

/* It is in the listing of /proc/PID and in no other of proc, and found by name, with mode 0600. */
/* How often the entry is listed in a folder; less than 0 if it cannot be listed. */
static int times_listed(const char *folder)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!directory)
		return -1;
	while ((entry = readdir(directory)))
		count += !strcmp(entry->d_name, "idle_bitmap");
	closedir(directory);
	return count;
}

static bool file_listed(void)
{
	static const char *const folders[] = { "/proc/self", "/proc/thread-self" };
	char path[64];
	struct stat status;
	size_t i;

	for (i = 0; i < 2; i++) {
		int count = times_listed(folders[i]);

		EXPECT(count == 1, "listed %d times in %s", count, folders[i]);
		snprintf(path, sizeof(path), "%s/idle_bitmap", folders[i]);
		EXPECT(!stat(path, &status), "%s", path);
		EXPECT(status.st_mode == (S_IFREG | 0600), "mode %o of %s", status.st_mode, path);
	}
	EXPECT(stat("/proc/self/attr/idle_bitmap", &status) && errno == ENOENT);
	EXPECT(stat("/proc/idle_bitmap", &status) && errno == ENOENT);
	return true;
}

static bool file_alignment(void)
{
	int fd = idle_map_open(getpid());
	uint64_t words[2] = { 0 };

	EXPECT(pread(fd, words, 8, 4) == -1 && errno == EINVAL);
	EXPECT(pread(fd, words, 12, 8) == -1 && errno == EINVAL);
	EXPECT(pwrite(fd, words, 8, 1) == -1 && errno == EINVAL);
	EXPECT(pwrite(fd, words, 7, 8) == -1 && errno == EINVAL);
	EXPECT(pread(fd, words, 0, 8) == 0);
	EXPECT(pwrite(fd, words, 0, 8) == 0);
	EXPECT(pread(fd, words, 16, 8) == 16);
	EXPECT(pwrite(fd, words, 16, 8) == 16);
	close(fd);
	return true;
}

/* Beyond the address space: reads end, writes fail; what crosses the end is cut there. */
static bool file_bounds(void)
{
	int fd = idle_map_open(getpid());
	uint64_t words[2] = { ~0ULL, ~0ULL };

	EXPECT(pread(fd, words, 16, FILE_SIZE) == 0);
	EXPECT(pread(fd, words, 16, FILE_SIZE + 8) == 0);
	EXPECT(pread(fd, words, 16, FILE_SIZE - 8) == 8);
	EXPECT(pwrite(fd, words, 16, FILE_SIZE - 8) == 8);
	EXPECT(pwrite(fd, words, 8, FILE_SIZE) == -1 && errno == ENXIO);
	EXPECT(pwrite(fd, words, 8, 1LL << 62) == -1 && errno == ENXIO);
	EXPECT(lseek(fd, FILE_SIZE - 16, SEEK_SET) == FILE_SIZE - 16);
	EXPECT(read(fd, words, 8) == 8 && read(fd, words, 8) == 8 && read(fd, words, 8) == 0);
	close(fd);
	return true;
}

/* A buffer that is not there is EFAULT, after the words that are. */
static bool file_bad_buffer(void)
{
	uint8_t *page =
		mmap(NULL, 2 * IDLE_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	off_t here = (uintptr_t)page / IDLE_PAGE_SIZE / 64 * 8;
	int fd = idle_map_open(getpid());

	EXPECT(page != MAP_FAILED);
	*page = 0;
	EXPECT(!munmap(page + IDLE_PAGE_SIZE, IDLE_PAGE_SIZE));
	EXPECT(pwrite(fd, page + IDLE_PAGE_SIZE, 8, here) == -1 && errno == EFAULT);
	EXPECT(pread(fd, page + IDLE_PAGE_SIZE, 8, here) == -1 && errno == EFAULT);
	EXPECT(pread(fd, (void *)-8L, 8, here) == -1 && errno == EFAULT);
	close(fd);
	return true;
}

/* A thread's file is its process's: marked by the one, read by the other. */
static bool file_thread(void)
{
	uint8_t *page =
		mmap(NULL, IDLE_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int process = idle_map_open(getpid()), thread = open("/proc/thread-self/idle_bitmap", O_RDWR);
	bool idle;

	EXPECT(page != MAP_FAILED && thread >= 0);
	*page = 1;
	EXPECT(!idle_map_mark(thread, (uintptr_t)page, 1, NULL));
	EXPECT(!idle_map_read(process, (uintptr_t)page, 1, &idle) && idle);
	*page = 2;
	EXPECT(!idle_map_read(thread, (uintptr_t)page, 1, &idle) && !idle);
	close(process);
	close(thread);
	munmap(page, IDLE_PAGE_SIZE);
	return true;
}

static bool file_ioctl(void)
{
	int fd = idle_map_open(getpid()), value = 0;

	EXPECT(ioctl(fd, 0x7601, &value) == -1 && errno == ENOTTY);
	EXPECT(ioctl(fd, VMHEAT_IDLE_IOC_MEMSLOTS + 1, &value) == -1 && errno == ENOTTY);
	close(fd);
	return true;
}

static int open_errno(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Exits with 0 if nobody may open idle_bitmap exactly where nobody may open pagemap. */
static void compare_as_nobody(pid_t undumpable)
{
	const pid_t pids[] = { 1, KTHREADD, getppid(), undumpable, getpid() };
	size_t i;

	if (setgid(NOBODY) || setuid(NOBODY) || prctl(PR_SET_DUMPABLE, 1))
		_exit(1);
	for (i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
		int pagemap = open_errno(pids[i], "pagemap", O_RDONLY);
		int idle = open_errno(pids[i], "idle_bitmap", O_RDWR);

		if (pagemap != idle || (pids[i] == getpid() ? idle : idle != EACCES)) {
			printf("pid %d: pagemap: %s; idle_bitmap: %s\n", (int)pids[i], strerror(pagemap),
			       strerror(idle));
			fflush(stdout);
			_exit(2);
		}
	}
	_exit(0);
}

static bool file_permission(void)
{
	pid_t undumpable, child;
	int status;

	fflush(stdout);
	undumpable = fork();
	if (undumpable == 0) {
		/* setuid() makes a process undumpable: the same user may not look into it then. */
		if (!setgid(NOBODY) && !setuid(NOBODY))
			pause();
		_exit(1);
	}
	usleep(100000);
	child = fork();
	if (child == 0)
		compare_as_nobody(undumpable);
	EXPECT(waitpid(child, &status, 0) == child);
	kill(undumpable, SIGKILL);
	waitpid(undumpable, NULL, 0);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	return true;
}

/* Not readable for want of memory: newer kernels say so when it is opened, as they do for pagemap. */
static bool has_no_memory(int fd)
{
	uint64_t word = 0;

	if (fd < 0)
		return fd == -ESRCH;
	return pread(fd, &word, 8, 0) == -1 && errno == ESRCH && pwrite(fd, &word, 8, 0) == -1 &&
	       errno == ESRCH;
}

/* init and ourselves can be read; a kernel thread has no memory. */
static bool file_any_process(void)
{
	static uint64_t words[4096];
	int init = idle_map_open(1), self = idle_map_open(getpid()), kthread = idle_map_open(KTHREADD);

	EXPECT(init >= 0 && self >= 0);
	EXPECT(pread(init, words, sizeof(words), 0) == sizeof(words));
	EXPECT(pread(self, words, sizeof(words), 0) == sizeof(words));
	EXPECT(has_no_memory(kthread));
	close(init);
	close(self);
	close(kthread);
	return true;
}

/* A process that has exited: ESRCH on an open file, and the name is gone. */
static bool file_dead_process(void)
{
	struct toucher toucher;
	uint64_t word = ~0ULL;
	int fd;

	toucher_start(&toucher, 1, false);
	fd = idle_map_open(toucher.pid);
	EXPECT(fd >= 0);
	toucher_end(&toucher);
	EXPECT(pread(fd, &word, 8, 0) == -1 && errno == ESRCH);
	EXPECT(pwrite(fd, &word, 8, 0) == -1 && errno == ESRCH);
	EXPECT(idle_map_open(toucher.pid) == -ENOENT);
	close(fd);
	return true;
}

/* Start a process that has the number of one that has exited. */
static bool reuse_pid(struct toucher *toucher, pid_t pid)
{
	FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");
	bool written = last && fprintf(last, "%d", (int)pid - 1) > 0;

	EXPECT(last && !fclose(last) && written);
	toucher_start(toucher, 64, false);
	if (toucher->pid == pid)
		return true;
	/* Another process came in between. */
	toucher_end(toucher);
	return false;
}

/* Another process with the number of one whose file is open: it has no marks, and the file does not tell of it. */
static bool file_pid_reuse(void)
{
	struct toucher toucher, other;
	bool all[64], found[64], none[64] = { false };
	unsigned int tries = 0;
	uint64_t word = ~0ULL;
	int old, new;

	toucher_start(&toucher, 64, false);
	fill_set(all, 64, 0, 63);
	toucher_touch(&toucher, 'w', all);
	old = idle_map_open(toucher.pid);
	EXPECT(!idle_map_mark(old, toucher.address, 64, NULL));
	toucher_end(&toucher);
	while (!reuse_pid(&other, toucher.pid))
		EXPECT(tries++ < 100);
	toucher_touch(&other, 'w', all);
	new = idle_map_open(other.pid);
	EXPECT(!idle_map_read(new, other.address, 64, found) && sets_equal("new", found, none, 64));
	EXPECT(!idle_map_mark(new, other.address, 64, NULL));
	EXPECT(pread(old, &word, 8, 0) == -1 && errno == ESRCH);
	EXPECT(pwrite(old, &word, 8, 0) == -1 && errno == ESRCH);
	EXPECT(!idle_map_read(new, other.address, 64, found) && sets_equal("marked", found, all, 64));
	close(old);
	close(new);
	toucher_end(&other);
	return true;
}

/* Marks are the process's, not the open file's: one process marks and exits, another reads. */
static bool file_outlived(void)
{
	bool set[64], found[64];
	struct toucher toucher;
	pid_t marker;
	int status;

	toucher_start(&toucher, 64, false);
	fill_set(set, 64, 0, 63);
	toucher_touch(&toucher, 'w', set);
	fflush(stdout);
	marker = fork();
	if (marker == 0)
		_exit(idle_map_mark(idle_map_open(toucher.pid), toucher.address, 64, NULL) ? 1 : 0);
	EXPECT(waitpid(marker, &status, 0) == marker && status == 0);

	fill_set(set, 64, 10, 19);
	toucher_touch(&toucher, 'r', set);
	EXPECT(!idle_map_read(idle_map_open(toucher.pid), toucher.address, 64, found));
	fill_set(set, 64, 0, 63);
	memset(set + 10, false, 10);
	toucher_end(&toucher);
	return sets_equal("marked by another process", found, set, 64);
}

/* Make the kernel give back the freed mm_structs that it keeps at hand: it counts them as used. */
static bool shrink_mms(void)
{
	int fd = open("/sys/kernel/slab/mm_struct/shrink", O_WRONLY | O_CLOEXEC);

	EXPECT(write(fd, "1", 1) == 1);
	close(fd);
	return true;
}

/* How many mm_structs the kernel has, roughly. */
static long count_mms(void)
{
	FILE *slabs = shrink_mms() ? fopen("/proc/slabinfo", "r") : NULL;
	char line[512];
	long count = -1;

	while (slabs && fgets(line, sizeof(line), slabs)) {
		if (strncmp(line, "mm_struct ", 10) == 0)
			count = strtol(line + 10, NULL, 10);
	}
	if (slabs)
		fclose(slabs);
	return count;
}

/*
 * Marks pin the mm_struct of a dead process until they are freed: of 400 processes that marked themselves none stays
 * for long.
 */
static bool file_freed(void)
{
	const int processes = 400;
	long before = count_mms(), pinned = 0, now;
	uint64_t word = ~0ULL;
	int i, waited;

	for (i = 0; i < processes; i++) {
		off_t here = (uintptr_t)&word / IDLE_PAGE_SIZE / 64 * 8;
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(pwrite(idle_map_open(getpid()), &word, 8, here) == 8 ? 0 : 1);
		EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
		/* Some may be freed while others are still to come. */
		now = i % 16 ? 0 : count_mms();
		pinned = now > pinned ? now : pinned;
	}
	EXPECT(pinned > before + processes / 16, "%ld before, %ld at most", before, pinned);
	for (waited = 0; waited < 15 && count_mms() > before + processes / 16; waited++)
		sleep(1);
	printf("mm_structs: %ld before, %ld pinned, %ld left\n", before, pinned, count_mms());
	return count_mms() <= before + processes / 16;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/*
 * All 128 TiB are marked and read, in calls of 512 MiB, and one page in them is right. Page by page this
 * would be 34 thousand million pages.
 */
static bool file_sparse(void)
{
	const size_t size = 512 * MIB;
	uint8_t *bits = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct toucher toucher;
	double start, marked, done;
	bool one[1] = { true }, found[1];
	off_t offset;
	int fd;

	EXPECT(bits != MAP_FAILED);
	toucher_start(&toucher, 1, false);
	toucher_touch(&toucher, 'w', one);
	fd = idle_map_open(toucher.pid);
	memset(bits, 0xff, size);
	start = seconds();
	for (offset = 0; offset < FILE_SIZE; offset += size)
		EXPECT(pwrite(fd, bits, size, offset) == (ssize_t)size);
	marked = seconds();
	for (offset = 0; offset < FILE_SIZE; offset += size)
		EXPECT(pread(fd, bits, size, offset) == (ssize_t)size);
	done = seconds();
	printf("128 TiB: marked in %.3f s, read in %.3f s\n", marked - start, done - marked);
	EXPECT(marked - start < 5);
	EXPECT(done - marked < 30); /* 4 GiB of zeros, under emulation */
	EXPECT(!idle_map_read(fd, toucher.address, 1, found) && found[0]);
	toucher_touch(&toucher, 'r', one);
	EXPECT(!idle_map_read(fd, toucher.address, 1, found) && !found[0]);
	toucher_end(&toucher);
	munmap(bits, size);
	close(fd);
	return true;
}

const struct check file_checks[] = {
	{ "file-listed", file_listed },
	{ "file-alignment", file_alignment },
	{ "file-bounds", file_bounds },
	{ "file-bad-buffer", file_bad_buffer },
	{ "file-ioctl", file_ioctl },
	{ "file-thread", file_thread },
	{ "file-permission", file_permission },
	{ "file-any-process", file_any_process },
	{ "file-dead-process", file_dead_process },
	{ "file-pid-reuse", file_pid_reuse },
	{ "file-outlived", file_outlived },
	{ "file-freed", file_freed },
	{ "file-sparse", file_sparse },
	{ NULL, NULL },
};
