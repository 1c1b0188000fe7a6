/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_merge.c - one verdict a page from the host's and the guest's data
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "merge.h"
#include "vmheat/guest_protocol.h"

#define WORD_PAGES   UINT64_C(64)
#define WORDS	     UINT64_C(64) /* of the bitmaps here */
#define GUEST_STATES (VMHEAT_PAGE_STATE_MASK + UINT64_C(1))

/* What the host can see of a page. */
enum host_page {
	HOST_HOLE,
	HOST_IDLE_4K,
	HOST_ACCESSED_4K,
	HOST_IDLE_LARGE,
	HOST_ACCESSED_LARGE,
	HOST_PAGES
};

/* Random words from a fixed seed (xorshift64). */
static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct bitmaps {
	uint64_t present[WORDS];
	uint64_t idle[WORDS];
	uint64_t coarse[WORDS];
	uint64_t accessed[WORDS];
};

static struct host_view view_of(const struct bitmaps *bitmaps)
{
	return (struct host_view){ .present = bitmaps->present,
				   .idle = bitmaps->idle,
				   .coarse = bitmaps->coarse };
}

static void set_host_page(struct bitmaps *bitmaps, size_t index, enum host_page page)
{
	uint64_t bit = UINT64_C(1) << index % WORD_PAGES;
	size_t w = index / WORD_PAGES;

	if (page != HOST_HOLE)
		bitmaps->present[w] |= bit;
	if (page == HOST_IDLE_4K || page == HOST_IDLE_LARGE)
		bitmaps->idle[w] |= bit;
	if (page == HOST_IDLE_LARGE || page == HOST_ACCESSED_LARGE)
		bitmaps->coarse[w] |= bit;
}

static void assert_counts(const struct merge_counts *counts, const struct merge_counts *expected)
{
	assert_int_equal(counts->holes, expected->holes);
	assert_int_equal(counts->idle, expected->idle);
	assert_int_equal(counts->accessed, expected->accessed);
	assert_int_equal(counts->host_accessed, expected->host_accessed);
	assert_int_equal(counts->free_idle, expected->free_idle);
	assert_int_equal(counts->kernel_idle, expected->kernel_idle);
	assert_int_equal(counts->anon_idle, expected->anon_idle);
	assert_int_equal(counts->accessed_but_guest_free, expected->accessed_but_guest_free);
	assert_int_equal(counts->accessed_but_guest_idle, expected->accessed_but_guest_idle);
	assert_int_equal(counts->idle_but_guest_accessed, expected->idle_but_guest_accessed);
}

/* The table of merge.h, cell by cell; `counts` holds what one such page adds. */
#define HOLE	     .holes = 1
#define IDLE	     .idle = 1
#define ACCESSED     .accessed = 1
#define HOST_TOUCHED .host_accessed = 1

static const struct cell {
	enum host_page host;
	uint8_t guest;
	struct merge_counts counts;
} cells[] = {
	{ HOST_HOLE, VMHEAT_PAGE_UNKNOWN, { HOLE } },
	{ HOST_HOLE, VMHEAT_PAGE_FREE, { HOLE } },
	{ HOST_HOLE, VMHEAT_PAGE_IDLE, { HOLE } },
	{ HOST_HOLE, VMHEAT_PAGE_ACCESSED, { HOLE } },
	{ HOST_IDLE_4K, VMHEAT_PAGE_UNKNOWN, { IDLE, .kernel_idle = 1 } },
	{ HOST_IDLE_4K, VMHEAT_PAGE_FREE, { IDLE, .free_idle = 1 } },
	{ HOST_IDLE_4K, VMHEAT_PAGE_IDLE, { IDLE } },
	{ HOST_IDLE_4K, VMHEAT_PAGE_ACCESSED, { IDLE, .idle_but_guest_accessed = 1 } },
	{ HOST_ACCESSED_4K, VMHEAT_PAGE_UNKNOWN, { ACCESSED, HOST_TOUCHED } },
	{ HOST_ACCESSED_4K, VMHEAT_PAGE_FREE, { ACCESSED, HOST_TOUCHED, .accessed_but_guest_free = 1 } },
	{ HOST_ACCESSED_4K, VMHEAT_PAGE_IDLE, { ACCESSED, HOST_TOUCHED, .accessed_but_guest_idle = 1 } },
	{ HOST_ACCESSED_4K, VMHEAT_PAGE_ACCESSED, { ACCESSED, HOST_TOUCHED } },
	{ HOST_IDLE_LARGE, VMHEAT_PAGE_UNKNOWN, { IDLE, .kernel_idle = 1 } },
	{ HOST_IDLE_LARGE, VMHEAT_PAGE_FREE, { IDLE, .free_idle = 1 } },
	{ HOST_IDLE_LARGE, VMHEAT_PAGE_IDLE, { IDLE } },
	{ HOST_IDLE_LARGE, VMHEAT_PAGE_ACCESSED, { IDLE, .idle_but_guest_accessed = 1 } },
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_UNKNOWN, { ACCESSED, HOST_TOUCHED } },
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_FREE, { IDLE, HOST_TOUCHED, .free_idle = 1 } },
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_IDLE, { IDLE, HOST_TOUCHED } },
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_ACCESSED, { ACCESSED, HOST_TOUCHED } },
};
_Static_assert(sizeof(cells) / sizeof(cells[0]) == HOST_PAGES * GUEST_STATES,
	       "five host states by four guest states");

