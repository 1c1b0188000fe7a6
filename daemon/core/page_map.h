/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_map.h - where a VM's pages lie: guest frame numbers, host virtual pages, and one dense index over both
 *
 * Theory of operation
 *
 * A VM's memory is a few ranges, each contiguous in guest-physical and in host virtual addresses. Everything
 * else in the daemon (bitmaps, ages, plans) is an array over one index, so that no page is ever an object.
 *
 * Invariants
 * - index % 512 == vpn % 512 for every page. So a word of a bitmap over the index is a word of
 *   /proc/PID/idle_bitmap, and an aligned run of 512 indices is exactly what one 2 MiB leaf can map.
 * - No two ranges share an aligned run of 512 indices, and at least one index between two ranges is padding:
 *   it belongs to no page and always counts as a hole. So a run of indices without a hole is contiguous in
 *   guest frames and in virtual pages. The price is at most 1022 indices a range. (Two ranges may well share
 *   a word of virtual pages: whoever fills a bitmap from such words clears the padding's bits.)
 * - Indices rise with guest frame numbers.
 * - Ranges that continue one another in guest frames and in virtual pages are one range of the map: the same
 *   memory gives the same map however it was cut into memslots.
 */
#ifndef VMHEAT_CORE_PAGE_MAP_H
#define VMHEAT_CORE_PAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_MAP_PAGE_SIZE  4096u
#define PAGE_MAP_LEAF_PAGES 512u /* pages of a 2 MiB leaf */
#define PAGE_MAP_RANGES_MAX 256u

/** One past the highest page number, guest's or virtual: addresses have 64 bits. */
#define PAGE_MAP_PAGE_NUMBER_END (UINT64_C(1) << 52)

/** One range of a VM's memory. */
struct ram_range {
	uint64_t gfn;	/* first guest frame number */
	uint64_t vpn;	/* first virtual page number in the QEMU process */
	uint64_t pages; /* at least 1 */
};

struct page_map {
	size_t range_count;
	uint64_t index_count; /* indices in use, padding included; a multiple of 512 */
	uint64_t page_count;  /* pages, padding not included */
	struct {
		struct ram_range ram;
		uint64_t index; /* of the range's first page */
	} ranges[];
};

/**
 * page_map_new() - make the map of a VM
 * @ranges: its memory, in any order
 * @count:  1 to PAGE_MAP_RANGES_MAX
 * @reason: where a static sentence goes on failure
 *
 * Return: the map (page_map_free() it), sorted by gfn; NULL if a range is empty, ends beyond
 * PAGE_MAP_PAGE_NUMBER_END or overlaps another in guest frames or in virtual pages, or if memory is short.
 */
struct page_map *page_map_new(const struct ram_range *ranges, size_t count, const char **reason);

/** page_map_free() - NULL is fine. */
void page_map_free(struct page_map *map);

/** page_map_equal() - whether two maps describe the same memory at the same place. */
bool page_map_equal(const struct page_map *a, const struct page_map *b);

/** page_map_index_of_gfn() - false where @gfn is not memory of the VM. */
bool page_map_index_of_gfn(const struct page_map *map, uint64_t gfn, uint64_t *index);

/** page_map_gfn_of_index() - false where @index is padding or out of range. */
bool page_map_gfn_of_index(const struct page_map *map, uint64_t index, uint64_t *gfn);

/** page_map_vpn_of_index() - false where @index is padding or out of range. */
bool page_map_vpn_of_index(const struct page_map *map, uint64_t index, uint64_t *vpn);

#endif /* VMHEAT_CORE_PAGE_MAP_H */
