/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leaf_ages.h - what the host's data alone would have said, at one byte a large leaf
 *
 * Theory of operation
 *
 * The merged verdict (merge.h) differs from the host's only within a large leaf that was accessed, where the
 * guest calls pages idle or free. So a page has last been accessed, as far as the host alone can tell, when the
 * merged data say so or when a large leaf of its 512 pages was accessed, whichever was later. The first is the
 * page's age; the second is kept here, in windows, one byte for every aligned 512 indices.
 */
#ifndef VMHEAT_CORE_LEAF_AGES_H
#define VMHEAT_CORE_LEAF_AGES_H

#include <stddef.h>
#include <stdint.h>
#include "merge.h"

/** No large leaf was accessed there for so many windows, or ever. What leaf ages begin with. */
#define LEAF_AGE_MAX UINT8_MAX

/**
 * leaf_ages_update() - one window older
 * @ages:     one byte for every leaf
 * @accessed: whether a large leaf was accessed, likewise, from merge_pages()
 * @leaves:   length in aligned runs of 512 indices
 * @present:  mapped pages
 * @young:    pages in the working set by the merged data, see page_ages_update()
 * @limit:    ages below this are in the working set, as in struct age_rule
 *
 * Return: mapped pages that are in the working set by the host's data alone, beyond those that are by both.
 */
uint64_t leaf_ages_update(uint8_t *ages, const uint8_t *accessed, size_t leaves, const uint64_t *present,
			  const uint64_t *young, uint8_t limit);

#endif /* VMHEAT_CORE_LEAF_AGES_H */
