/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_pages.h - what the guest says of its pages, in half a byte each
 *
 * Theory of operation
 *
 * The agent's page byte (guest_protocol.h) has seven bits, and the daemon keeps one for each page of a guest
 * for as long as a scan lasts. Of all that it can say only twelve things matter to the merge, so four bits do.
 * They are kept in planes: of the 512 pages of a leaf, eight words for each of the four bits. So the agent's runs are
 * stored 64 pages at a time, and the merge works on a leaf at once without unpacking anything.
 *
 *	state                 kind                                            planes: kind_high kind_low high low
 *	unknown                                                                            0        0     0   0
 *	free                                                                               0        0     0   1
 *	idle                  other, anonymous, file clean, file dirty                     kind     1   0
 *	accessed              other, anonymous, file clean, file dirty                     kind     1   1
 *	idle, unevictable                                                                  0        1     0   0
 *	accessed, unevictable                                                              1        0     0   0
 *
 * So the high plane is: in use, and the guest can evict it. What a byte says beyond that is lost: huge pages,
 * the kind of a page that the guest cannot evict, and kinds where the state is unknown or free.
 */
#ifndef VMHEAT_CORE_GUEST_PAGES_H
#define VMHEAT_CORE_GUEST_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include "leaf_bits.h"

/** What the guest says of an aligned run of 512 pages; page i is bit i of each plane. All zero: nothing is known. */
struct guest_leaf {
	struct leaf_bits low, high;
	struct leaf_bits kind_low, kind_high;
};

/** The same taken apart. A page is in one of the first three or unknown; kinds are those of evictable pages. */
struct guest_states {
	leaf_vector free;
	leaf_vector idle;
	leaf_vector accessed;
	leaf_vector evictable; /* idle or accessed, and neither mlocked nor the like */
	leaf_vector anon;
	leaf_vector file_clean;
	leaf_vector file_dirty;
};

/** guest_leaf_states() - take @leaf apart. */
static VMHEAT_ALWAYS_INLINE void guest_leaf_states(const struct guest_leaf *leaf, struct guest_states *states)
{
	const leaf_vector low = leaf_at(&leaf->low), high = leaf_at(&leaf->high);
	const leaf_vector kind_low = leaf_at(&leaf->kind_low), kind_high = leaf_at(&leaf->kind_high);

	states->free = low & ~high;
	states->idle = (high & ~low) | (~low & ~high & kind_low);
	states->accessed = (high & low) | (~low & ~high & kind_high);
	states->evictable = high;
	states->anon = high & kind_low & ~kind_high;
	states->file_clean = high & ~kind_low & kind_high;
	states->file_dirty = high & kind_low & kind_high;
}

/** guest_pages_leaves() - how many hold @indices pages. */
static inline size_t guest_pages_leaves(uint64_t indices)
{
	return (size_t)((indices + LEAF_VECTOR_PAGES - 1) / LEAF_VECTOR_PAGES);
}

/**
 * guest_pages_fill() - the guest says the same of @count pages
 * @leaves: large enough for first + count pages
 * @page:   a page byte (guest_protocol.h)
 */
void guest_pages_fill(struct guest_leaf *leaves, uint64_t first, uint64_t count, uint8_t page);

/** guest_pages_get() - page @index as a page byte, without what is not kept. */
uint8_t guest_pages_get(const struct guest_leaf *leaves, uint64_t index);

/** guest_page_kept() - what guest_pages_get() gives back of a page byte. */
uint8_t guest_page_kept(uint8_t page);

#endif /* VMHEAT_CORE_GUEST_PAGES_H */
