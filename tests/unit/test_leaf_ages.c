/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_leaf_ages.c - the working set by the host's data alone, without an age for each page
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "guest_pages.h"
#include "leaf_ages.h"
#include "page_ages.h"
#include "vmheat/guest_protocol.h"

#define LEAVES 6u
#define WORDS  (LEAVES * LEAF_VECTOR_WORDS)
#define PAGES  (LEAVES * LEAF_VECTOR_PAGES)

static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/*
 * A leaf of 512 pages is accessed once, and the guest calls all but one page idle. At a limit of 3 windows the host alone
 * calls the 511 others young for three windows, then nothing beyond what both do.
 */
static void test_one_access(void **state)
{
	uint8_t age = LEAF_AGE_MAX;
	uint8_t accessed = 1;
	uint64_t present[LEAF_VECTOR_WORDS], young[LEAF_VECTOR_WORDS] = { 1 };

	memset(present, 0xff, sizeof(present));
	for (unsigned int window = 0; window < 5; window++) {
		uint64_t more = leaf_ages_update(&age, &accessed, 1, present, young, 3);

		assert_int_equal(more, window < 3 ? 511 : 0);
		assert_int_equal(age, window);
		accessed = 0;
	}
}

/*
 * Against the ages that were kept for each page before: with leaves that are large throughout or not at all, split and
 * collapsed at random, and pages that come and go, both count the same.
 */
static void test_equals_ages_of_each_page(void **state)
{
	const struct age_rule rule = { .oldest = PAGE_AGE_MAX, .young = 4 };
	uint8_t ages[PAGES], host_ages[PAGES], leaf_ages[LEAVES];
	uint64_t seed = 99;

	memset(ages, PAGE_AGE_HOLE, sizeof(ages));
	memset(host_ages, PAGE_AGE_HOLE, sizeof(host_ages));
	memset(leaf_ages, LEAF_AGE_MAX, sizeof(leaf_ages));
	for (int window = 0; window < 400; window++) {
		uint64_t present[WORDS], idle[WORDS], coarse[WORDS], accessed[WORDS], young[WORDS],
			touched[WORDS];
		const struct host_view host = { .present = present, .idle = idle, .coarse = coarse };
		struct guest_leaf guest[LEAVES] = { 0 };
		struct merge_counts counts = { 0 };
		uint64_t host_young = 0, both = 0;
		uint8_t large[LEAVES];

		for (size_t w = 0; w < WORDS; w++) {
			bool is_large = random_word(&seed) % 2, is_idle = random_word(&seed) % 4;

			if (w % LEAF_VECTOR_WORDS != 0 && coarse[w - 1]) {
				present[w] = present[w - 1], idle[w] = idle[w - 1], coarse[w] = coarse[w - 1];
			} else if (w % LEAF_VECTOR_WORDS == 0 && is_large) {
				present[w] = UINT64_MAX, idle[w] = is_idle ? UINT64_MAX : 0;
				coarse[w] = UINT64_MAX;
			} else {
				present[w] = random_word(&seed);
				present[w] |= random_word(&seed);
				idle[w] = random_word(&seed);
				idle[w] |= random_word(&seed);
				coarse[w] = 0;
			}
		}
		for (size_t i = 0; i < PAGES; i++)
			guest_pages_fill(guest, i, 1, (uint8_t)(random_word(&seed) % 4));
		merge_pages(&host, guest, LEAVES, accessed, large, &counts);
		for (size_t w = 0; w < WORDS; w++)
			touched[w] = present[w] & ~idle[w];
		page_ages_update(host_ages, present, touched, WORDS, &rule, young, NULL);
		page_ages_update(ages, present, accessed, WORDS, &rule, young, NULL);
		for (size_t i = 0; i < PAGES; i++) {
			host_young += host_ages[i] < rule.young;
			both += ages[i] < rule.young;
		}
		assert_int_equal(
			both + leaf_ages_update(leaf_ages, large, LEAVES, present, young, rule.young),
			host_young);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_access),
		cmocka_unit_test(test_equals_ages_of_each_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
