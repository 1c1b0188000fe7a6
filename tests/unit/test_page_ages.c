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

/* Random words from a fixed seed (xorshift64). */
static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static const struct age_rule plain_rule = { .oldest = PAGE_AGE_MAX, .young = 3 };

/* What page_ages.h says, one page at a time. */
static uint8_t next_age(uint8_t age, uint64_t present, uint64_t accessed, uint8_t oldest)
{
	if (!present)
		return PAGE_AGE_HOLE;
	if (accessed)
		return 0;
	if (age == PAGE_AGE_HOLE)
		return 1;
	return age < oldest ? age + 1 : age;
}

/*
 * Make @ages older by each way that runs here: all must agree on the ages, on who is young, and on the counts, which must
 * be those of the ages.
 */
static void update(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words,
		   const struct age_rule *rule)
{
	size_t size = words * LEAF_WORD_PAGES;
	uint8_t *before = malloc(size), *after = malloc(size);
	uint64_t *young = malloc(words * sizeof(*young));

	memcpy(before, ages, size);
	for (enum vector_level level = VECTOR_ANY; level < VECTOR_LEVELS; level++) {
		uint64_t counts_before[256] = { 0 }, counts_after[256] = { 0 };
		struct age_counts counts;

		if (!vector_level_runs(level))
			continue;
		memcpy(after, before, size);
		page_ages_count(before, size, counts_before);
		for (unsigned int age = 0; age < 256; age++)
			counts.pages[age] = (uint32_t)counts_before[age];
		page_ages_update_at(level, after, present, accessed, words, rule, young, &counts);
		if (level == VECTOR_ANY)
			memcpy(ages, after, size);
		assert_memory_equal(after, ages, size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(young[i / LEAF_WORD_PAGES] >> i % LEAF_WORD_PAGES & 1,
					 after[i] < rule->young);
		page_ages_count(after, size, counts_after);
		for (unsigned int age = 0; age < 256; age++)
			assert_int_equal(counts.pages[age], counts_after[age]);
	}
	free(before);
	free(after);
	free(young);
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

/* After 300 windows of i seconds the ring holds the last 253: 48 to 300 s. */
static void test_ring_forgets_the_oldest(void **state)
{
	struct window_ring ring = { 0 };
	/* 48 + ... + 300 = 300 * 301 / 2 - 47 * 48 / 2 */
	const double all = 45150 - 1128;

	for (int i = 1; i <= 300; i++)
		window_ring_add(&ring, i);
	assert_int_equal(ring.count, PAGE_AGE_MAX);
	assert_true(window_ring_seconds(&ring, 1) == 300);
	assert_true(window_ring_seconds(&ring, 2) == 300 + 299);
	assert_true(window_ring_seconds(&ring, PAGE_AGE_MAX) == all);
	assert_int_equal(window_ring_age_of(&ring, all), PAGE_AGE_MAX);
	assert_int_equal(window_ring_age_of(&ring, all - 48), PAGE_AGE_MAX - 1);
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
	uint8_t ages[LEAF_WORD_PAGES];

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		update(ages, &windows[i].present, &windows[i].accessed, 1, &plain_rule);
		assert_int_equal(ages[0], windows[i].age);
		assert_int_equal(ages[1], PAGE_AGE_HOLE);
	}
}

/* Every age under every state of its page, in words of one kind and in mixed ones, becomes the right one. */
static void test_every_age_and_state(void **state)
{
	for (unsigned int age = 0; age < 256; age++) {
		for (unsigned int bits = 0; bits < 8; bits++) {
			const struct age_rule rule = { .oldest = bits & 4 ? PAGE_AGE_UNTOUCHED : PAGE_AGE_MAX,
						       .young = (uint8_t)age };
			uint64_t present = bits & 1;
			uint64_t accessed = bits >> 1 & 1;
			uint64_t all_present = present ? UINT64_MAX : 0;
			uint64_t all_accessed = accessed ? UINT64_MAX : 0;
			uint64_t rest = UINT64_C(0x00ffff0000ff00ff);
			uint8_t expected = next_age((uint8_t)age, present, accessed, rule.oldest);
			uint8_t ages[LEAF_WORD_PAGES];

			memset(ages, (int)age, sizeof(ages));
			update(ages, &all_present, &all_accessed, 1, &rule);
			for (size_t i = 0; i < LEAF_WORD_PAGES; i++)
				assert_int_equal(ages[i], expected);

			/* Now only half of the pages are in this state; the others are present and accessed. */
			memset(ages, (int)age, sizeof(ages));
			all_present |= rest;
			all_accessed |= rest;
			update(ages, &all_present, &all_accessed, 1, &rule);
			for (size_t i = 0; i < LEAF_WORD_PAGES; i++)
				assert_int_equal(ages[i], rest >> i & 1 ? 0 : expected);
		}
	}
}

/*
 * Four pages in 600 windows: never accessed; accessed in the first window; in window 300; mapped from window 2 on. Each
 * grows to 253, but the first one alone becomes untouched, in window 254, and stays so.
 */
static void test_untouched_is_told_from_old(void **state)
{
	uint8_t ages[LEAF_WORD_PAGES];

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	for (unsigned int window = 1; window <= 600; window++) {
		const struct age_rule rule = { .oldest = age_rule_oldest(window - 1), .young = 3 };
		uint64_t present = window == 1 ? 7 : 15;
		uint64_t accessed = window == 1 ? 2 : window == 300 ? 4 : 0;
		uint64_t counts[256] = { 0 };

		update(ages, &present, &accessed, 1, &rule);
		assert_int_equal(ages[0], window <= PAGE_AGE_MAX ? window : PAGE_AGE_UNTOUCHED);
		assert_int_equal(ages[1], window - 1 < PAGE_AGE_MAX ? window - 1 : PAGE_AGE_MAX);
		if (window >= 300)
			assert_int_equal(ages[2], window - 300 < PAGE_AGE_MAX ? window - 300 : PAGE_AGE_MAX);
		if (window >= 2)
			assert_int_equal(ages[3], window - 1 < PAGE_AGE_MAX ? window - 1 : PAGE_AGE_MAX);
		page_ages_count(ages, LEAF_WORD_PAGES, counts);
		assert_int_equal(page_ages_untouched(counts, window), window < 300 ? 2 : 1);
	}
}

/* Before any window nothing is known to be untouched. */
static void test_untouched_before_any_window(void **state)
{
	const uint64_t counts[256] = { 10, [PAGE_AGE_HOLE] = 20 };

	assert_int_equal(page_ages_untouched(counts, 0), 0);
}

/* Random ages, words and kinds of words agree page by page with the naive model; neighbours are not touched. */
static void test_random_words_follow_the_model(void **state)
{
	enum { WORDS = 40, GUARD = 0x5a };
	uint64_t seed = 42;

	for (int round = 0; round < 500; round++) {
		const struct age_rule rule = { .oldest = round % 3 ? PAGE_AGE_MAX : PAGE_AGE_UNTOUCHED,
					       .young = (uint8_t)random_word(&seed) };
		uint8_t before[WORDS * LEAF_WORD_PAGES] = { 0 };
		uint8_t buffer[WORDS * LEAF_WORD_PAGES + 2];
		uint8_t *ages = buffer + 1; /* odd on purpose: nothing may rely on aligned ages */
		uint64_t present[WORDS], accessed[WORDS], young[WORDS];

		for (size_t w = 0; w < WORDS; w++) {
			uint64_t kind = random_word(&seed);

			present[w] = kind & 1 ? UINT64_MAX : kind & 2 ? 0 : random_word(&seed);
			accessed[w] = kind & 4 ? UINT64_MAX : kind & 8 ? 0 : random_word(&seed);
			for (size_t i = 0; i < LEAF_WORD_PAGES; i++)
				before[w * LEAF_WORD_PAGES + i] = kind & 16
									  ? (uint8_t)random_word(&seed)
									  : (uint8_t)(random_word(&seed) % 3);
		}
		memset(buffer, GUARD, sizeof(buffer));
		memcpy(ages, before, sizeof(before));
		update(ages, present, accessed, WORDS, &rule);
		for (size_t i = 0; i < sizeof(before); i++)
			assert_int_equal(ages[i],
					 next_age(before[i],
						  present[i / LEAF_WORD_PAGES] >> i % LEAF_WORD_PAGES & 1,
						  accessed[i / LEAF_WORD_PAGES] >> i % LEAF_WORD_PAGES & 1,
						  rule.oldest));
		memcpy(ages, before, sizeof(before));
		page_ages_update(ages, present, accessed, WORDS, &rule, young, NULL);
		assert_int_equal(ages[0], next_age(before[0], present[0] & 1, accessed[0] & 1, rule.oldest));
		assert_int_equal(buffer[0], GUARD);
		assert_int_equal(buffer[sizeof(buffer) - 1], GUARD);
	}
}

/* Many pages leave many ages at once, more than are gathered before they are counted. */
static void test_counts_of_large_changes(void **state)
{
	enum { WORDS = 1024 };
	static uint8_t ages[WORDS * LEAF_WORD_PAGES];
	static uint64_t present[WORDS], accessed[WORDS];
	uint64_t seed = 5;

	for (size_t i = 0; i < sizeof(ages); i++)
		ages[i] = (uint8_t)random_word(&seed);
	for (int window = 0; window < 4; window++) {
		for (size_t w = 0; w < WORDS; w++) {
			present[w] = random_word(&seed);
			present[w] |= random_word(&seed);
			accessed[w] = random_word(&seed);
		}
		update(ages, present, accessed, WORDS, &plain_rule);
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
		cmocka_unit_test(test_untouched_is_told_from_old),
		cmocka_unit_test(test_untouched_before_any_window),
		cmocka_unit_test(test_counts_of_large_changes),
		cmocka_unit_test(test_random_words_follow_the_model),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
