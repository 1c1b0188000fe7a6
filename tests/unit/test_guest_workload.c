/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_workload.c - the test guests' load touches what it says and notices lost content
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "../bed/workload/touch_area.h"

#define PAGE ((size_t)TOUCH_AREA_PAGE_SIZE)

static struct touch_area area;

static int set_up(void **state)
{
	return touch_area_open(&area) ? 0 : -1;
}

static int tear_down(void **state)
{
	return munmap(area.base, (size_t)TOUCH_AREA_MIB_MAX << 20);
}

/* Growing to 10 pages makes exactly these 10 resident; growing to fewer takes nothing away. */
static void test_grow(void **state)
{
	unsigned char resident[12];

	assert_true(touch_area_grow(&area, 10));
	assert_true(touch_area_grow(&area, 5));
	assert_int_equal(area.touched_pages, 10);
	assert_int_equal(mincore(area.base, sizeof(resident) * PAGE, resident), 0);
	for (size_t i = 0; i < sizeof(resident); i++)
		assert_int_equal(resident[i] & 1, i < 10);
}

/* No two pages are equal, and no page is made of one word only. */
static void test_content(void **state)
{
	assert_true(touch_area_grow(&area, 20));
	for (size_t i = 0; i < 20; i++) {
		assert_int_not_equal(memcmp(area.base + i * PAGE, area.base + i * PAGE + 8, PAGE - 8), 0);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(memcmp(area.base + i * PAGE, area.base + j * PAGE, PAGE), 0);
	}
}

/* 4 hot pages from page 2 on in 10: packed 2 3 4 5; spread, (10 - 2) / 4 = 2 apart, 2 4 6 8. Both stay as
 * they are. */
static void test_layouts(void **state)
{
	assert_true(touch_area_grow(&area, 10));
	assert_true(touch_area_set_hot(&area, 2, 4, false));
	assert_int_equal(area.stride, 1);
	touch_area_run_round(&area);
	assert_true(touch_area_set_hot(&area, 2, 4, true));
	assert_int_equal(area.stride, 2);
	touch_area_run_round(&area);
	touch_area_run_round(&area);
	assert_int_equal(area.rounds, 2);
	assert_int_equal(area.last_round_pages, 4);
	touch_area_check(&area);
	assert_int_equal(area.corrupt, 0);
}

/* A hot set beyond what was touched is touched first: 8 + 4 pages. */
static void test_hot_set_grows_the_area(void **state)
{
	assert_true(touch_area_grow(&area, 10));
	assert_true(touch_area_set_hot(&area, 8, 4, true));
	assert_int_equal(area.touched_pages, 12);
	assert_int_equal(area.stride, 1);
}

/* A page that came back as zeros is noticed by the next round if it is hot (once a round), by a check in any
 * case. */
static void test_lost_page(void **state)
{
	assert_true(touch_area_grow(&area, 10));
	assert_true(touch_area_set_hot(&area, 0, 5, false));
	memset(area.base + 3 * PAGE, 0, PAGE);
	touch_area_run_round(&area);
	assert_int_equal(area.corrupt, 1);
	memset(area.base + 7 * PAGE, 0, PAGE);
	touch_area_run_round(&area);
	assert_int_equal(area.corrupt, 2);
	touch_area_check(&area);
	assert_int_equal(area.corrupt, 4);
}

/* Stopped, a round touches nothing. */
static void test_stop(void **state)
{
	assert_true(touch_area_set_hot(&area, 0, 5, false));
	touch_area_run_round(&area);
	assert_true(touch_area_set_hot(&area, 0, 0, false));
	touch_area_run_round(&area);
	assert_int_equal(area.last_round_pages, 0);
}

/* Of 10 pages the last 4 go: not resident any more, and new when they are touched again. What is hot stays. */
static void test_shrink(void **state)
{
	unsigned char resident[10];

	assert_true(touch_area_grow(&area, 10));
	assert_true(touch_area_set_hot(&area, 2, 4, false));
	assert_true(touch_area_shrink(&area, 20));
	assert_int_equal(area.touched_pages, 10);
	assert_false(touch_area_shrink(&area, 5));
	assert_int_equal(area.touched_pages, 10);
	assert_true(touch_area_shrink(&area, 6));
	assert_int_equal(area.touched_pages, 6);
	assert_int_equal(mincore(area.base, sizeof(resident) * PAGE, resident), 0);
	for (size_t i = 0; i < sizeof(resident); i++)
		assert_int_equal(resident[i] & 1, i < 6);
	assert_true(touch_area_grow(&area, 10));
	touch_area_check(&area);
	assert_int_equal(area.corrupt, 0);
}

/* Work is counted over all hot sets: 2 rounds of 4 pages and one of 3 are 11. */
static void test_work(void **state)
{
	assert_true(touch_area_set_hot(&area, 0, 4, false));
	touch_area_run_round(&area);
	touch_area_run_round(&area);
	assert_true(touch_area_set_hot(&area, 2, 3, false));
	touch_area_run_round(&area);
	assert_int_equal(area.rounds, 1);
	assert_int_equal(area.work_pages, 11);
	assert_true(area.work_ns >= area.last_round_ns);
}

/* More than the reservation holds is refused before anything is touched. */
static void test_no_room(void **state)
{
	size_t most = (size_t)TOUCH_AREA_MIB_MAX * TOUCH_AREA_MIB_PAGES;

	assert_false(touch_area_grow(&area, most + 1));
	assert_false(touch_area_set_hot(&area, most, 1, false));
	assert_int_equal(area.touched_pages, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_grow),      TEST(test_content),
		TEST(test_layouts),   TEST(test_hot_set_grows_the_area),
		TEST(test_lost_page), TEST(test_stop),
		TEST(test_shrink),    TEST(test_work),
		TEST(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