/* Every cell of the merge table gives its verdict and its counts, at every bit of a word. */
static void test_every_cell(void **state)
{
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		for (size_t bit = 0; bit < WORD_PAGES; bit++) {
			struct bitmaps bitmaps = { 0 };
			struct host_view view = view_of(&bitmaps);
			struct merge_counts counts = { 0 };
			struct merge_counts expected = cells[i].counts;
			uint8_t guest[WORD_PAGES] = { 0 };

			set_host_page(&bitmaps, bit, cells[i].host);
			guest[bit] = cells[i].guest;
			merge_pages(&view, guest, 1, bitmaps.accessed, &counts);
			assert_int_equal(bitmaps.accessed[0], expected.accessed << bit);
			expected.holes += WORD_PAGES - 1;
			assert_counts(&counts, &expected);
		}
	}
}

/* Every cell again with all 64 pages of a word alike: the ways for whole words give the same. */
static void test_every_cell_whole_word(void **state)
{
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct bitmaps bitmaps = { 0 };
		struct host_view view = view_of(&bitmaps);
		struct merge_counts counts = { 0 };
		uint8_t guest[WORD_PAGES];

		for (size_t bit = 0; bit < WORD_PAGES; bit++)
			set_host_page(&bitmaps, bit, cells[i].host);
		memset(guest, cells[i].guest, sizeof(guest));
		merge_pages(&view, guest, 1, bitmaps.accessed, &counts);
		assert_int_equal(bitmaps.accessed[0], cells[i].counts.accessed ? UINT64_MAX : 0);
		assert_counts(&counts,
			      &(struct merge_counts){
				      .holes = 64 * cells[i].counts.holes,
				      .idle = 64 * cells[i].counts.idle,
				      .accessed = 64 * cells[i].counts.accessed,
				      .host_accessed = 64 * cells[i].counts.host_accessed,
				      .free_idle = 64 * cells[i].counts.free_idle,
				      .kernel_idle = 64 * cells[i].counts.kernel_idle,
				      .accessed_but_guest_free = 64 * cells[i].counts.accessed_but_guest_free,
				      .accessed_but_guest_idle = 64 * cells[i].counts.accessed_but_guest_idle,
				      .idle_but_guest_accessed = 64 * cells[i].counts.idle_but_guest_accessed,
			      });
	}
}

/* Without an agent the host's data decides alone: a page is what the guest's "unknown" makes of it. */
static void test_without_guest(void **state)
{
	struct bitmaps bitmaps = { 0 };
	struct host_view view = view_of(&bitmaps);
	struct merge_counts counts = { 0 };

	/* Pages 0 to 4 are the five states of a host page, 59 more are holes. */
	for (size_t page = 0; page < HOST_PAGES; page++)
		set_host_page(&bitmaps, page, (enum host_page)page);
	merge_pages(&view, NULL, 1, bitmaps.accessed, &counts);
	assert_int_equal(bitmaps.accessed[0], 1u << HOST_ACCESSED_4K | 1u << HOST_ACCESSED_LARGE);
	assert_counts(&counts,
		      &(struct merge_counts){ .holes = 60, .idle = 2, .accessed = 2, .host_accessed = 2 });
}

