/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_page_ages.c - ages of pages, and the windows they are counted in
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "page_ages.h"

#define WORD_PAGES 64u

/* Random words from a fixed seed (xorshift64). */
static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* What page_ages.h says, one page at a time. */
static uint8_t next_age(uint8_t age, uint64_t present, uint64_t accessed)
{
	if (!present)
		return PAGE_AGE_HOLE;
	if (accessed)
		return 0;
	if (age == PAGE_AGE_HOLE)
		return 1;
	return age < PAGE_AGE_MAX ? age + 1 : age;
}

/* Before the first window every age has lasted 0 s, and no age has lasted longer than that. */
static void test_ring_before_any_window(void **state)
{
	struct window_ring ring = { 0 };

	assert_true(window_ring_seconds(&ring, 0) == 0);
	assert_true(window_ring_seconds(&ring, PAGE_AGE_MAX) == 0);
	assert_int_equal(window_ring_age_of(&ring, 0), 0);
	assert_int_equal(window_ring_age_of(&ring, -1), 0);
	assert_int_equal(window_ring_age_of(&ring, 0.5), PAGE_AGE_MAX);
}

/* Windows of 1, 2 and 4 s, the last one youngest: ages 1, 2, 3 have lasted 4, 6, 7 s. */
static void test_ring_sums_last_windows(void **state)
{
	struct window_ring ring = { 0 };

	window_ring_add(&ring, 1);
	window_ring_add(&ring, 2);
	window_ring_add(&ring, 4);
	assert_int_equal(ring.count, 3);
	assert_true(window_ring_seconds(&ring, 0) == 0);
	assert_true(window_ring_seconds(&ring, 1) == 4);
	assert_true(window_ring_seconds(&ring, 2) == 6);
	assert_true(window_ring_seconds(&ring, 3) == 7);
	assert_true(window_ring_seconds(&ring, 4) == 7);
	assert_true(window_ring_seconds(&ring, PAGE_AGE_MAX) == 7);

	assert_int_equal(window_ring_age_of(&ring, 0), 0);
	assert_int_equal(window_ring_age_of(&ring, 0.1), 1);
	assert_int_equal(window_ring_age_of(&ring, 4), 1);
	assert_int_equal(window_ring_age_of(&ring, 4.1), 2);
	assert_int_equal(window_ring_age_of(&ring, 7), 3);
	assert_int_equal(window_ring_age_of(&ring, 7.1), PAGE_AGE_MAX);
}

/* After 300 windows of i seconds the ring holds the last 254: 47 to 300 s. */
static void test_ring_forgets_the_oldest(void **state)
{
	struct window_ring ring = { 0 };
	/* 47 + ... + 300 = 300 * 301 / 2 - 46 * 47 / 2 */
	const double all = 45150 - 1081;

	for (int i = 1; i <= 300; i++)
		window_ring_add(&ring, i);
	assert_int_equal(ring.count, PAGE_AGE_MAX);
	assert_true(window_ring_seconds(&ring, 1) == 300);
	assert_true(window_ring_seconds(&ring, 2) == 300 + 299);
	assert_true(window_ring_seconds(&ring, PAGE_AGE_MAX) == all);
	assert_int_equal(window_ring_age_of(&ring, all), PAGE_AGE_MAX);
	assert_int_equal(window_ring_age_of(&ring, all - 47), PAGE_AGE_MAX - 1);
}

/* Seconds and ages are inverse: age_of() gives the smallest age that has lasted long enough, for any seconds.
 */
static void test_ring_age_of_is_inverse(void **state)
{
	struct window_ring ring = { 0 };
	uint64_t seed = 7;

	for (int i = 0; i < 500; i++) {
		double seconds = (double)(random_word(&seed) % 4000) / 10;
		unsigned int age = window_ring_age_of(&ring, seconds);

		if (window_ring_seconds(&ring, PAGE_AGE_MAX) < seconds)
			assert_int_equal(age, PAGE_AGE_MAX);
		else
			assert_true(window_ring_seconds(&ring, age) >= seconds);
		if (age > 0)
			assert_true(window_ring_seconds(&ring, age - 1) < seconds);
		window_ring_add(&ring, (double)(random_word(&seed) % 100) / 10);
	}
}

/* One page's life: appears idle (1), idle (2), accessed (0), idle (1), goes (hole), comes back accessed (0).
 */
static void test_life_of_a_page(void **state)
{
	const struct {
		uint64_t present, accessed;
		uint8_t age;
	} windows[] = { { 0, 0, PAGE_AGE_HOLE }, { 1, 0, 1 }, { 1, 0, 2 }, { 1, 1, 0 }, { 1, 0, 1 },
			{ 0, 0, PAGE_AGE_HOLE }, { 1, 1, 0 } };
	uint8_t ages[WORD_PAGES];

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		page_ages_update(ages, &windows[i].present, &windows[i].accessed, 1);
		assert_int_equal(ages[0], windows[i].age);
		assert_int_equal(ages[1], PAGE_AGE_HOLE);
	}
}

