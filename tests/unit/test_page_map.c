/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_page_map.c - the index over guest frames and virtual pages
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "page_map.h"

#define END PAGE_MAP_PAGE_NUMBER_END

static struct page_map *map_of(const struct ram_range *ranges, size_t count)
{
	const char *reason = "untouched";
	struct page_map *map = page_map_new(ranges, count, &reason);

	assert_non_null(map);
	assert_null(reason);
	return map;
}

static void assert_refused(const struct ram_range *ranges, size_t count, const char *expected)
{
	const char *reason = NULL;

	assert_null(page_map_new(ranges, count, &reason));
	assert_string_equal(reason, expected);
}

/* Every page is found by all three look-ups, keeps the invariants, and all other indices are padding. */
static void assert_consistent(const struct page_map *map)
{
	uint64_t pages = 0;
	uint64_t last_gfn = 0;
	uint64_t last_vpn = 0;
	bool last_is_page = false;

	assert_int_equal(map->index_count % PAGE_MAP_LEAF_PAGES, 0);
	for (uint64_t index = 0; index < map->index_count; index++) {
		uint64_t gfn;
		uint64_t vpn;
		uint64_t back;

		if (!page_map_gfn_of_index(map, index, &gfn)) {
			assert_false(page_map_vpn_of_index(map, index, &vpn));
			last_is_page = false;
			continue;
		}
		assert_true(page_map_vpn_of_index(map, index, &vpn));
		assert_int_equal(index % PAGE_MAP_LEAF_PAGES, vpn % PAGE_MAP_LEAF_PAGES);
		assert_true(page_map_index_of_gfn(map, gfn, &back));
		assert_int_equal(back, index);
		if (last_is_page) {
			assert_int_equal(gfn, last_gfn + 1);
			assert_int_equal(vpn, last_vpn + 1);
		}
		last_gfn = gfn;
		last_vpn = vpn;
		last_is_page = true;
		pages++;
	}
	assert_int_equal(pages, map->page_count);
	assert_true(map->index_count - pages <= 1022 * map->range_count);
}

/* One aligned range needs no padding: index = gfn. */
static void test_aligned_range(void **state)
{
	const struct ram_range ram = { .gfn = 0, .vpn = UINT64_C(512000), .pages = 1024 };
	struct page_map *map = map_of(&ram, 1);

	assert_int_equal(map->range_count, 1);
	assert_int_equal(map->index_count, 1024);
	assert_int_equal(map->page_count, 1024);
	assert_int_equal(map->ranges[0].index, 0);
	assert_consistent(map);
	page_map_free(map);
}

/*
 * A single page at the end of one leaf and one at the start of another cost the most padding there can be:
 * 511 before the first, 511 behind the second.
 */
static void test_padding(void **state)
{
	const struct ram_range rams[] = {
		{ .gfn = 7, .vpn = 511, .pages = 1 },
		{ .gfn = 9, .vpn = 1024, .pages = 1 },
	};
	struct page_map *map = map_of(rams, 2);

	/* The first lies at 511, the end of its leaf; one leaf apart, because 511 and 512 would touch. */
	assert_int_equal(map->ranges[0].index, 511);
	assert_int_equal(map->ranges[1].index, 1024);
	assert_int_equal(map->index_count, 1536);
	assert_int_equal(map->page_count, 2);
	assert_consistent(map);
	page_map_free(map);
}

/* Two ranges in one leaf of virtual pages get a leaf of indices each: 100 + 200 pages, starting at 0 and 300.
 */
static void test_ranges_share_no_leaf(void **state)
{
	const struct ram_range rams[] = {
		{ .gfn = 0, .vpn = 2048, .pages = 100 },
		{ .gfn = 5000, .vpn = 2048 + 300, .pages = 200 },
	};
	struct page_map *map = map_of(rams, 2);

	assert_int_equal(map->ranges[0].index, 0);
	assert_int_equal(map->ranges[1].index, 512 + 300);
	assert_int_equal(map->index_count, 1024);
	assert_consistent(map);
	page_map_free(map);
}

