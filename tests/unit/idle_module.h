/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_module.h - kvm_idle's ioctls for tests: a process of a few pages, and what each open file observes of it
 *
 * A test links with --wrap=ioctl, so that the code under test makes its system calls as ever, on a regular file, and
 * gets the answers from here. These are the module's rules (docs/idle_bitmap.md) written down the slow way, page by
 * page, with a clock that the test sets.
 */
#ifndef TESTS_IDLE_MODULE_H
#define TESTS_IDLE_MODULE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include "vmheat/idle_bitmap.h"

#define MODULE_BLOCK_PAGES 512u
#define MODULE_BLOCKS	   300u
#define MODULE_PAGES	   (MODULE_BLOCKS * MODULE_BLOCK_PAGES)
#define MODULE_FILES	   64
#define MODULE_SLOTS	   64

/** The process and the module. Times are in ns; touches and scans are also numbered, to tell which came first. */
static struct {
	uint64_t now, now_step; /* the clock goes on by so much after each scan */
	uint64_t number;
	uint64_t origin; /* the address, in blocks, from which on it has pages[]; the rest is holes */
	struct {
		bool mapped, large;
		uint64_t touched; /* number of the last touch */
	} pages[MODULE_PAGES];
	struct {
		uint64_t number; /* of the last scan; 0: never */
		uint64_t time;
	} armed[MODULE_FILES][MODULE_BLOCKS];

	unsigned int blocks_a_call; /* the budget is used up after so many; 0: never */
	unsigned int calls;
	bool stuck;		    /* no call gets on */
	unsigned int calls_that_do; /* so many calls succeed before there is an error */
	int error;		    /* what calls fail with; 0: none */

	struct vmheat_idle_memslot slots[MODULE_SLOTS];
	unsigned int slot_count;
	unsigned int slots_grow; /* by so many after each call */
} module;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

/** The process touches @pages pages from @first on; what is not mapped is mapped first. */
static inline void module_touch(uint64_t first, uint64_t pages)
{
	module.number++;
	for (uint64_t page = first; page < first + pages; page++) {
		uint64_t leaf = page - page % MODULE_BLOCK_PAGES;

		module.pages[page].mapped = true;
		module.pages[page].touched = module.number;
		for (unsigned int i = 0; module.pages[page].large && i < MODULE_BLOCK_PAGES; i++)
			module.pages[leaf + i].touched = module.number;
	}
}

static inline void module_unmap(uint64_t first, uint64_t pages)
{
	for (uint64_t page = first; page < first + pages; page++)
		module.pages[page].mapped = false;
}

/** Map the block of @page by one large leaf, or by small ones. */
static inline void module_set_large(uint64_t page, bool large)
{
	uint64_t leaf = page - page % MODULE_BLOCK_PAGES;

	for (unsigned int i = 0; i < MODULE_BLOCK_PAGES; i++)
		module.pages[leaf + i].large = large;
	module_touch(leaf, MODULE_BLOCK_PAGES);
}

static inline void module_put_bit(uint64_t array, uint64_t bit, bool value)
{
	uint64_t *words = (uint64_t *)(uintptr_t)array;
	uint64_t mask = UINT64_C(1) << bit % 64;

	if (words != NULL)
		words[bit / 64] = value ? words[bit / 64] | mask : words[bit / 64] & ~mask;
}

static inline void module_put_hole(struct vmheat_idle_scan *scan, uint64_t index)
{
	for (unsigned int i = 0; i < MODULE_BLOCK_PAGES; i++) {
		module_put_bit(scan->present, index * MODULE_BLOCK_PAGES + i, false);
		module_put_bit(scan->accessed, index * MODULE_BLOCK_PAGES + i, false);
		module_put_bit(scan->coarse, index * MODULE_BLOCK_PAGES + i, false);
	}
	if (scan->leaves != 0)
		((uint8_t *)(uintptr_t)scan->leaves)[index] = 0;
}

