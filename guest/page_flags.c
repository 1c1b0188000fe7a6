/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_flags.c - what kind of page a guest frame holds, by /proc/kpageflags
 *
 * Theory of operation
 *
 * The rules, first match first (flags: Documentation/admin-guide/mm/pagemap.rst, fs/proc/page.c):
 * - In the buddy allocator, or offline: free. Offline is what the balloon and virtio-mem call the pages
 *   that they gave back to the host.
 * - A tail of a compound page is what its head is: only the head is on an LRU list and carries the idle
 *   bit.
 * - On an LRU list: page_idle knows it, it is idle or accessed.
 * - Anything else (slab, page tables, hugetlb, pages in a per-CPU list) is unknown: page_idle never sees
 *   it, and the bit that it shows for it says nothing.
 */
#include "page_flags.h"

#include <linux/kernel-page-flags.h>
#include "vmheat/guest_protocol.h"

#define KPF(flag) (UINT64_C(1) << KPF_##flag)

/* The kinds of a page that is neither free nor a tail. Without an owner in user space there are none. */
static uint8_t page_kinds(uint64_t flags)
{
	uint8_t kinds = 0;

	if (flags & KPF(ANON))
		kinds = VMHEAT_PAGE_ANON;
	else if (flags & KPF(LRU))
		kinds = VMHEAT_PAGE_FILE;
	else if (!(flags & KPF(HUGE)))
		return 0;

	/* Swap-backed page cache is shmem: it cannot be dropped, only swapped out. */
	if (kinds == VMHEAT_PAGE_FILE && flags & (KPF(DIRTY) | KPF(WRITEBACK) | KPF(SWAPBACKED)))
		kinds |= VMHEAT_PAGE_DIRTY;
	if (flags & KPF(UNEVICTABLE))
		kinds |= VMHEAT_PAGE_UNEVICTABLE;
	if (flags & (KPF(THP) | KPF(HUGE)))
		kinds |= VMHEAT_PAGE_HUGE;
	return kinds;
}

bool page_is_tail(uint64_t flags)
{
	return flags & KPF(COMPOUND_TAIL);
}

uint8_t page_classify(struct page_classifier *classifier, uint64_t flags, bool idle_known, bool idle)
{
	uint8_t page;

	if (flags & (KPF(BUDDY) | KPF(OFFLINE))) {
		classifier->head = VMHEAT_PAGE_UNKNOWN;
		return VMHEAT_PAGE_FREE;
	}
	if (page_is_tail(flags))
		return classifier->head;

	page = page_kinds(flags);
	if (flags & KPF(LRU) && idle_known)
		page |= idle ? VMHEAT_PAGE_IDLE : VMHEAT_PAGE_ACCESSED;
	classifier->head = flags & KPF(COMPOUND_HEAD) ? page : VMHEAT_PAGE_UNKNOWN;
	return page;
}
