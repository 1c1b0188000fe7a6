/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_memory_tax.c - who pays when the host is short, in worked numbers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "memory_tax.h"

/* Two guests of 256 pages with the same shares; the first uses nothing, the second all. */
static void idle_and_busy(struct taxed_guest guests[2])
{
	for (int i = 0; i < 2; i++)
		guests[i] = (struct taxed_guest){
			.current_pages = 256, .maximum_pages = 256, .shares = 10, .used_pages = i ? 256 : 0
		};
}

static const struct host_balance short_of_152 = { .short_pages = 152 };

/* 512 - 152 = 360 pages are left. Without a tax two guests with equal shares have the same: 180 each. */
static void test_shares_alone(void **state)
{
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	memory_tax(guests, 2, 0, &short_of_152);
	assert_int_equal(guests[0].limit_pages, 180);
	assert_int_equal(guests[1].limit_pages, 180);
}

/*
 * With a tax of 75 % an idle page costs 4, so the idle guest has a quarter of the other's: 72 and 288. But the other
 * has only 256, and keeps them: the idle one gives all 152 and is left with 104. (The numbers of OSDI 2002, figure 8.)
 */
static void test_idle_pays(void **state)
{
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	memory_tax(guests, 2, 75, &short_of_152);
	assert_int_equal(guests[0].limit_pages, 104);
	assert_int_equal(guests[1].limit_pages, 256);
}

/*
 * 400 pages each, 100 used, a tax of 75 %; short of 380, so 420 are left. Three times the shares pay for three times
 * the cost: 100 + 4 * (a - 100) = 3 * (b or 100 + 4 * (b - 100)). With b above 100: a + b = 420 and
 * 4 a - 300 = 12 b - 900 give a = 277.5, b = 142.5; the first gets the last page, as its part rises three times as fast.
 */
static void test_shares_and_tax(void **state)
{
	struct taxed_guest guests[2] = {
		{ .current_pages = 400, .maximum_pages = 400, .used_pages = 100, .shares = 30 },
		{ .current_pages = 400, .maximum_pages = 400, .used_pages = 100, .shares = 10 },
	};
	const struct host_balance balance = { .short_pages = 380 };

	memory_tax(guests, 2, 75, &balance);
	assert_int_equal(guests[0].limit_pages, 278);
	assert_int_equal(guests[1].limit_pages, 142);
}

/* As the second test, but the idle guest has a floor of 150: it gives 106, and the busy one the other 46. */
static void test_floor(void **state)
{
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	guests[0].floor_pages = 150;
	memory_tax(guests, 2, 75, &short_of_152);
	assert_int_equal(guests[0].limit_pages, 150);
	assert_int_equal(guests[1].limit_pages, 210);
}

/* More than there is above the floors: everybody stands at his floor, or at what he has if that is less. */
static void test_nothing_below_the_floors(void **state)
{
	const struct host_balance balance = { .short_pages = 100000 };
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	guests[0].floor_pages = 100;
	guests[1].floor_pages = 300;
	memory_tax(guests, 2, 75, &balance);
	assert_int_equal(guests[0].limit_pages, 100);
	assert_int_equal(guests[1].limit_pages, 256);
}

/*
 * 60 pages to spare for two guests that had to shrink, the idle one to 50 and the busy one to 100 of 256: both may
 * have more, but together no more than 60. An idle page costs four: at 160 for each the idle one would have 40, so
 * it keeps its 50, and the busy one gets all 60.
 */
static void test_spare_is_divided(void **state)
{
	const struct host_balance balance = { .spare_pages = 60 };
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	guests[0].current_pages = 50;
	guests[1].current_pages = 100;
	memory_tax(guests, 2, 75, &balance);
	assert_int_equal(guests[0].limit_pages, 50);
	assert_int_equal(guests[1].limit_pages, 160);
}

