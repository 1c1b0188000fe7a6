/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_working_set.c - histogram of ages, working set and its estimate
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "working_set.h"

/* A ring of @count windows of @seconds. */
static struct window_ring ring_of(unsigned int count, double seconds)
{
	struct window_ring ring = { 0 };

	for (unsigned int i = 0; i < count; i++)
		window_ring_add(&ring, seconds);
	return ring;
}

/* Windows of 5 s; 100 pages of age 0, 20 of age 1 (5 s), 3 of age 2 (10 s): below 10 s are 120. */
static void test_working_set_at_an_age(void **state)
{
	struct window_ring ring = ring_of(10, 5);
	uint64_t counts[256] = { 100, 20, 3, [7] = 1000, [PAGE_AGE_HOLE] = 5000 };

	assert_int_equal(working_set_pages(counts, &ring, 0), 0);
	assert_int_equal(working_set_pages(counts, &ring, 5), 100);
	assert_int_equal(working_set_pages(counts, &ring, 5.1), 120);
	assert_int_equal(working_set_pages(counts, &ring, 10), 120);
	assert_int_equal(working_set_pages(counts, &ring, 10.1), 123);
	assert_int_equal(working_set_pages(counts, &ring, 35), 123); /* age 7 has lasted 35 s */
	assert_int_equal(working_set_pages(counts, &ring, 35.1), 1123);
}

/* What is not known to be old is in the working set: beyond the ring all mapped pages are, and never a hole.
 */
static void test_working_set_beyond_the_ring(void **state)
{
	struct window_ring empty = { 0 };
	struct window_ring full = ring_of(PAGE_AGE_MAX, 1);
	uint64_t counts[256] = { 1,
				 10, [PAGE_AGE_MAX] = 60, [PAGE_AGE_UNTOUCHED] = 40, [PAGE_AGE_HOLE] = 1000 };

	assert_int_equal(working_set_pages(counts, &empty, 30), 111);
	assert_int_equal(working_set_pages(counts, &full, 253), 11);
	assert_int_equal(working_set_pages(counts, &full, 253.5), 111);
}

/* Windows of 0.5 s: ages 0, 1 are below 1 s, 2 and 3 below 2 s, 4 to 7 below 4 s, 8 (4 s) in the next step.
 */
static void test_histogram_steps(void **state)
{
	struct window_ring ring = ring_of(20, 0.5);
	uint64_t counts[256] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, [PAGE_AGE_HOLE] = 7 };
	struct age_histogram histogram = { .pages = { 9, 9, 9, 9, 9 }, .holes = 9 };

	age_histogram_fill(&histogram, counts, &ring);
	assert_int_equal(histogram.pages[0], 1 + 2);
	assert_int_equal(histogram.pages[1], 4 + 8);
	assert_int_equal(histogram.pages[2], 16 + 32 + 64 + 128);
	assert_int_equal(histogram.pages[3], 256);
	assert_int_equal(histogram.pages[4], 0);
	assert_int_equal(histogram.holes, 7);
}

/* A window can be longer than several steps: with one of 100 s, age 1 goes to the step of 64 to 128 s. */
static void test_histogram_skips_steps(void **state)
{
	struct window_ring ring = ring_of(1, 100);
	uint64_t counts[256] = { 5, 6 };
	struct age_histogram histogram;

	age_histogram_fill(&histogram, counts, &ring);
	assert_int_equal(histogram.pages[0], 5);
	assert_int_equal(histogram.pages[7], 6); /* 2^6 <= 100 < 2^7 */
}

