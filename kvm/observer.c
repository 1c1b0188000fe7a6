// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * observer.c - what one observer of a process remembers between marking pages idle and looking again
 *
 * Theory of operation
 * -------------------
 * A page has two marks, one for each layer that can map it: "was mapped by the guest layer, and its accessed
 * bit clear, when it was marked idle", and the same for the host layer. A page is idle if
 * - a layer maps it now (else it is a hole), and
 * - in each layer it is mapped now if and only if it was when it was marked, and
 * - in no layer its accessed bit is set now.
 * So a page whose mapping came or went since, by a fault, a zap, a migration or swapping, is not idle:
 * something touched it or moved it, and its accessed bit may be lost. A page with no mark is never idle.
 *
 * An accessed bit can be cleared by others than the observer. Whoever does so makes it forget the marks of all
 * pages that the bit spoke for: under a large leaf these are 512 or 262144. So marking one page of a large
 * leaf makes its neighbours not idle if the leaf had been accessed, and leaves them as they are if it had not.
 *
 * Marks are kept in a sparse array of blocks of 512 pages, 136 bytes each: with the array's own nodes about
 * 0.007 % of the marked memory. They are charged to the memory cgroup of the one who marks. A block that has
 * lost all its marks stays: it says that it was scanned, and when.
 */
#include <linux/slab.h>
#include "observer.h"

#define GIANT_PAGE_SIZE (1UL << 30)

/* kmalloc() would round 136 bytes up to 192. */
static struct kmem_cache *marks_cache;

int observers_start(void)
{
	marks_cache = KMEM_CACHE(block_marks, SLAB_ACCOUNT);
	return marks_cache ? 0 : -ENOMEM;
}

void observers_stop(void)
{
	kmem_cache_destroy(marks_cache);
}

void marks_free(struct block_marks *marks)
{
	if (marks)
		kmem_cache_free(marks_cache, marks);
}

void observer_init(struct observer *observer, const struct file *file)
{
	INIT_LIST_HEAD(&observer->node);
	observer->file = file;
	xa_init_flags(&observer->blocks, XA_FLAGS_ACCOUNT);
	observer->recent = NULL;
}

void observer_destroy(struct observer *observer)
{
	struct block_marks *marks;
	unsigned long index;

	xa_for_each(&observer->blocks, index, marks) {
		kmem_cache_free(marks_cache, marks);
		cond_resched();
	}
	xa_destroy(&observer->blocks);
}

struct block_marks *observer_find_marks(struct observer *observer, unsigned long address)
{
	return xa_load(&observer->blocks, address >> PAGE_BLOCK_SHIFT);
}

struct block_marks *observer_get_marks(struct observer *observer, unsigned long address)
{
	struct block_marks *marks = observer_find_marks(observer, address);

	if (marks)
		return marks;
	marks = kmem_cache_zalloc(marks_cache, GFP_KERNEL_ACCOUNT);
	if (marks && xa_err(xa_store(&observer->blocks, address >> PAGE_BLOCK_SHIFT, marks, GFP_KERNEL))) {
		marks_free(marks);
		marks = NULL;
	}
	return marks;
}

struct block_marks *observer_take_marks(struct observer *observer, unsigned long address)
{
	observer->recent = NULL;
	return xa_erase(&observer->blocks, address >> PAGE_BLOCK_SHIFT);
}

unsigned long observer_next_marked(struct observer *observer, unsigned long address, unsigned long end)
{
	unsigned long index = address >> PAGE_BLOCK_SHIFT;

	if (address >= end || !xa_find(&observer->blocks, &index, (end - 1) >> PAGE_BLOCK_SHIFT, XA_PRESENT))
		return end;
	return max(address, index << PAGE_BLOCK_SHIFT);
}

static void forget_pages(struct block_marks *marks, unsigned int word, u64 pages)
{
	marks->guest[word] &= ~pages;
	marks->host[word] &= ~pages;
}

/* A 1 GiB leaf was accessed: none of the pages that it maps stays marked. */
static void forget_giant(struct observer *observer, unsigned long address)
{
	unsigned long first = ALIGN_DOWN(address, GIANT_PAGE_SIZE), index;
	struct block_marks *marks;

	xa_for_each_range(&observer->blocks, index, marks, first >> PAGE_BLOCK_SHIFT,
			  (first + GIANT_PAGE_SIZE - 1) >> PAGE_BLOCK_SHIFT) {
		memset(marks->guest, 0, sizeof(marks->guest));
		memset(marks->host, 0, sizeof(marks->host));
	}
}

void observer_forget(struct observer *observer, unsigned long address, const struct page_view *view)
{
	struct block_marks *marks;
	int i;

	if (view->guest.giant_accessed || view->host.giant_accessed)
		forget_giant(observer, address);
	marks = observer_find_marks(observer, address);
	if (!marks)
		return;
	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		forget_pages(marks, i, view->guest.accessed[i] | view->host.accessed[i]);
}

/* As observer_find_marks(), under the marks lock. A block that is not there now may be a moment later. */
static struct block_marks *find_recent(struct observer *observer, unsigned long address)
{
	unsigned long index = address >> PAGE_BLOCK_SHIFT;

	if (!observer->recent || observer->recent_index != index) {
		observer->recent = observer_find_marks(observer, address);
		observer->recent_index = index;
	}
	return observer->recent;
}

void observer_forget_range(struct observer *observer, unsigned long start, unsigned long end)
{
	unsigned long block;

	for (block = ALIGN_DOWN(start, PAGE_BLOCK_SIZE); block < end; block += PAGE_BLOCK_SIZE) {
		struct block_marks *marks = find_recent(observer, block);
		unsigned int word;

		if (!marks)
			continue;
		for_each_range_word(word, block, start, end)
			forget_pages(marks, word, address_bits(block, word, start, end));
	}
}

void marks_idle(const struct block_marks *marks, const struct page_view *now, u64 *idle)
{
	int i;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		u64 mapped = now->guest.present[i] | now->host.present[i];
		u64 accessed = now->guest.accessed[i] | now->host.accessed[i];
		u64 changed = marks ? (marks->guest[i] ^ now->guest.present[i]) |
					      (marks->host[i] ^ now->host.present[i])
				    : ~0ULL;

		idle[i] = mapped & ~changed & ~accessed;
	}
}
