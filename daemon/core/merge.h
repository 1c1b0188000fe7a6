/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.h - one verdict a page from what the host saw and what the guest says
 *
 * Theory of operation
 *
 * The host's data is the truth at the granularity of a leaf: holes, idle and accessed cannot be argued with.
 * The guest's word is used only inside a large leaf that was accessed, where the host knows that some page of
 * the 512 was touched but not which. Every other contradiction is counted, shown, and decided for the host.
 *
 *	host                    guest                  merged     counted as
 *	hole                    anything               hole
 *	4K leaf, accessed       free                   accessed   accessed_but_guest_free
 *	4K leaf, accessed       idle                   accessed   accessed_but_guest_idle
 *	4K leaf, accessed       accessed, unknown      accessed
 *	any leaf, idle          accessed               idle       idle_but_guest_accessed
 *	any leaf, idle          anything else          idle
 *	large leaf, accessed    accessed, unknown      accessed
 *	large leaf, accessed    idle, free             idle
 *
 * A page that ends up idle and that the guest calls free is counted in free_idle too: it can be taken at no
 * cost. A hole is a hole even where the guest calls it free: there is nothing to take. Idle is not the same
 * as can be had, and these two say how much is not: kernel_idle counts idle pages that the guest cannot evict
 * (unevictable, or unknown: its kernel's own), anon_idle the anonymous ones, which need swap space to go to.
 *
 * Of the aligned runs of 512 pages that a large leaf maps, those that were accessed are counted, and those of
 * them that are sparse: the guest's word leaves at most an eighth of the pages hot. Where it leaves none, the
 * guest does not explain the access that the host saw; a device's, say, or another page of a 1 GiB leaf.
 *
 * The host's idle is the truth only of a window whose TLBs were flushed when it was marked; the caller has
 * nothing else to offer. It passes no window that has no beginning (a chunk that had not been marked before).
 *
 * The verdict is of one window. What a page is good for is said by its class, which also knows its age: a page
 * is hot as long as it belongs to the working set, and only then asked what the guest keeps in it.
 *
 *	age                     guest                          class
 *	in the working set      anything                       hot
 *	older                   free                           free
 *	older                   idle or accessed, and file     cold file, clean or dirty
 *	older                   idle or accessed, and anon     cold anon
 *	older                   unknown, unevictable           kernel
 *	older                   idle or accessed, nothing else unknown
 *	older                   no guest data of this window   unknown
 */
#ifndef VMHEAT_CORE_MERGE_H
#define VMHEAT_CORE_MERGE_H

#include <stddef.h>
#include <stdint.h>
#include "guest_pages.h"

/**
 * What the host saw in one window, for indices of a page map; bit i of word w is index first + 64 * w + i.
 * The bits of a hole mean nothing in idle, nor do those of a page that was not accessed in coarse.
 */
struct host_view {
	const uint64_t *present; /* mapped */
	const uint64_t *idle;	 /* mapped and not accessed */
	const uint64_t
		*coarse; /* accessed, but as far as only a leaf larger than 4 KiB can tell; NULL: no page */
};

/** Pages counted by merge_pages(). It adds; the caller clears. holes + idle + accessed are all indices. */
struct merge_counts {
	uint64_t holes; /* padding of the page map included */
	uint64_t idle;
	uint64_t accessed;
	uint64_t host_accessed; /* what the host's data alone would have called accessed */
	uint64_t free_idle;
	uint64_t kernel_idle;
	uint64_t anon_idle;
	uint64_t accessed_but_guest_free;
	uint64_t accessed_but_guest_idle;
	uint64_t idle_but_guest_accessed;
	uint64_t large_accessed;    /* in runs of 512 pages, like the next two: mapped by a large leaf */
	uint64_t large_sparse;	    /* of these: at most MERGE_SPARSE_PAGES are hot, by the guest's word */
	uint64_t large_unexplained; /* of these: none is */
};

/** At most so many hot pages make an accessed run of 512 sparse. */
#define MERGE_SPARSE_PAGES 64u

/**
 * merge_pages() - merge the words of one chunk
 * @host:     the host's view of the chunk
 * @guest:    what the guest says of the same pages; NULL without guest data
 * @leaves:   the chunk's length in aligned runs of 512 indices
 * @accessed: the merged verdict goes here, 8 words each; a page that is present and not accessed is idle
 * @large:    whether a large leaf was accessed goes here, one byte each
 * @counts:   is added to
 */
void merge_pages(const struct host_view *host, const struct guest_leaf *guest, size_t leaves,
		 uint64_t *accessed, uint8_t *large, struct merge_counts *counts);

/** merge_pages_at() - the same in the way of a certain level, for the tests and the benchmark. */
void merge_pages_at(enum vector_level level, const struct host_view *host, const struct guest_leaf *guest,
		    size_t leaves, uint64_t *accessed, uint8_t *large, struct merge_counts *counts);

/** What mapped pages are good for, see above. */
enum page_class {
	PAGE_CLASS_HOT,
	PAGE_CLASS_FREE,
	PAGE_CLASS_FILE_CLEAN,
	PAGE_CLASS_FILE_DIRTY,
	PAGE_CLASS_ANON,
	PAGE_CLASS_KERNEL,
	PAGE_CLASS_UNKNOWN,
	PAGE_CLASSES
};

/** page_class_name() - a word for people and JSON: "cold-anon"; never NULL. */
const char *page_class_name(enum page_class page_class);

/** Pages by class; all together are the mapped ones. */
struct class_counts {
	uint64_t pages[PAGE_CLASSES];
};

/**
 * merge_classes() - count the classes of one chunk's pages outside the working set, by what the guest says
 * @present: mapped pages
 * @young:   pages in the working set, see page_ages_update()
 * @guest:   as for merge_pages(), but not NULL; and so on
 * @counts:  is added to
 */
void merge_classes(const uint64_t *present, const uint64_t *young, const struct guest_leaf *guest,
		   size_t leaves, struct class_counts *counts);

/** merge_classes_at() - see merge_pages_at(). */
void merge_classes_at(enum vector_level level, const uint64_t *present, const uint64_t *young,
		      const struct guest_leaf *guest, size_t leaves, struct class_counts *counts);

#endif /* VMHEAT_CORE_MERGE_H */
