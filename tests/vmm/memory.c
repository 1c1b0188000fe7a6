// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memory.c - memory of the VMM that its VMs' slots show, of several kinds
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mman.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "memory.h"

#define HUGE_SIZE     (2UL << 20)
#define GIGANTIC_SIZE (1UL << 30)
#define RETURN	      0xc3 /* the x86 instruction */

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

/* A file in memory, of which the contents matter only if it is read-only. */
static int new_file(size_t size, bool filled)
{
	int file = memfd_create("vmm", MFD_CLOEXEC);
	uint8_t page[VM_PAGE_SIZE];
	size_t done;

	if (file < 0 || ftruncate(file, size))
		return -errno;
	memset(page, RETURN, sizeof(page));
	for (done = 0; filled && done < size; done += sizeof(page)) {
		if (pwrite(file, page, sizeof(page), done) != sizeof(page)) {
			close(file);
			return -ENOSPC;
		}
	}
	return file;
}

static int map_file(struct memory *memory)
{
	bool fixed = memory->backing == BACKING_FILE;
	int file = new_file(memory->map_size, fixed), error = 0;

	if (file < 0)
		return file;
	memory->map = mmap(NULL, memory->map_size, PROT_READ | PROT_EXEC | (fixed ? 0 : PROT_WRITE),
			   MAP_SHARED | (fixed ? MAP_POPULATE : 0), file, 0);
	if (memory->map == MAP_FAILED)
		error = -errno;
	close(file);
	return error;
}

static int map_anonymous(struct memory *memory, int flags)
{
	memory->map = mmap(NULL, memory->map_size, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (memory->map == MAP_FAILED)
		return -errno;
	/* Without transparent huge pages in the kernel madvise() fails, and pages are small anyway. */
	if (memory->backing == BACKING_SMALL || memory->backing == BACKING_HUGE)
		madvise(memory->map, memory->map_size,
			memory->backing == BACKING_HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return 0;
}

static int map_memory(struct memory *memory, size_t size)
{
	switch (memory->backing) {
	case BACKING_HUGETLB_2M:
		memory->map_size = round_up(size, HUGE_SIZE);
		return map_anonymous(memory, MAP_HUGETLB | MAP_HUGE_2MB);
	case BACKING_HUGETLB_1G:
		memory->map_size = round_up(size, GIGANTIC_SIZE);
		return map_anonymous(memory, MAP_HUGETLB | MAP_HUGE_1GB);
	case BACKING_MEMFD:
	case BACKING_FILE:
		memory->map_size = size + HUGE_SIZE;
		return map_file(memory);
	default:
		memory->map_size = size + HUGE_SIZE;
		return map_anonymous(memory, 0);
	}
}

int memory_new(struct memory **memory, enum backing backing, uint32_t pages, uint32_t skew)
{
	struct memory *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	new->backing = backing;
	new->users = 1;
	new->pages = pages;
	error = map_memory(new, (pages + skew) * VM_PAGE_SIZE);
	if (error) {
		free(new);
		return error;
	}
	/* A mapping of hugetlb pages is aligned to their size by the kernel. */
	new->hva = (uint8_t *)round_up((uintptr_t) new->map, HUGE_SIZE) + skew *VM_PAGE_SIZE;
	*memory = new;
	return 0;
}

struct memory *memory_get(struct memory *memory)
{
	memory->users++;
	return memory;
}

void memory_put(struct memory *memory)
{
	if (--memory->users)
		return;
	munmap(memory->map, memory->map_size);
	free(memory);
}
