/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_pages.h - what is kept of a VM's pages from one window to the next
 *
 * Theory of operation
 *
 * One byte a page, its age by the merged data, and little more. All are arrays over the index of the page map,
 * which the pages own.
 *
 * - For every 512 pages, whether a large leaf maps them, and in how many windows it has not been accessed: that
 *   is the host's own word. Host and merged data differ only within a large leaf that was accessed (merge.h), so
 *   by the host's data alone a page is as old as the younger of its own age and its leaf's. What the guest's
 *   word changes can thus be shown without a second age for each page.
 * - For every chunk the counts of its ages, kept from window to window.
 *
 * A window is vm_pages_begin_window(), then a pass over all chunks; a chunk that had not been marked before
 * tells nothing, and its ages stay as they are.
 *
 * When the memory layout changes, the ages of the guest frames that both layouts have are carried over.
 *
 * No locks: whoever runs the VM's job owns them (vm_tracker.h).
 */
#ifndef VMHEAT_SERVICE_VM_PAGES_H
#define VMHEAT_SERVICE_VM_PAGES_H

#include <glib.h>
#include "leaf_ages.h"
#include "merge.h"
#include "page_ages.h"
#include "page_map.h"

/** Indices of a chunk, and words of them. */
#define VM_PAGES_CHUNK	     ((guint64)65536)
#define VM_PAGES_CHUNK_WORDS ((gsize)VM_PAGES_CHUNK / 64)

/** What is kept of a chunk. */
struct vm_chunk {
	struct age_counts counts;
	guint32 host_young; /* pages in the working set by the host's data alone, in the last window with data */
};

struct vm_pages {
	struct page_map *map; /* owned */
	guint8 *ages;	      /* page_ages.h, one an index */
	guint8 *leaf_ages; /* one for every aligned 512 indices: windows since a large leaf of theirs was accessed */
	guint64 *large;		 /* one bit for every aligned 512 indices */
	struct vm_chunk *chunks; /* one for every VM_PAGES_CHUNK indices */
	struct window_ring ring;
	guint windows;	      /* windows of data so far; saturates */
	struct age_rule rule; /* of the window that runs */
};

/** vm_pages_new() - every page a hole, no window. Takes @map. NULL, and @map freed, if memory is short. */
struct vm_pages *vm_pages_new(struct page_map *map);
void vm_pages_free(struct vm_pages *pages);

/** vm_pages_carry_over() - give @pages the windows of @old, and the ages of the guest frames both have. */
void vm_pages_carry_over(struct vm_pages *pages, const struct vm_pages *old);

/**
 * vm_pages_begin_window() - a window of @seconds has ended: its chunks follow
 * @working_set_age: in seconds; a page idle for less is in the working set
 */
void vm_pages_begin_window(struct vm_pages *pages, double seconds, double working_set_age);

/** Pages counted by vm_pages_update(). It adds; the caller clears. */
struct vm_window_counts {
	struct merge_counts merge;
	struct class_counts classes;
};

/**
 * vm_pages_update() - one chunk of the window
 * @number: of the chunk
 * @host:   the host's view of the chunk's words, as many as the map has of it
 * @large:  one bit for every 512 indices of the chunk: a leaf larger than 4 KiB maps them
 * @guest:  what the guest says of the chunk, NULL without guest data
 * @counts: is added to
 */
void vm_pages_update(struct vm_pages *pages, gsize number, const struct host_view *host, const guint64 *large,
		     const struct guest_leaf *guest, struct vm_window_counts *counts);

/** vm_pages_chunks() - how many there are. */
gsize vm_pages_chunks(const struct vm_pages *pages);

/** vm_pages_count() - counts[a] = pages of age a (padding is none), of 256; the last is the holes'. */
void vm_pages_count(const struct vm_pages *pages, guint64 counts[256]);

/** vm_pages_host_young() - pages in the working set by the host's data alone. */
guint64 vm_pages_host_young(const struct vm_pages *pages);

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
