/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leaf_map.h - by leaves of which size the pages of a block are mapped
 */
#ifndef KVM_IDLE_LEAF_MAP_H
#define KVM_IDLE_LEAF_MAP_H

#include "harvest.h"

/**
 * struct leaf_map - which pages of a block are mapped; a page may be in both bitmaps, by two tables
 * @small:  by a leaf of 4 KiB
 * @large:  by a larger one
 * @leaves: as in struct page_block
 */
struct leaf_map {
	u64 small[PAGE_BLOCK_WORDS];
	u64 large[PAGE_BLOCK_WORDS];
	u8 leaves;
};

/**
 * leaf_map_add() - add pages that a leaf of a level maps
 * @first: the bit of the first page in the block
 * @count: how many pages
 */
static inline void leaf_map_add(struct leaf_map *map, unsigned int level, unsigned int first,
				unsigned int count)
{
	u64 *words = level == 1 ? map->small : map->large;
	unsigned int word;

	for (word = 0; word < PAGE_BLOCK_WORDS; word++)
		words[word] |= range_bits(word, first, count);
	map->leaves |= LEAF_OF_LEVEL(level);
}

/** leaf_map_add_block() - add what a look at one table found; there, a page has one leaf */
static inline void leaf_map_add_block(struct leaf_map *map, const struct page_block *found)
{
	unsigned int word;

	for (word = 0; word < PAGE_BLOCK_WORDS; word++) {
		map->small[word] |= found->present[word] & ~found->large[word];
		map->large[word] |= found->large[word];
	}
	map->leaves |= found->leaves;
}

/** leaf_map_pages() - all pages that are mapped */
static inline void leaf_map_pages(const struct leaf_map *map, u64 *pages)
{
	unsigned int word;

	for (word = 0; word < PAGE_BLOCK_WORDS; word++)
		pages[word] = map->small[word] | map->large[word];
}

/** leaf_map_has_large() - whether any leaf is larger than 4 KiB */
static inline bool leaf_map_has_large(const struct leaf_map *map)
{
	return map->leaves & ~LEAF_OF_LEVEL(1);
}

#endif /* KVM_IDLE_LEAF_MAP_H */
