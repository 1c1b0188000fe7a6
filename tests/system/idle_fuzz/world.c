// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * world.c - what all processes of idle_fuzz share: whom to observe, and what the calls have come to
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "world.h"

struct world *world_new(void)
{
	struct world *world =
		mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (world == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return world;
}

const char *operation_name(enum operation operation)
{
	static const char *const names[] = {
		[OPERATION_OPEN] = "open",	   [OPERATION_READ] = "read",
		[OPERATION_WRITE] = "write",	   [OPERATION_SEEK] = "lseek",
		[OPERATION_MAP] = "mmap",	   [OPERATION_SCAN] = "scan",
		[OPERATION_MEMSLOTS] = "memslots", [OPERATION_OTHER_IOCTL] = "other ioctl",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == OPERATION_COUNT, "one name each");
	return names[operation];
}

const char *target_name(enum target target)
{
	static const char *const names[] = {
		[TARGET_SELF] = "itself",
		[TARGET_BUSY] = "a busy process",
		[TARGET_VMM] = "a VMM",
		[TARGET_DYING] = "a dying process",
		[TARGET_EXECING] = "a process in execve()",
		[TARGET_KTHREAD] = "a kernel thread",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == TARGET_COUNT, "one name each");
	return names[target];
}