/* The last step has no upper end: 253 windows of 1000 s are far beyond 2^14 s, and no page is lost. */
static void test_histogram_last_step(void **state)
{
	struct window_ring ring = ring_of(PAGE_AGE_MAX, 1000);
	uint64_t counts[256];
	struct age_histogram histogram;
	uint64_t sum = 0;

	for (size_t age = 0; age < 256; age++)
		counts[age] = 1;
	age_histogram_fill(&histogram, counts, &ring);
	assert_int_equal(histogram.pages[AGE_HISTOGRAM_STEPS - 2], 8);	 /* 8192 to 16384 s: ages 9 to 16 */
	assert_int_equal(histogram.pages[AGE_HISTOGRAM_STEPS - 1], 238); /* ages 17 to untouched */
	for (size_t step = 0; step < AGE_HISTOGRAM_STEPS; step++)
		sum += histogram.pages[step];
	assert_int_equal(sum, 255);
	assert_int_equal(histogram.holes, 1);
}

/* Without a window all mapped pages are below 1 s. */
static void test_histogram_without_windows(void **state)
{
	struct window_ring ring = { 0 };
	uint64_t counts[256] = { 1, 2, [PAGE_AGE_HOLE] = 4 };
	struct age_histogram histogram;

	age_histogram_fill(&histogram, counts, &ring);
	assert_int_equal(histogram.pages[0], 3);
	assert_int_equal(histogram.holes, 4);
}

/* The first sample is the estimate, whatever time is given; a rise is followed at once. */
static void test_estimate_rises_at_once(void **state)
{
	struct working_set_estimate estimate = { 0 };

	working_set_estimate_update(&estimate, 100, 1e9, 60);
	assert_true(estimate.valid);
	assert_true(estimate.pages == 100);
	working_set_estimate_update(&estimate, 5000, 0.001, 60);
	assert_true(estimate.pages == 5000);
}

/* From 1000 towards 200 with a half-life of 60 s: 600 after 60 s, 400 after 120 s, 300 after 180 s. */
static void test_estimate_falls_by_halves(void **state)
{
	struct working_set_estimate estimate = { 0 };

	working_set_estimate_update(&estimate, 1000, 0, 60);
	working_set_estimate_update(&estimate, 200, 60, 60);
	assert_true(fabs(estimate.pages - 600) < 1e-9);
	working_set_estimate_update(&estimate, 200, 60, 60);
	assert_true(fabs(estimate.pages - 400) < 1e-9);
	working_set_estimate_update(&estimate, 200, 60, 60);
	assert_true(fabs(estimate.pages - 300) < 1e-9);
}

/* Sixty samples of 1 s fall as far as one of 60 s: the half-life does not depend on the window. */
static void test_estimate_does_not_depend_on_window(void **state)
{
	struct working_set_estimate estimate = { 0 };

	working_set_estimate_update(&estimate, 1000, 0, 60);
	for (int second = 0; second < 60; second++)
		working_set_estimate_update(&estimate, 200, 1, 60);
	assert_true(fabs(estimate.pages - 600) < 1e-6);
}

/* A fall never undershoots the sample, even to nothing and after a very long time; no time is no fall. */
static void test_estimate_limits(void **state)
{
	struct working_set_estimate estimate = { 0 };

	working_set_estimate_update(&estimate, 1000, 0, 60);
	working_set_estimate_update(&estimate, 0, 0, 60);
	assert_true(estimate.pages == 1000);
	working_set_estimate_update(&estimate, 10, 1e12, 60);
	assert_true(estimate.pages == 10);
	working_set_estimate_update(&estimate, 0, 1e12, 60);
	assert_true(estimate.pages == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_working_set_at_an_age),
		cmocka_unit_test(test_working_set_beyond_the_ring),
		cmocka_unit_test(test_histogram_steps),
		cmocka_unit_test(test_histogram_skips_steps),
		cmocka_unit_test(test_histogram_last_step),
		cmocka_unit_test(test_histogram_without_windows),
		cmocka_unit_test(test_estimate_rises_at_once),
		cmocka_unit_test(test_estimate_falls_by_halves),
		cmocka_unit_test(test_estimate_does_not_depend_on_window),
		cmocka_unit_test(test_estimate_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