/* 4 MiB below and 2 MiB above the PCI hole, one mapping in QEMU: a leaf of padding keeps them apart. */
static void test_hole_between_guest_frames(void **state)
{
	const struct ram_range rams[] = {
		{ .gfn = 0, .vpn = UINT64_C(512) * 20, .pages = 1024 },
		{ .gfn = 0x100000, .vpn = UINT64_C(512) * 22, .pages = 512 },
	};
	struct page_map *map = map_of(rams, 2);
	uint64_t number;

	assert_int_equal(map->range_count, 2);
	assert_int_equal(map->ranges[1].index, 1024 + 512);
	assert_int_equal(map->index_count, 2048);
	assert_false(page_map_gfn_of_index(map, 1024, &number));
	assert_false(page_map_index_of_gfn(map, 1024, &number));
	assert_false(page_map_index_of_gfn(map, 0xfffff, &number));
	assert_true(page_map_index_of_gfn(map, 0x100000, &number));
	assert_int_equal(number, 1536);
	assert_consistent(map);
	page_map_free(map);
}

/* Ranges come in any order and are kept by guest frame; virtual order does not matter. */
static void test_sorted_by_gfn(void **state)
{
	const struct ram_range rams[] = {
		{ .gfn = 3000, .vpn = 512, .pages = 10 },
		{ .gfn = 1000, .vpn = 9000, .pages = 20 },
		{ .gfn = 2000, .vpn = 4000, .pages = 700 },
	};
	struct page_map *map = map_of(rams, 3);

	assert_int_equal(map->ranges[0].ram.gfn, 1000);
	assert_int_equal(map->ranges[1].ram.gfn, 2000);
	assert_int_equal(map->ranges[2].ram.gfn, 3000);
	assert_int_equal(map->page_count, 730);
	assert_consistent(map);
	page_map_free(map);
}

/* Memslots that continue one another are one range, so that the map does not depend on how memory was cut. */
static void test_continued_ranges_join(void **state)
{
	const struct ram_range whole = { .gfn = 100, .vpn = 1300, .pages = 1000 };
	const struct ram_range cut[] = {
		{ .gfn = 500, .vpn = 1700, .pages = 600 },
		{ .gfn = 100, .vpn = 1300, .pages = 150 },
		{ .gfn = 250, .vpn = 1450, .pages = 250 },
	};
	struct page_map *one = map_of(&whole, 1);
	struct page_map *joined = map_of(cut, 3);

	assert_int_equal(joined->range_count, 1);
	assert_true(page_map_equal(one, joined));
	assert_int_equal(joined->index_count, one->index_count);
	assert_int_equal(joined->page_count, 1000);
	assert_consistent(joined);
	page_map_free(joined);
	page_map_free(one);
}

/* Maps are equal only when every range is: another place, size or number of ranges makes a difference. */
static void test_equal(void **state)
{
	const struct ram_range rams[] = {
		{ .gfn = 0, .vpn = 512, .pages = 100 },
		{ .gfn = 1000, .vpn = 5120, .pages = 100 },
	};
	const struct ram_range moved[] = { rams[0], { .gfn = 1000, .vpn = 5121, .pages = 100 } };
	const struct ram_range shifted[] = { rams[0], { .gfn = 1001, .vpn = 5120, .pages = 100 } };
	const struct ram_range grown[] = { rams[0], { .gfn = 1000, .vpn = 5120, .pages = 101 } };
	struct page_map *map = map_of(rams, 2);
	struct page_map *others[] = { map_of(moved, 2), map_of(shifted, 2), map_of(grown, 2),
				      map_of(rams, 1) };

	assert_true(page_map_equal(map, map));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(page_map_equal(map, others[i]));
		page_map_free(others[i]);
	}
	page_map_free(map);
}

/* A range may end at the very last page number, and its last page is found without a sum that wraps. */
static void test_largest_numbers(void **state)
{
	const struct ram_range rams[] = {
		{ .gfn = END - 3, .vpn = END - 5, .pages = 3 },
		{ .gfn = 0, .vpn = END - 700, .pages = 600 },
	};
	struct page_map *map = map_of(rams, 2);
	uint64_t number;

	assert_true(page_map_index_of_gfn(map, END - 1, &number));
	assert_true(page_map_vpn_of_index(map, number, &number));
	assert_int_equal(number, END - 3);
	assert_false(page_map_index_of_gfn(map, END, &number));
	assert_false(page_map_index_of_gfn(map, UINT64_MAX, &number));
	assert_false(page_map_gfn_of_index(map, UINT64_MAX, &number));
	assert_false(page_map_gfn_of_index(map, map->index_count, &number));
	assert_consistent(map);
	page_map_free(map);
}

/* One range over all page numbers there are: no counter overflows. */
static void test_whole_address_space(void **state)
{
	const struct ram_range ram = { .gfn = 0, .vpn = 0, .pages = END };
	struct page_map *map = map_of(&ram, 1);
	uint64_t number;

	assert_int_equal(map->page_count, END);
	assert_int_equal(map->index_count, END);
	assert_true(page_map_gfn_of_index(map, END - 1, &number));
	assert_int_equal(number, END - 1);
	page_map_free(map);
}

