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

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <unistd.h>
#include "vmheat/guest_protocol.h"

#define KPF(flag)  (UINT64_C(1) << KPF_##flag)
#define ENTRY_SIZE sizeof(uint64_t)

int page_flags_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t page_flags_read(int fd, uint64_t first_gfn, uint64_t *flags, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t size = pread(fd, flags + done, (count - done) * ENTRY_SIZE,
				     (off_t)((first_gfn + done) * ENTRY_SIZE));

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		if (size < (ssize_t)ENTRY_SIZE)
			break;
		done += (size_t)size / ENTRY_SIZE;
	}
	return (ssize_t)done;
}

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

uint8_t page_classify(struct page_classifier *classifier, uint64_t flags, bool idle_known, bool idle)
{
	uint8_t page;

	if (flags & (KPF(BUDDY) | KPF(OFFLINE))) {
		classifier->head = VMHEAT_PAGE_UNKNOWN;
		return VMHEAT_PAGE_FREE;
	}
	if (flags & KPF(COMPOUND_TAIL))
		return classifier->head;

	page = page_kinds(flags);
	if (flags & KPF(LRU) && idle_known)
		page |= idle ? VMHEAT_PAGE_IDLE : VMHEAT_PAGE_ACCESSED;
	classifier->head = flags & KPF(COMPOUND_HEAD) ? page : VMHEAT_PAGE_UNKNOWN;
	return page;
}
