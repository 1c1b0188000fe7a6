/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.h - memory of the VMM that its VMs' slots show, of several kinds
 */
#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define VM_PAGE_SIZE 4096UL

/** enum backing - what memory is made of */
enum backing {
	BACKING_SMALL,	    /* anonymous, small pages only */
	BACKING_HUGE,	    /* anonymous, huge pages where the host gives them */
	BACKING_MEMFD,	    /* a shared memory file */
	BACKING_HUGETLB_2M, /* anonymous, out of the host's reserve of 2 MiB pages */
	BACKING_HUGETLB_1G, /* of 1 GiB pages */
	BACKING_FILE, /* a file full of "return" instructions that may only be read; mapped from the beginning */
	BACKING_COUNT,
};

/**
 * struct memory - memory that nobody has touched so far
 * @backing:  what it is made of
 * @users:    how many slots show it
 * @hva:      its first page
 * @pages:    its size
 * @map:      the mapping that @hva lies in, for its end
 * @map_size: in bytes
 */
struct memory {
	enum backing backing;
	unsigned int users;
	uint8_t *hva;
	uint32_t pages;
	void *map;
	size_t map_size;
};

/**
 * memory_new() - map memory, for one user
 * @skew: begin this many pages after a boundary of the largest leaf of this backing, at least 2 MiB
 *
 * Return: 0 or a negative errno
 */
int memory_new(struct memory **memory, enum backing backing, uint32_t pages, uint32_t skew);

/** memory_get() - one user more. Return: the memory. */
struct memory *memory_get(struct memory *memory);

/** memory_put() - one user less; without any, memory is unmapped */
void memory_put(struct memory *memory);

#endif /* VMM_MEMORY_H */