/* What is no memory is refused with its reason: nothing, an empty range, an end beyond 64-bit addresses. */
static void test_refuses_bad_ranges(void **state)
{
	const struct ram_range empty = { .gfn = 1, .vpn = 1, .pages = 0 };
	const struct ram_range gfn_high = { .gfn = END, .vpn = 0, .pages = 1 };
	const struct ram_range vpn_high = { .gfn = 0, .vpn = END - 1, .pages = 2 };
	/* gfn + pages = 2^64 + 9 wraps to 9, likewise vpn + pages. */
	const struct ram_range gfn_wraps = { .gfn = UINT64_MAX, .vpn = 0, .pages = 10 };
	const struct ram_range vpn_wraps = { .gfn = 0, .vpn = UINT64_MAX, .pages = 10 };
	const struct ram_range huge = { .gfn = 0, .vpn = 0, .pages = UINT64_MAX };

	assert_refused(NULL, 0, "the VM has no memory ranges");
	assert_refused(&empty, 1, "a memory range is empty");
	assert_refused(&gfn_high, 1, "a memory range ends beyond the largest guest-physical address");
	assert_refused(&vpn_high, 1, "a memory range ends beyond the largest virtual address");
	assert_refused(&gfn_wraps, 1, "a memory range ends beyond the largest guest-physical address");
	assert_refused(&vpn_wraps, 1, "a memory range ends beyond the largest virtual address");
	assert_refused(&huge, 1, "a memory range ends beyond the largest guest-physical address");
}

/* Ranges that share one page are refused, and ranges that only touch are not. */
static void test_refuses_overlaps(void **state)
{
	const struct ram_range gfn_overlap[] = {
		{ .gfn = 0, .vpn = 0, .pages = 101 },
		{ .gfn = 100, .vpn = 1000, .pages = 50 },
	};
	const struct ram_range vpn_overlap[] = {
		{ .gfn = 1000, .vpn = 0, .pages = 101 },
		{ .gfn = 0, .vpn = 100, .pages = 1 },
	};
	const struct ram_range inside[] = {
		{ .gfn = 10, .vpn = 10000, .pages = 1 },
		{ .gfn = 0, .vpn = 0, .pages = 1000 },
	};
	const struct ram_range touching[] = {
		{ .gfn = 100, .vpn = 0, .pages = 100 },
		{ .gfn = 0, .vpn = 100, .pages = 100 },
	};
	const struct ram_range last_two[] = {
		{ .gfn = 0, .vpn = 0, .pages = 10 },
		{ .gfn = 100, .vpn = 100, .pages = 10 },
		{ .gfn = 109, .vpn = 1000, .pages = 10 },
	};
	struct page_map *map;

	assert_refused(last_two, 3, "two memory ranges overlap in guest-physical addresses");
	assert_refused(gfn_overlap, 2, "two memory ranges overlap in guest-physical addresses");
	assert_refused(vpn_overlap, 2, "two memory ranges overlap in virtual addresses");
	assert_refused(inside, 2, "two memory ranges overlap in guest-physical addresses");
	map = map_of(touching, 2);
	assert_int_equal(map->range_count, 2);
	assert_consistent(map);
	page_map_free(map);
}

/* 256 ranges are taken, each found; 257 are refused. */
static void test_number_of_ranges(void **state)
{
	struct ram_range rams[PAGE_MAP_RANGES_MAX + 1];
	struct page_map *map;

	for (uint64_t i = 0; i <= PAGE_MAP_RANGES_MAX; i++)
		rams[i] = (struct ram_range){ .gfn = 10 * i, .vpn = 777 * i, .pages = 1 + i % 10 };
	assert_refused(rams, PAGE_MAP_RANGES_MAX + 1, "the VM has too many memory ranges");
	map = map_of(rams, PAGE_MAP_RANGES_MAX);
	assert_int_equal(map->range_count, 256);
	assert_consistent(map);
	page_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_range),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_ranges_share_no_leaf),
		cmocka_unit_test(test_hole_between_guest_frames),
		cmocka_unit_test(test_sorted_by_gfn),
		cmocka_unit_test(test_continued_ranges_join),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_largest_numbers),
		cmocka_unit_test(test_whole_address_space),
		cmocka_unit_test(test_refuses_bad_ranges),
		cmocka_unit_test(test_refuses_overlaps),
		cmocka_unit_test(test_number_of_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
