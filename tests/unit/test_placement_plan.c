/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_placement_plan.c - which pages should lie near, which far
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "page_ages.h"
#include "placement_plan.h"

#define LEAF UINT64_C(512)

/* Hot: ages 0 to 2. Cold: 10 and more. */
static const struct placement_policy policy = { .hot_age = 2, .cold_age = 10 };

enum { HOT = 1, WARM = 5, COLD = 20 };

static void assert_extent(const struct placement_extent *extent, uint64_t index, uint64_t pages,
			  enum placement_class class)
{
	assert_int_equal(extent->index, index);
	assert_int_equal(extent->pages, pages);
	assert_int_equal(extent->class, class);
}

/* The borders: age 2 is hot, 3 and 9 stay, 10 and 254 are cold, a hole is nothing. */
static void test_borders_of_the_classes(void **state)
{
	struct placement_extent extents[8];
	uint8_t ages[LEAF];

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	ages[10] = 0;
	ages[12] = 2;
	ages[14] = 3;
	ages[16] = 9;
	ages[18] = 10;
	ages[20] = PAGE_AGE_UNTOUCHED;
	assert_int_equal(placement_classify(&policy, ages, LEAF, NULL, extents, 8), 4);
	assert_extent(&extents[0], 10, 1, PLACEMENT_NEAR);
	assert_extent(&extents[1], 12, 1, PLACEMENT_NEAR);
	assert_extent(&extents[2], 18, 1, PLACEMENT_FAR);
	assert_extent(&extents[3], 20, 1, PLACEMENT_FAR);
}

/* One extent goes over words (60 to 70) and over leaves (500 to 600); a change of class begins a new one. */
static void test_extents_merge(void **state)
{
	struct placement_extent extents[8];
	uint8_t ages[2 * LEAF];

	memset(ages, WARM, sizeof(ages));
	memset(ages + 60, HOT, 10);
	memset(ages + 500, COLD, 100);
	memset(ages + 600, HOT, 7);
	assert_int_equal(placement_classify(&policy, ages, sizeof(ages), NULL, extents, 8), 3);
	assert_extent(&extents[0], 60, 10, PLACEMENT_NEAR);
	assert_extent(&extents[1], 500, 100, PLACEMENT_FAR);
	assert_extent(&extents[2], 600, 7, PLACEMENT_NEAR);
}

/* Both ends of the memory are in the plan: 1024 cold pages are one extent. */
static void test_extent_over_everything(void **state)
{
	struct placement_extent extent;
	uint8_t ages[2 * LEAF];

	memset(ages, COLD, sizeof(ages));
	assert_int_equal(placement_classify(&policy, ages, sizeof(ages), NULL, &extent, 1), 1);
	assert_extent(&extent, 0, 2 * LEAF, PLACEMENT_FAR);
	assert_int_equal(placement_classify(&policy, ages, 0, NULL, &extent, 1), 0);
}

/* A hole parts an extent, even between pages of one class. */
static void test_hole_parts_extents(void **state)
{
	struct placement_extent extents[2];
	uint8_t ages[LEAF];

	memset(ages, COLD, sizeof(ages));
	ages[100] = PAGE_AGE_HOLE;
	assert_int_equal(placement_classify(&policy, ages, LEAF, NULL, extents, 2), 2);
	assert_extent(&extents[0], 0, 100, PLACEMENT_FAR);
	assert_extent(&extents[1], 101, 411, PLACEMENT_FAR);
}

/* Three large leaves, with one hot page, with one warm, all cold: near, stay, far, each as a whole. */
static void test_large_leaf_moves_whole(void **state)
{
	struct placement_extent extents[4];
	const uint64_t large = 7;
	uint8_t ages[3 * LEAF];

	memset(ages, COLD, sizeof(ages));
	ages[511] = HOT;
	ages[LEAF + 5] = WARM;
	assert_int_equal(placement_classify(&policy, ages, sizeof(ages), &large, extents, 4), 2);
	assert_extent(&extents[0], 0, LEAF, PLACEMENT_NEAR);
	assert_extent(&extents[1], 2 * LEAF, LEAF, PLACEMENT_FAR);
}

/* The same leaves mapped by small pages: each page for itself. */
static void test_small_leaves_move_by_page(void **state)
{
	struct placement_extent extents[4];
	const uint64_t large = 0;
	uint8_t ages[3 * LEAF];

	memset(ages, COLD, sizeof(ages));
	ages[511] = HOT;
	ages[LEAF + 5] = WARM;
	assert_int_equal(placement_classify(&policy, ages, sizeof(ages), &large, extents, 4), 4);
	assert_extent(&extents[0], 0, 511, PLACEMENT_FAR);
	assert_extent(&extents[1], 511, 1, PLACEMENT_NEAR);
	assert_extent(&extents[2], LEAF, 5, PLACEMENT_FAR);
	assert_extent(&extents[3], LEAF + 6, 2 * LEAF - 6, PLACEMENT_FAR);
}

