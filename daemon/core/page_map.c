/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_map.c - where a VM's pages lie, see page_map.h
 */
#include <stdlib.h>
#include "page_map.h"

static int compare_gfn(const void *a, const void *b)
{
	const struct ram_range *left = a;
	const struct ram_range *right = b;

	return (left->gfn > right->gfn) - (left->gfn < right->gfn);
}

/** Whether two runs of @a_pages from @a and @b_pages from @b meet. No sum can wrap: ends were checked. */
static bool runs_overlap(uint64_t a, uint64_t a_pages, uint64_t b, uint64_t b_pages)
{
	return a < b + b_pages && b < a + a_pages;
}

/** What is wrong with @count @ranges, as a static sentence; NULL if nothing is. */
static const char *find_fault(const struct ram_range *ranges, size_t count)
{
	if (count == 0)
		return "the VM has no memory ranges";
	if (count > PAGE_MAP_RANGES_MAX)
		return "the VM has too many memory ranges";
	for (size_t i = 0; i < count; i++) {
		const struct ram_range *range = &ranges[i];

		if (range->pages == 0)
			return "a memory range is empty";
		/* Compared without a sum: gfn + pages of an absurd range could wrap. */
		if (range->pages > PAGE_MAP_PAGE_NUMBER_END ||
		    range->gfn > PAGE_MAP_PAGE_NUMBER_END - range->pages)
			return "a memory range ends beyond the largest guest-physical address";
		if (range->vpn > PAGE_MAP_PAGE_NUMBER_END - range->pages)
			return "a memory range ends beyond the largest virtual address";
	}
	for (size_t i = 1; i < count; i++) {
		const struct ram_range *a = &ranges[i];

		for (size_t j = 0; j < i; j++) {
			const struct ram_range *b = &ranges[j];

			if (runs_overlap(a->gfn, a->pages, b->gfn, b->pages))
				return "two memory ranges overlap in guest-physical addresses";
			if (runs_overlap(a->vpn, a->pages, b->vpn, b->pages))
				return "two memory ranges overlap in virtual addresses";
		}
	}
	return NULL;
}

static uint64_t align_to_leaf(uint64_t index)
{
	return (index + PAGE_MAP_LEAF_PAGES - 1) / PAGE_MAP_LEAF_PAGES * PAGE_MAP_LEAF_PAGES;
}

/** Append @ram, which lies above all ranges of @map, to it. There is room. */
static void add_range(struct page_map *map, const struct ram_range *ram)
{
	uint64_t index = map->index_count + ram->vpn % PAGE_MAP_LEAF_PAGES;

	map->page_count += ram->pages;
	if (map->range_count > 0) {
		struct ram_range *last = &map->ranges[map->range_count - 1].ram;
		uint64_t last_end = map->ranges[map->range_count - 1].index + last->pages;

		if (last->gfn + last->pages == ram->gfn && last->vpn + last->pages == ram->vpn) {
			last->pages += ram->pages;
			map->index_count = align_to_leaf(last_end + ram->pages);
			return;
		}
		if (index == last_end)
			index += PAGE_MAP_LEAF_PAGES;
	}
	map->ranges[map->range_count].ram = *ram;
	map->ranges[map->range_count].index = index;
	map->index_count = align_to_leaf(index + ram->pages);
	map->range_count++;
}

struct page_map *page_map_new(const struct ram_range *ranges, size_t count, const char **reason)
{
	struct page_map *map;
	struct ram_range *sorted;

	*reason = find_fault(ranges, count);
	if (*reason)
		return NULL;

	map = calloc(1, sizeof(*map) + count * sizeof(map->ranges[0]));
	sorted = calloc(count, sizeof(*sorted));
	if (!map || !sorted) {
		*reason = "out of memory";
		free(sorted);
		free(map);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = ranges[i];
	qsort(sorted, count, sizeof(*sorted), compare_gfn);
	for (size_t i = 0; i < count; i++)
		add_range(map, &sorted[i]);
	free(sorted);
	return map;
}

void page_map_free(struct page_map *map)
{
	free(map);
}

bool page_map_equal(const struct page_map *a, const struct page_map *b)
{
	if (a->range_count != b->range_count)
		return false;
	for (size_t i = 0; i < a->range_count; i++) {
		const struct ram_range *left = &a->ranges[i].ram;
		const struct ram_range *right = &b->ranges[i].ram;

		if (left->gfn != right->gfn || left->vpn != right->vpn || left->pages != right->pages)
			return false;
	}
	return true;
}

bool page_map_index_of_gfn(const struct page_map *map, uint64_t gfn, uint64_t *index)
{
	size_t low = 0;
	size_t high = map->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ram_range *ram = &map->ranges[middle].ram;

		if (gfn < ram->gfn) {
			high = middle;
		} else if (gfn - ram->gfn >= ram->pages) {
			low = middle + 1;
		} else {
			*index = map->ranges[middle].index + (gfn - ram->gfn);
			return true;
		}
	}
	return false;
}

/** The range that @index belongs to and its @offset there; NULL where it is padding or out of range. */
static const struct ram_range *range_of_index(const struct page_map *map, uint64_t index, uint64_t *offset)
{
	size_t low = 0;
	size_t high = map->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t first = map->ranges[middle].index;

		if (index < first) {
			high = middle;
		} else if (index - first >= map->ranges[middle].ram.pages) {
			low = middle + 1;
		} else {
			*offset = index - first;
			return &map->ranges[middle].ram;
		}
	}
	return NULL;
}

bool page_map_gfn_of_index(const struct page_map *map, uint64_t index, uint64_t *gfn)
{
	uint64_t offset;
	const struct ram_range *ram = range_of_index(map, index, &offset);

	if (!ram)
		return false;
	*gfn = ram->gfn + offset;
	return true;
}

bool page_map_vpn_of_index(const struct page_map *map, uint64_t index, uint64_t *vpn)
{
	uint64_t offset;
	const struct ram_range *ram = range_of_index(map, index, &offset);

	if (!ram)
		return false;
	*vpn = ram->vpn + offset;
	return true;
}
