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
 *as can be had, and these two say how much is not: kernel_idle counts idle pages that the guest cannot evict
 * (unevictable, or unknown: its kernel's own), anon_idle the anonymous ones, which need swap space to go to.
 *
 * The host's idle is the truth only of a window whose TLBs were flushed when it was marked; the caller has
 * nothing else to offer. It passes no window that has no beginning (a chunk that had not been marked before).
 */
#ifndef VMHEAT_CORE_MERGE_H
#define VMHEAT_CORE_MERGE_H

#include <stddef.h>
#include <stdint.h>

/**
 * What the host saw in one window, for indices of a page map; bit i of word w is index first + 64 * w + i.
 * The bits of a hole mean nothing in idle, nor do those of a page that was not accessed in coarse.
 */
struct host_view {
	const uint64_t *present; /* mapped */
	const uint64_t *idle;	 /* mapped and not accessed */
	const uint64_t *coarse;	 /* accessed, but as far as only a leaf larger than 4 KiB can tell */
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
};

/**
 * merge_pages() - merge the words of one chunk
 * @host:     the host's view of the chunk
 * @guest:    page bytes (guest_protocol.h), one an index of the chunk; NULL without guest data
 * @words:    the chunk's length in words of 64 indices
 * @accessed: the merged verdict goes here, @words words; a page that is present and not accessed is idle
 * @counts:   is added to
 */
void merge_pages(const struct host_view *host, const uint8_t *guest, size_t words, uint64_t *accessed,
		 struct merge_counts *counts);

#endif /* VMHEAT_CORE_MERGE_H */