/* A 2 MiB leaf with one hot page: the host alone calls 512 pages hot, with the guest's word it is one. */
static void test_sparse_hot_large_leaf(void **state)
{
	struct bitmaps bitmaps = { 0 };
	struct host_view view = view_of(&bitmaps);
	struct merge_counts counts = { 0 };
	uint8_t guest[512];

	for (size_t i = 0; i < 512; i++)
		set_host_page(&bitmaps, i, HOST_ACCESSED_LARGE);
	memset(guest, VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON, sizeof(guest));
	guest[300] = VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON;
	merge_pages(&view, guest, 8, bitmaps.accessed, &counts);
	for (size_t w = 0; w < 8; w++)
		assert_int_equal(bitmaps.accessed[w], w == 4 ? UINT64_C(1) << 44 : 0); /* 300 = 4 * 64 + 44 */
	assert_counts(&counts, &(struct merge_counts){
				       .idle = 511, .accessed = 1, .host_accessed = 512, .anon_idle = 511 });
}

/* The kinds of a page say nothing about its state: with all of them set, every state is still told apart. */
static void test_kinds_do_not_matter(void **state)
{
	struct bitmaps bitmaps = { .present = { UINT64_MAX }, .coarse = { UINT64_MAX } };
	struct host_view view = view_of(&bitmaps);
	struct merge_counts counts = { 0 };
	uint8_t guest[WORD_PAGES];

	/* Page i has the state i % 4; 16 of each. An accessed large leaf keeps unknown (0) and accessed (3).
	 */
	for (size_t i = 0; i < WORD_PAGES; i++)
		guest[i] = (uint8_t)((0xff & ~VMHEAT_PAGE_STATE_MASK) | i % 4);
	merge_pages(&view, guest, 1, bitmaps.accessed, &counts);
	assert_int_equal(bitmaps.accessed[0], UINT64_C(0x9999999999999999));
	/* All are unevictable, so of the idle ones 16 are free and 16 are kept. */
	assert_counts(&counts, &(struct merge_counts){ .idle = 32,
						       .accessed = 32,
						       .host_accessed = 64,
						       .free_idle = 16,
						       .kernel_idle = 16 });
}

/* Of idle pages, what the guest cannot evict and what needs swap space are counted apart. */
static void test_idle_is_not_always_to_be_had(void **state)
{
	static const uint8_t says[] = {
		VMHEAT_PAGE_UNKNOWN,					       /* its kernel's own */
		VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON | VMHEAT_PAGE_UNEVICTABLE, /* mlocked */
		VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_FILE | VMHEAT_PAGE_UNEVICTABLE,
		VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON, /* can go to swap */
		VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE, /* can go */
		VMHEAT_PAGE_FREE,
	};
	struct bitmaps bitmaps = { .present = { 0x3f }, .idle = { 0x3f } };
	struct host_view view = view_of(&bitmaps);
	struct merge_counts counts = { 0 };
	uint8_t guest[WORD_PAGES] = { 0 };

	memcpy(guest, says, sizeof(says));
	merge_pages(&view, guest, 1, bitmaps.accessed, &counts);
	assert_counts(&counts, &(struct merge_counts){ .holes = 58,
						       .idle = 6,
						       .free_idle = 1,
						       .kernel_idle = 3,
						       .anon_idle = 1,
						       .idle_but_guest_accessed = 1 });
}

/* Idle and coarse bits of a page that is not mapped mean nothing: it is a hole. */
static void test_hole_wins(void **state)
{
	struct bitmaps bitmaps = { .present = { 1 }, .idle = { 6 }, .coarse = { 5 } };
	struct host_view view = view_of(&bitmaps);
	struct merge_counts counts = { 0 };
	uint8_t guest[WORD_PAGES] = { VMHEAT_PAGE_ACCESSED, VMHEAT_PAGE_FREE, VMHEAT_PAGE_ACCESSED };

	merge_pages(&view, guest, 1, bitmaps.accessed, &counts);
	assert_int_equal(bitmaps.accessed[0], 1);
	assert_counts(&counts, &(struct merge_counts){ .holes = 63, .accessed = 1, .host_accessed = 1 });
}

