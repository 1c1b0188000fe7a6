/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observer.h - what one observer of a process remembers between marking pages idle and looking again
 */
#ifndef KVM_IDLE_OBSERVER_H
#define KVM_IDLE_OBSERVER_H

#include <linux/fs.h>
#include <linux/xarray.h>
#include "harvest.h"

/** address_bits() - the bits of a word of a block's bitmap that stand for pages of a range of addresses */
static inline u64 address_bits(unsigned long block, unsigned int word, unsigned long start, unsigned long end)
{
	unsigned long first = max(start, block), last = min(end, block + PAGE_BLOCK_SIZE);

	return range_bits(word, (first - block) >> PAGE_SHIFT, (last - first) >> PAGE_SHIFT);
}

/** for_each_range_word() - the words of a block's bitmap in which pages of a range of addresses lie */
#define for_each_range_word(word, block, start, end)                                                         \
	for ((word) = (max(start, block) - (block)) / (64 * PAGE_SIZE);                                      \
	     (word) < PAGE_BLOCK_WORDS && (block) + (word)*64 * PAGE_SIZE < (end); (word)++)

/**
 * struct page_view - one block as both layers show it
 * @guest: the second-level tables of all VMs
 * @host:  the process's own tables
 */
struct page_view {
	struct page_block guest;
	struct page_block host;
};

/**
 * struct block_marks - the marks of the 512 pages of a block
 * @guest: the page was marked while the guest layer mapped it, and was not accessed since
 * @host:  the same for the host layer
 * @armed: when the block was last scanned, in ns of the monotonic clock; 0: never
 */
struct block_marks {
	u64 guest[PAGE_BLOCK_WORDS];
	u64 host[PAGE_BLOCK_WORDS];
	u64 armed;
};

/**
 * struct observer - an observer's marks
 * @node:   in its process's list
 * @file:   the open file that it belongs to; NULL for the one that all files share
 * @blocks: struct block_marks by address >> PAGE_BLOCK_SHIFT; none if nothing was ever marked there
 * @recent: the block, at index @recent_index, that was last looked for to forget marks, or NULL: the kernel ages
 *          one page after the other, so that is most often the next one too
 *
 * Two locks of the process protect it (idle_state.h): whoever adds or removes blocks holds both, whoever
 * looks for one holds either, and whoever reads or changes marks, or uses @recent, holds the marks lock.
 */
struct observer {
	struct list_head node;
	const struct file *file;
	struct xarray blocks;
	struct block_marks *recent;
	unsigned long recent_index;
};

/** observers_start() - to be called before anything else here. Return: 0, or -ENOMEM. */
int observers_start(void);

/** observers_stop() - all observers are destroyed */
void observers_stop(void);

void observer_init(struct observer *observer, const struct file *file);

/** observer_destroy() - free all marks; nobody may use the observer any more. Context: sleeps. */
void observer_destroy(struct observer *observer);

/** observer_find_marks() - the marks of the block of an address. Return: NULL if it has none. */
struct block_marks *observer_find_marks(struct observer *observer, unsigned long address);

/** observer_get_marks() - as observer_find_marks(), but make room. Context: sleeps. Return: NULL: no memory */
struct block_marks *observer_get_marks(struct observer *observer, unsigned long address);

/**
 * observer_take_marks() - remove a block of marks; the caller frees it by marks_free(). Context: both locks.
 * Return: NULL if there was none.
 */
struct block_marks *observer_take_marks(struct observer *observer, unsigned long address);

/** marks_free() - free a block of marks; NULL is fine */
void marks_free(struct block_marks *marks);

/**
 * observer_next_marked() - skip blocks without marks
 *
 * Return: @address if its block has marks, else the address of the next block that has, at most @end. Without
 * lock: a hint.
 */
unsigned long observer_next_marked(struct observer *observer, unsigned long address, unsigned long end);

/**
 * observer_forget() - forget the marks of what a harvest of a block found accessed, in either layer
 *
 * Context: marks lock, as for all that follow.
 */
void observer_forget(struct observer *observer, unsigned long address, const struct page_view *view);

/** observer_forget_range() - forget the marks of the pages of a range of addresses */
void observer_forget_range(struct observer *observer, unsigned long start, unsigned long end);

/**
 * marks_idle() - which pages are idle, by their marks and what the layers show now
 * @marks: may be NULL: no page is
 */
void marks_idle(const struct block_marks *marks, const struct page_view *now, u64 *idle);

#endif /* KVM_IDLE_OBSERVER_H */
