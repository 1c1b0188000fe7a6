// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * disturb.c - what others do to a subject's memory meanwhile
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mman.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "disturb.h"

/* All of the process's memory, back and forth between the two nodes. */
static bool move(pid_t pid)
{
	static unsigned int to;
	unsigned long from_nodes, to_nodes;

	to = !to;
	to_nodes = 1UL << to;
	from_nodes = 1UL << !to;
	return syscall(SYS_migrate_pages, pid, 8 * sizeof(from_nodes), &from_nodes, &to_nodes) >= 0;
}

/* The kernel's own way to ask which pages are in use, for all of them. */
static bool age(pid_t pid)
{
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = write(fd, "1", 1) == 1;
	close(fd);
	return done;
}

static bool advise(const struct subject *subject, size_t block, int advice)
{
	struct iovec range = { (void *)(subject->address + block * SUBJECT_BLOCK), SUBJECT_BLOCK };
	int fd = pidfd_open(subject->pid, 0);
	bool done = process_madvise(fd, &range, 1, advice, 0) == (ssize_t)SUBJECT_BLOCK;

	close(fd);
	return done;
}

void disturb(struct subject *subject, unsigned int choice, struct disturbances *done)
{
	size_t blocks = subject->pages * PAGE_SIZE / SUBJECT_BLOCK;

	switch (choice >> 8 & 15) {
	case 0:
		done->moved += move(subject->pid);
		break;
	case 1:
	case 2:
		/* This clears accessed bits in a way that nobody can see, so it is for cold blocks. */
		done->paged_out += advise(
			subject, choice % (blocks / SUBJECT_COLD_BLOCK) * SUBJECT_COLD_BLOCK, MADV_PAGEOUT);
		break;
	case 3:
	case 4:
	case 5:
		done->aged += age(subject->pid);
		break;
	case 6:
	case 7:
		done->collapsed += advise(subject, choice % blocks, MADV_COLLAPSE);
		break;
	case 8:
		if (subject->kind->stir)
			subject->kind->stir(subject, choice);
		break;
	}
}