/* Counts are added to what is there, so that chunks can be merged one after another. */
static void test_counts_add_up(void **state)
{
	struct bitmaps bitmaps = { .present = { 7 }, .idle = { 1 } };
	struct host_view view = view_of(&bitmaps);
	struct merge_counts counts = { .holes = 1000, .idle = 100, .accessed = 10, .host_accessed = 20 };

	merge_pages(&view, NULL, 1, bitmaps.accessed, &counts);
	assert_counts(&counts, &(struct merge_counts){
				       .holes = 1061, .idle = 101, .accessed = 12, .host_accessed = 22 });
	merge_pages(&view, NULL, 0, bitmaps.accessed, &counts);
	assert_int_equal(counts.holes, 1061);
}

/* The cell that a page falls into, looked up the slow way. */
static const struct cell *cell_of(const struct bitmaps *bitmaps, const uint8_t *guest, size_t index)
{
	uint64_t bit = UINT64_C(1) << index % WORD_PAGES;
	size_t w = index / WORD_PAGES;
	bool idle = bitmaps->idle[w] & bit;
	bool coarse = bitmaps->coarse[w] & bit;
	enum host_page host = HOST_HOLE;

	if (bitmaps->present[w] & bit)
		host = coarse ? (idle ? HOST_IDLE_LARGE : HOST_ACCESSED_LARGE)
			      : (idle ? HOST_IDLE_4K : HOST_ACCESSED_4K);
	return &cells[host * GUEST_STATES + (guest[index] & VMHEAT_PAGE_STATE_MASK)];
}

/* Random words, some of them uniform, agree page by page and count by count with the table. */
static void test_random_words_follow_the_table(void **state)
{
	uint64_t seed = 20240601;

	for (int round = 0; round < 200; round++) {
		struct bitmaps bitmaps;
		struct host_view view = view_of(&bitmaps);
		struct merge_counts counts = { 0 };
		struct merge_counts expected = { 0 };
		uint8_t guest[WORDS * WORD_PAGES];

		for (size_t w = 0; w < WORDS; w++) {
			uint64_t kind = random_word(&seed);

			bitmaps.present[w] = kind & 1 ? UINT64_MAX : kind & 2 ? 0 : random_word(&seed);
			bitmaps.idle[w] = kind & 4 ? UINT64_MAX : random_word(&seed);
			bitmaps.coarse[w] = kind & 8 ? UINT64_MAX : random_word(&seed);
			for (size_t i = 0; i < WORD_PAGES; i++)
				guest[w * WORD_PAGES + i] =
					kind & 16 ? kind >> 32 & 0x7f : random_word(&seed) & 0x7f;
		}
		merge_pages(&view, guest, WORDS, bitmaps.accessed, &counts);
		for (size_t i = 0; i < WORDS * WORD_PAGES; i++) {
			const struct merge_counts *one = &cell_of(&bitmaps, guest, i)->counts;

			assert_int_equal(bitmaps.accessed[i / WORD_PAGES] >> i % WORD_PAGES & 1,
					 one->accessed);
			expected.holes += one->holes;
			expected.idle += one->idle;
			expected.accessed += one->accessed;
			expected.host_accessed += one->host_accessed;
			expected.free_idle += one->free_idle;
			if (one->idle && !(guest[i] & VMHEAT_PAGE_UNEVICTABLE))
				expected.anon_idle +=
					(guest[i] & VMHEAT_PAGE_IDLE) && guest[i] & VMHEAT_PAGE_ANON;
			expected.kernel_idle += one->kernel_idle || (one->idle && !one->free_idle &&
								     guest[i] & VMHEAT_PAGE_UNEVICTABLE);
			expected.accessed_but_guest_free += one->accessed_but_guest_free;
			expected.accessed_but_guest_idle += one->accessed_but_guest_idle;
			expected.idle_but_guest_accessed += one->idle_but_guest_accessed;
		}
		assert_counts(&counts, &expected);
		assert_int_equal(counts.holes + counts.idle + counts.accessed, WORDS * WORD_PAGES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_every_cell_whole_word),
		cmocka_unit_test(test_without_guest),
		cmocka_unit_test(test_sparse_hot_large_leaf),
		cmocka_unit_test(test_kinds_do_not_matter),
		cmocka_unit_test(test_idle_is_not_always_to_be_had),
		cmocka_unit_test(test_hole_wins),
		cmocka_unit_test(test_counts_add_up),
		cmocka_unit_test(test_random_words_follow_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