/* With enough to spare there is no limit but the maximum. */
static void test_no_limit(void **state)
{
	const struct host_balance balance = { .spare_pages = 512 };
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	guests[0].current_pages = 10;
	guests[1].current_pages = 20;
	memory_tax(guests, 2, 75, &balance);
	assert_int_equal(guests[0].limit_pages, 256);
	assert_int_equal(guests[1].limit_pages, 256);
	memory_tax(guests, 0, 75, &balance);
}

/* A guest that has given 40 pages, which the host now has: the limits are what they were. */
static void test_on_its_way(void **state)
{
	const struct host_balance rest = { .short_pages = 152 - 40 };
	struct taxed_guest guests[2];

	idle_and_busy(guests);
	guests[0].current_pages -= 40;
	memory_tax(guests, 2, 75, &rest);
	assert_int_equal(guests[0].limit_pages, 104);
	assert_int_equal(guests[1].limit_pages, 256);
}

/* 20 % of 1000 pages are wanted: 150 available are 50 too few, 250 are 50 more than wanted. */
static void test_balance(void **state)
{
	const struct host_goal goal = { .free_percent = 20, .stall_share = 0.1 };
	struct host_state host = { .total_pages = 1000, .available_pages = 150 };

	assert_int_equal(host_balance_of(&goal, &host).short_pages, 50);
	assert_int_equal(host_balance_of(&goal, &host).spare_pages, 0);
	host.available_pages = 250;
	assert_int_equal(host_balance_of(&goal, &host).short_pages, 0);
	assert_int_equal(host_balance_of(&goal, &host).spare_pages, 50);
	/* It stalls: a hundredth, 10 pages, are short at least. */
	host.stall_share = 0.11;
	assert_int_equal(host_balance_of(&goal, &host).short_pages, 10);
	host.available_pages = 150;
	assert_int_equal(host_balance_of(&goal, &host).short_pages, 50);
}

static uint64_t random_below(uint64_t *seed, uint64_t limit)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % limit;
}

/* Whatever the guests: limits keep to floors and maxima, free what is short as far as they can, and rise with shares. */
static void test_any_guests(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		struct taxed_guest guests[8];
		size_t count = 1 + random_below(&seed, 8);
		struct host_balance balance = { 0 };
		uint64_t before = 0, after = 0, floors = 0;

		for (size_t i = 0; i < count; i++) {
			uint64_t maximum = 1 + random_below(&seed, 100000);

			guests[i] =
				(struct taxed_guest){ .maximum_pages = maximum,
						      .current_pages = 1 + random_below(&seed, maximum),
						      .used_pages = random_below(&seed, 2 * maximum),
						      .floor_pages = random_below(&seed, maximum),
						      .shares = 1 + (unsigned int)random_below(&seed, 1000) };
			before += guests[i].current_pages;
			floors += guests[i].floor_pages < guests[i].current_pages ? guests[i].floor_pages
										  : guests[i].current_pages;
		}
		if (round % 2)
			balance.short_pages = 1 + random_below(&seed, 2 * before);
		else
			balance.spare_pages = random_below(&seed, 2 * before);
		memory_tax(guests, count, (unsigned int)random_below(&seed, 100), &balance);
		for (size_t i = 0; i < count; i++) {
			after += guests[i].limit_pages;
			if (balance.short_pages > 0) {
				assert_true(guests[i].limit_pages <= guests[i].current_pages);
				assert_true(guests[i].limit_pages >= guests[i].floor_pages ||
					    guests[i].limit_pages == guests[i].current_pages);
			} else {
				assert_in_range(guests[i].limit_pages, guests[i].current_pages,
						guests[i].maximum_pages);
			}
		}
		if (balance.short_pages == 0) {
			assert_true(after <= before + balance.spare_pages);
		} else if (before - floors > balance.short_pages) {
			/* A page of rounding a guest. */
			assert_in_range(before - after, balance.short_pages, balance.short_pages + count);
		} else {
			assert_int_equal(after, floors);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares_alone),
		cmocka_unit_test(test_idle_pays),
		cmocka_unit_test(test_shares_and_tax),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_nothing_below_the_floors),
		cmocka_unit_test(test_spare_is_divided),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_on_its_way),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_any_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