/* Large leaf and small neighbours of one class are one extent; bit 64 of the large bitmap is leaf 64. */
static void test_large_bits_go_by_leaf(void **state)
{
	enum { LEAVES = 66 };
	struct placement_extent extents[4];
	const uint64_t large[2] = { 0, 1 };
	static uint8_t ages[LEAVES * LEAF];

	memset(ages, WARM, sizeof(ages));
	memset(ages + 64 * LEAF, COLD, LEAF);
	memset(ages + 64 * LEAF - 8, HOT, 8);
	ages[64 * LEAF + 9] = HOT;
	assert_int_equal(placement_classify(&policy, ages, sizeof(ages), large, extents, 4), 1);
	assert_extent(&extents[0], 64 * LEAF - 8, 8 + LEAF, PLACEMENT_NEAR);
}

/* A large leaf that is partly holes is judged by its pages; the holes are not in the plan. */
static void test_large_leaf_with_holes(void **state)
{
	struct placement_extent extents[4];
	const uint64_t large = 3;
	uint8_t ages[2 * LEAF];

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	memset(ages + 10, COLD, 20);   /* all that is left is cold: far */
	memset(ages + LEAF, COLD, 30); /* one hot page: near */
	ages[LEAF + 100] = HOT;
	assert_int_equal(placement_classify(&policy, ages, sizeof(ages), &large, extents, 4), 3);
	assert_extent(&extents[0], 10, 20, PLACEMENT_FAR);
	assert_extent(&extents[1], LEAF, 30, PLACEMENT_NEAR);
	assert_extent(&extents[2], LEAF + 100, 1, PLACEMENT_NEAR);
}

/* A large leaf without any page is not in the plan. */
static void test_large_leaf_of_holes(void **state)
{
	struct placement_extent extent;
	const uint64_t large = 1;
	uint8_t ages[LEAF];

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	assert_int_equal(placement_classify(&policy, ages, LEAF, &large, &extent, 1), 0);
}

/* With room for 2 of 3 extents the count is 3, two are stored, and nothing is written behind them. */
static void test_limit(void **state)
{
	struct placement_extent extents[3] = { [2] = { .index = 77 } };
	uint8_t ages[LEAF];

	memset(ages, WARM, sizeof(ages));
	ages[1] = HOT;
	ages[3] = COLD;
	ages[5] = HOT;
	assert_int_equal(placement_classify(&policy, ages, LEAF, NULL, extents, 2), 3);
	assert_extent(&extents[0], 1, 1, PLACEMENT_NEAR);
	assert_extent(&extents[1], 3, 1, PLACEMENT_FAR);
	assert_int_equal(extents[2].index, 77);
	assert_int_equal(placement_classify(&policy, ages, LEAF, NULL, NULL, 0), 3);
}

/* A cold age above 254 means that nothing is cold, and a hot age above it that all pages are hot: no hole is.
 */
static void test_extreme_policies(void **state)
{
	const struct placement_policy never_cold = { .hot_age = 0, .cold_age = PAGE_AGE_HOLE };
	const struct placement_policy always_hot = { .hot_age = 1000, .cold_age = 2000 };
	struct placement_extent extent;
	uint8_t ages[LEAF];

	memset(ages, PAGE_AGE_UNTOUCHED, sizeof(ages));
	ages[511] = PAGE_AGE_HOLE;
	assert_int_equal(placement_classify(&never_cold, ages, LEAF, NULL, &extent, 1), 0);
	assert_int_equal(placement_classify(&always_hot, ages, LEAF, NULL, &extent, 1), 1);
	assert_extent(&extent, 0, 511, PLACEMENT_NEAR);
}

/* Names are those that logs and JSON show; a value that is no class has one too. */
static void test_names(void **state)
{
	assert_string_equal(placement_class_name(PLACEMENT_STAY), "stay");
	assert_string_equal(placement_class_name(PLACEMENT_NEAR), "near");
	assert_string_equal(placement_class_name(PLACEMENT_FAR), "far");
	assert_string_equal(placement_class_name(PLACEMENT_CLASSES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_borders_of_the_classes),
		cmocka_unit_test(test_extents_merge),
		cmocka_unit_test(test_extent_over_everything),
		cmocka_unit_test(test_hole_parts_extents),
		cmocka_unit_test(test_large_leaf_moves_whole),
		cmocka_unit_test(test_small_leaves_move_by_page),
		cmocka_unit_test(test_large_bits_go_by_leaf),
		cmocka_unit_test(test_large_leaf_with_holes),
		cmocka_unit_test(test_large_leaf_of_holes),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_extreme_policies),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
