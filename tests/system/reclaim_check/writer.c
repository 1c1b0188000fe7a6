// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * writer.c - the process that puts a memory cgroup under pressure
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/mman.h>
#include "cgroup_child.h"
#include "page_set.h"
#include "writer.h"

#define WRITER_PAGES 16384UL
#define PERIOD_NS    10000000

static void run(unsigned int pages_a_second)
{
	unsigned int chunk = (unsigned int)(pages_a_second / (1000000000UL / PERIOD_NS)), i;
	volatile char *map = mmap(NULL, WRITER_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t due = now_ns();
	size_t page = 0;

	if (map == MAP_FAILED)
		die("mmap");
	madvise((void *)map, WRITER_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	for (;;) {
		for (i = 0; i < chunk; i++) {
			map[page * PAGE_SIZE]++;
			page = (page + 1) % WRITER_PAGES;
		}
		/* What this host cannot keep pace with is left out. */
		due += PERIOD_NS;
		if (due < now_ns())
			due = now_ns();
		sleep_until(due);
	}
}

void writer_start(const char *cgroup, unsigned int pages_a_second)
{
	if (cgroup_fork(cgroup) == 0)
		run(pages_a_second);
}
