/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_pages.h - what is kept of a VM's pages from one window to the next
 *
 * Theory of operation
 *
 * Two bytes a page: its age by the merged data, and its age by the host's data alone, so that it can be shown
 * what the guest's word changes. One bit every 512 pages: whether a large leaf maps them. All are arrays over
 * the index of the page map, which the pages own. A window is a pass over all chunks, then
 * vm_pages_end_window(); a chunk that had not been marked before tells nothing, and its ages stay as they
 * are.
 *
 * When the memory layout changes, the ages of the guest frames that both layouts have are carried over.
 *
 * No locks: whoever runs the VM's job owns them (vm_tracker.h).
 */
#ifndef VMHEAT_SERVICE_VM_PAGES_H
#define VMHEAT_SERVICE_VM_PAGES_H

#include <glib.h>
#include "merge.h"
#include "page_ages.h"
#include "page_map.h"

struct vm_pages {
	struct page_map *map; /* owned */
	guint8 *ages;	      /* page_ages.h, one an index */
	guint8 *host_ages;    /* likewise, by the host's data alone */
	guint64 *large;	      /* one bit for every aligned 512 indices */
	struct window_ring ring;
	guint windows; /* windows of data so far; saturates */
};

/** vm_pages_new() - every page a hole, no window. Takes @map. NULL, and @map freed, if memory is short. */
struct vm_pages *vm_pages_new(struct page_map *map);
void vm_pages_free(struct vm_pages *pages);

/** vm_pages_carry_over() - give @pages the windows of @old, and the ages of the guest frames both have. */
void vm_pages_carry_over(struct vm_pages *pages, const struct vm_pages *old);

/**
 * vm_pages_update() - one chunk of a window
 * @index:  the chunk's first index, a multiple of 64 * 512
 * @words:  its length in words of 64 indices, a multiple of 8
 * @host:   the host's view of the chunk
 * @large:  one bit for every 512 indices of the chunk: a leaf larger than 4 KiB maps them
 * @guest:  the guest's page bytes of the chunk, NULL without guest data
 * @counts: is added to
 */
void vm_pages_update(struct vm_pages *pages, guint64 index, gsize words, const struct host_view *host,
		     const guint64 *large, const guint8 *guest, struct merge_counts *counts);

/** vm_pages_end_window() - all chunks are updated; the window lasted @seconds. */
void vm_pages_end_window(struct vm_pages *pages, double seconds);

/** One run of GetMap: pages of one age, contiguous in guest frames and in virtual pages. Laid out as D-Bus's
 * (ttty). */
struct vm_run {
	guint64 gfn;
	guint64 vpn;
	guint64 pages;
	guint8 age;
	guint8 zero[7];
};

/**
 * vm_pages_runs() - the VM's memory as runs in rising guest-physical order
 * @limit: most runs to return
 *
 * Where there are more, every aligned block of 2, 4, ... 2^k indices is given the youngest age in it, with
 * the smallest k that fits.
 *
 * Return: an array of struct vm_run. The caller unrefs it.
 */
GArray *vm_pages_runs(const struct vm_pages *pages, guint limit);

#endif /* VMHEAT_SERVICE_VM_PAGES_H */