/* Every age under every state of its page, in mixed words and in words of one kind, becomes the right one. */
static void test_every_age_and_state(void **state)
{
	for (unsigned int age = 0; age < 256; age++) {
		for (unsigned int bits = 0; bits < 4; bits++) {
			uint64_t present = bits & 1;
			uint64_t accessed = bits >> 1;
			uint64_t all_present = present ? UINT64_MAX : 0;
			uint64_t all_accessed = accessed ? UINT64_MAX : 0;
			uint64_t rest = UINT64_C(0x00ffff0000ff00ff);
			uint8_t expected = next_age((uint8_t)age, present, accessed);
			uint8_t ages[WORD_PAGES];

			memset(ages, (int)age, sizeof(ages));
			page_ages_update(ages, &all_present, &all_accessed, 1);
			for (size_t i = 0; i < WORD_PAGES; i++)
				assert_int_equal(ages[i], expected);

			/* Now only half of the pages are in this state; the others are present and accessed.
			 */
			memset(ages, (int)age, sizeof(ages));
			all_present |= rest;
			all_accessed |= rest;
			page_ages_update(ages, &all_present, &all_accessed, 1);
			for (size_t i = 0; i < WORD_PAGES; i++)
				assert_int_equal(ages[i], rest >> i & 1 ? 0 : expected);
		}
	}
}

/* A page idle for ever stops at 254 and never becomes a hole: 300 idle windows. */
static void test_age_saturates(void **state)
{
	const uint64_t kinds[] = { UINT64_MAX, 1 }; /* the way for whole words, and the one for mixed words */
	const uint64_t accessed = 0;

	for (size_t kind = 0; kind < 2; kind++) {
		uint8_t ages[WORD_PAGES];

		memset(ages, PAGE_AGE_HOLE, sizeof(ages));
		for (unsigned int window = 1; window <= 300; window++) {
			page_ages_update(ages, &kinds[kind], &accessed, 1);
			assert_int_equal(ages[0], window < PAGE_AGE_MAX ? window : PAGE_AGE_MAX);
		}
	}
}

/* Random ages, words and kinds of words agree page by page with the naive model; neighbours are not touched.
 */
static void test_random_words_follow_the_model(void **state)
{
	enum { WORDS = 40, GUARD = 0x5a };
	uint64_t seed = 42;

	for (int round = 0; round < 500; round++) {
		uint8_t before[WORDS * WORD_PAGES];
		uint8_t buffer[WORDS * WORD_PAGES + 2];
		uint8_t *ages = buffer + 1; /* odd on purpose: nothing may rely on aligned ages */
		uint64_t present[WORDS];
		uint64_t accessed[WORDS];

		for (size_t w = 0; w < WORDS; w++) {
			uint64_t kind = random_word(&seed);

			present[w] = kind & 1 ? UINT64_MAX : kind & 2 ? 0 : random_word(&seed);
			accessed[w] = kind & 4 ? UINT64_MAX : kind & 8 ? 0 : random_word(&seed);
			for (size_t i = 0; i < WORD_PAGES; i++)
				before[w * WORD_PAGES + i] = (uint8_t)random_word(&seed);
		}
		memset(buffer, GUARD, sizeof(buffer));
		memcpy(ages, before, sizeof(before));
		page_ages_update(ages, present, accessed, WORDS);
		for (size_t i = 0; i < sizeof(before); i++)
			assert_int_equal(ages[i],
					 next_age(before[i], present[i / WORD_PAGES] >> i % WORD_PAGES & 1,
						  accessed[i / WORD_PAGES] >> i % WORD_PAGES & 1));
		assert_int_equal(buffer[0], GUARD);
		assert_int_equal(buffer[sizeof(buffer) - 1], GUARD);
	}
}

/* Counts of runs and of random ages, at any length, are those of a simple count; they are added. */
static void test_count(void **state)
{
	uint64_t seed = 99;
	uint8_t ages[1000];
	const size_t lengths[] = { 0, 1, 7, 8, 9, 500, 999, 1000 };

	for (size_t i = 0; i < sizeof(ages); i++)
		ages[i] = i < 300 ? PAGE_AGE_HOLE : i < 500 ? 3 : (uint8_t)random_word(&seed);
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		uint64_t counts[256];
		uint64_t expected[256];

		for (size_t age = 0; age < 256; age++)
			counts[age] = expected[age] = 1000 + age;
		for (size_t i = 0; i < lengths[l]; i++)
			expected[ages[i]]++;
		page_ages_count(ages, lengths[l], counts);
		assert_memory_equal(counts, expected, sizeof(counts));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_before_any_window),
		cmocka_unit_test(test_ring_sums_last_windows),
		cmocka_unit_test(test_ring_forgets_the_oldest),
		cmocka_unit_test(test_ring_age_of_is_inverse),
		cmocka_unit_test(test_life_of_a_page),
		cmocka_unit_test(test_every_age_and_state),
		cmocka_unit_test(test_age_saturates),
		cmocka_unit_test(test_random_words_follow_the_model),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
