/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_rival_policies.c - the rivals do what their authors published, in worked numbers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rival_policies.h"

/* MOM of a guest with 1000 pages, of which @unused are free, at most 2000, at least 100. */
static uint64_t mom(double host_free, uint64_t unused)
{
	struct mom_guest guest = { 0 };

	mom_sample(&guest, 1000, unused);
	return mom_target(&guest, host_free, 1000, 100, 2000);
}

/* 10 % of the host free is half of 20 %, so a guest may have 10 % free, not 20: 500 + 100. A step is 5 %: 950. */
static void test_mom_shrinks(void **state)
{
	assert_int_equal(mom(0.10, 500), 950);
	/* Used 870 and 10 %: 970 is nearer than a step. */
	assert_int_equal(mom(0.10, 130), 970);
	/* Used 950 and 10 % is more than it has: while the host is short nobody gets more. */
	assert_int_equal(mom(0.10, 50), 1000);
	/* A change of 0.25 % is too small: 898 + 100 = 998. */
	assert_int_equal(mom(0.10, 102), 1000);
	assert_int_equal(mom(0.10, 103), 997);
}

/* Critical: at 3 % the guest is to have 2 % less than it uses, 980 + -20 = 960. */
static void test_mom_makes_guests_swap(void **state)
{
	assert_int_equal(mom(0.03, 20), 960);
}

/* With 20 % free and more, everybody grows by 5 %, or at once to what he uses and 20 %: 1000 - 50 + 200. */
static void test_mom_grows(void **state)
{
	struct mom_guest guest = { 0 };

	assert_int_equal(mom(0.20, 500), 1050);
	assert_int_equal(mom(0.20, 50), 1150);
	mom_sample(&guest, 1000, 500);
	assert_int_equal(mom_target(&guest, 0.5, 1000, 100, 1020), 1020);
	assert_int_equal(mom_target(&guest, 0.5, 1000, 100, 1000), 1000);
}

/* Never below its minimum: 990, a step would be 950. */
static void test_mom_floor(void **state)
{
	struct mom_guest guest = { 0 };

	mom_sample(&guest, 1000, 900);
	assert_int_equal(mom_target(&guest, 0.10, 1000, 990, 2000), 990);
}

/*
 * What counts is the mean of ten samples: nine with 100 unused and one with 600 are 150, so used are 850, and with 10 %
 * 950. Ten more push the old ones out: 400 + 100, and a step.
 */
static void test_mom_averages(void **state)
{
	struct mom_guest guest = { 0 };

	for (int i = 0; i < 9; i++)
		mom_sample(&guest, 1000, 110);
	mom_sample(&guest, 1000, 510);
	assert_int_equal(mom_target(&guest, 0.10, 1000, 100, 2000), 950);
	for (int i = 0; i < 35; i++)
		mom_sample(&guest, 1000, 600);
	assert_int_equal(mom_target(&guest, 0.10, 1000, 100, 2000), 950);
	for (int i = 0; i < 10; i++)
		mom_sample(&guest, 1000, 80);
	assert_int_equal(mom_target(&guest, 0.10, 1000, 100, 2000), 1000);
}

/* Without stalls it takes 1 % every six ticks, and nothing in between. */
static void test_probe_probes(void **state)
{
	struct probe_guest guest = { 0 };

	assert_int_equal(probe_target(&guest, 3, 1, 0, 1000, 100, 2000), 1000);
	assert_int_equal(probe_target(&guest, 3, 1, 0, 1000, 100, 2000), 990);
	assert_int_equal(probe_target(&guest, 3, 1, 0, 990, 100, 2000), 990);
	assert_int_equal(probe_target(&guest, 3, 1, 0, 101, 100, 2000), 100);
}

/* Stalls of 5 of the 10 ms make it careful: (10 / 5 / 10)^2 = 0.04 of 1 %, 4 of 10000 pages. */
static void test_probe_gets_careful(void **state)
{
	struct probe_guest guest = { 0 };

	assert_int_equal(probe_target(&guest, 6, 1, 0.005, 10000, 100, 20000), 9996);
}

/*
 * 40 ms are four times too much: (4 / 20)^2 = 0.04 more, at once. 200 ms and more double the guest, at most to its
 * maximum. Then all begins anew.
 */
static void test_probe_backs_off(void **state)
{
	struct probe_guest guest = { 0 };

	assert_int_equal(probe_target(&guest, 1, 1, 0.04, 1000, 100, 2000), 1040);
	assert_int_equal(probe_target(&guest, 1, 1, 0.5, 1000, 100, 2000), 2000);
	assert_int_equal(probe_target(&guest, 1, 1, 0.5, 1000, 100, 1500), 1500);
	assert_int_equal(probe_target(&guest, 5, 1, 0, 1000, 100, 2000), 1000);
	assert_int_equal(probe_target(&guest, 1, 1, 0, 1000, 100, 2000), 990);
}

/* Where a tick is 0.4 s it strives for 4 ms: 16 are four times too much. */
static void test_probe_faster(void **state)
{
	struct probe_guest guest = { 0 };

	assert_int_equal(probe_target(&guest, 1, 0.4, 0.016, 1000, 100, 2000), 1040);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mom_shrinks),	   cmocka_unit_test(test_mom_makes_guests_swap),
		cmocka_unit_test(test_mom_grows),	   cmocka_unit_test(test_mom_floor),
		cmocka_unit_test(test_mom_averages),	   cmocka_unit_test(test_probe_probes),
		cmocka_unit_test(test_probe_gets_careful), cmocka_unit_test(test_probe_backs_off),
		cmocka_unit_test(test_probe_faster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