/* Scan @block of pages[], number @index of the range. */
static inline void module_scan_block(int fd, struct vmheat_idle_scan *scan, uint64_t block, uint64_t index)
{
	uint64_t before, window;
	uint8_t leaves = 0;

	if (block >= MODULE_BLOCKS) {
		module_put_hole(scan, index);
		return;
	}
	before = module.armed[fd][block].number;
	window = module.now - module.armed[fd][block].time;

	for (unsigned int i = 0; i < MODULE_BLOCK_PAGES; i++) {
		uint64_t page = block * MODULE_BLOCK_PAGES + i, bit = index * MODULE_BLOCK_PAGES + i;
		bool mapped = module.pages[page].mapped, large = module.pages[page].large;
		bool accessed = mapped && (before == 0 || module.pages[page].touched > before);

		module_put_bit(scan->present, bit, mapped);
		module_put_bit(scan->accessed, bit, accessed);
		module_put_bit(scan->coarse, bit, accessed && large);
		if (mapped)
			leaves |= large ? VMHEAT_IDLE_LEAF_GUEST_2M : VMHEAT_IDLE_LEAF_GUEST_4K;
		scan->pages_present += mapped;
		scan->pages_accessed += accessed;
		scan->pages_first += accessed && before == 0;
	}
	if (scan->leaves != 0)
		((uint8_t *)(uintptr_t)scan->leaves)[index] = leaves;
	if (before == 0 && leaves == 0) /* nothing to remember */
		return;
	if (before != 0 && (scan->window_max_ns == 0 || window < scan->window_min_ns))
		scan->window_min_ns = window;
	if (before != 0 && window > scan->window_max_ns)
		scan->window_max_ns = window;
	module.armed[fd][block].number = ++module.number;
	module.armed[fd][block].time = module.now;
}

static inline int module_scan(int fd, struct vmheat_idle_scan *scan)
{
	uint64_t block_size = UINT64_C(1) << VMHEAT_IDLE_BITMAP_BLOCK_SHIFT;
	uint64_t blocks = (scan->end - scan->start) / block_size, done = 0;

	if (scan->size != sizeof(*scan) || scan->flags != 0 || (scan->start | scan->end) % block_size != 0 ||
	    scan->start > scan->end)
		return EINVAL;
	if (module.error != 0 && module.calls_that_do == 0)
		return module.error;
	if (module.calls_that_do > 0)
		module.calls_that_do--;
	module.calls++;
	scan->window_min_ns = scan->window_max_ns = 0;
	scan->pages_present = scan->pages_accessed = scan->pages_first = 0;
	for (; !module.stuck && done < blocks &&
	       (done == 0 || module.blocks_a_call == 0 || done < module.blocks_a_call);
	     done++)
		module_scan_block(fd, scan, scan->start / block_size + done - module.origin, done);
	module.now += module.now_step;
	scan->next = scan->start + done * block_size;
	return 0;
}

static inline int module_memslots(struct vmheat_idle_memslots *memslots)
{
	struct vmheat_idle_memslot *slots = (struct vmheat_idle_memslot *)(uintptr_t)memslots->slots;

	if (memslots->size != sizeof(*memslots) || memslots->slot_size != sizeof(*slots))
		return EINVAL;
	if (module.error != 0)
		return module.error;
	memslots->count = module.slot_count;
	for (unsigned int i = 0; i < module.slot_count && i < memslots->capacity; i++)
		slots[i] = module.slots[i];
	module.calls++;
	module.slot_count += module.slots_grow;
	module.slots_grow = 0;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	int number = ENOTTY;

	if (fd < 0 || fd >= MODULE_FILES)
		number = EBADF;
	else if (request == VMHEAT_IDLE_IOC_SCAN)
		number = module_scan(fd, argument);
	else if (request == VMHEAT_IDLE_IOC_MEMSLOTS)
		number = module_memslots(argument);
	errno = number;
	return number == 0 ? 0 : -1;
}

#endif /* TESTS_IDLE_MODULE_H */
