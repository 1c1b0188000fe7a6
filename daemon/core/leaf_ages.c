/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leaf_ages.c - what the host's data alone would have said, see leaf_ages.h
 */
#include "leaf_ages.h"
#include "leaf_bits.h"

uint64_t leaf_ages_update(uint8_t *ages, const uint8_t *accessed, size_t leaves, const uint64_t *present,
			  const uint64_t *young, uint8_t limit)
{
	leaf_vector sum = { 0 };

	for (size_t leaf = 0; leaf < leaves; leaf++) {
		leaf_vector more;

		if (accessed[leaf])
			ages[leaf] = 0;
		else if (ages[leaf] < LEAF_AGE_MAX)
			ages[leaf]++;
		/* Where no large leaf was accessed for long, both say the same. */
		if (ages[leaf] >= limit)
			continue;
		more = leaf_at(present + leaf * LEAF_VECTOR_WORDS) &
		       ~leaf_at(young + leaf * LEAF_VECTOR_WORDS);
		if (leaf_any(&more))
			leaf_add_count(&sum, &more);
	}
	return leaf_sum(&sum);
}
