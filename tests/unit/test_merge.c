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
#include "guest_pages.h"
#include "merge.h"
#include "vmheat/guest_protocol.h"

#define LEAVES	     8u /* of the bitmaps here */
#define WORDS	     (LEAVES * LEAF_VECTOR_WORDS)
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

/* What the guest says, as the daemon keeps it. */
static void pack(struct guest_leaf *packed, const uint8_t *guest, size_t leaves)
{
	memset(packed, 0, leaves * sizeof(*packed));
	for (size_t i = 0; i < leaves * LEAF_VECTOR_PAGES; i++)
		guest_pages_fill(packed, i, 1, guest[i]);
}

/*
 * Merge by each way that runs here: all must say the same. @guest has a byte a page, or is NULL. The verdict goes into
 * @bitmaps.
 */
static void merge(struct bitmaps *bitmaps, const uint8_t *guest, size_t leaves, struct merge_counts *counts)
{
	const struct host_view view = view_of(bitmaps);
	struct guest_leaf packed[LEAVES];
	struct merge_counts first = { 0 };

	if (guest)
		pack(packed, guest, leaves);
	for (enum vector_level level = VECTOR_ANY; level < VECTOR_LEVELS; level++) {
		struct merge_counts sum = *counts;
		uint64_t accessed[WORDS];
		uint8_t large[LEAVES];

		if (!vector_level_runs(level))
			continue;
		merge_pages_at(level, &view, guest ? packed : NULL, leaves, accessed, large, &sum);
		for (size_t leaf = 0; leaf < leaves; leaf++) {
			uint64_t touched = 0;

			for (size_t w = leaf * LEAF_VECTOR_WORDS; w < (leaf + 1) * LEAF_VECTOR_WORDS; w++)
				touched |= view.present[w] & ~view.idle[w] & view.coarse[w];
			assert_int_equal(large[leaf], touched != 0);
		}
		if (level == VECTOR_ANY) {
			first = sum;
			memcpy(bitmaps->accessed, accessed, leaves * LEAF_VECTOR_WORDS * sizeof(*accessed));
		}
		assert_memory_equal(accessed, bitmaps->accessed,
				    leaves * LEAF_VECTOR_WORDS * sizeof(*accessed));
		assert_memory_equal(&sum, &first, sizeof(sum));
	}
	*counts = first;
}

static void set_host_page(struct bitmaps *bitmaps, size_t index, enum host_page page)
{
	uint64_t bit = UINT64_C(1) << index % LEAF_WORD_PAGES;
	size_t w = index / LEAF_WORD_PAGES;

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
	assert_int_equal(counts->large_accessed, expected->large_accessed);
	assert_int_equal(counts->large_sparse, expected->large_sparse);
	assert_int_equal(counts->large_unexplained, expected->large_unexplained);
}

/* The table of merge.h, cell by cell; `counts` holds what one such page adds. */
#define HOLE	     .holes = 1
#define IDLE	     .idle = 1
#define ACCESSED     .accessed = 1
#define HOST_TOUCHED .host_accessed = 1
#define LARGE	     .large_accessed = 1, .large_sparse = 1

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
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_UNKNOWN, { ACCESSED, HOST_TOUCHED, LARGE } },
	{ HOST_ACCESSED_LARGE,
	  VMHEAT_PAGE_FREE,
	  { IDLE, HOST_TOUCHED, LARGE, .free_idle = 1, .large_unexplained = 1 } },
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_IDLE, { IDLE, HOST_TOUCHED, LARGE, .large_unexplained = 1 } },
	{ HOST_ACCESSED_LARGE, VMHEAT_PAGE_ACCESSED, { ACCESSED, HOST_TOUCHED, LARGE } },
};
_Static_assert(sizeof(cells) / sizeof(cells[0]) == HOST_PAGES * GUEST_STATES,
	       "five host states by four guest states");

/* Every cell of the merge table gives its verdict and its counts, at every page of a leaf. */
static void test_every_cell(void **state)
{
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		for (size_t page = 0; page < LEAF_VECTOR_PAGES; page++) {
			struct bitmaps bitmaps = { 0 };
			struct merge_counts counts = { 0 };
			struct merge_counts expected = cells[i].counts;
			uint8_t guest[LEAF_VECTOR_PAGES] = { 0 };

			set_host_page(&bitmaps, page, cells[i].host);
			guest[page] = cells[i].guest;
			merge(&bitmaps, guest, 1, &counts);
			for (size_t w = 0; w < LEAF_VECTOR_WORDS; w++)
				assert_int_equal(bitmaps.accessed[w],
						 w == page / LEAF_WORD_PAGES
							 ? expected.accessed << page % LEAF_WORD_PAGES
							 : 0);
			expected.holes += LEAF_VECTOR_PAGES - 1;
			assert_counts(&counts, &expected);
		}
	}
}

/* Every cell again with all 512 pages of a leaf alike. */
static void test_every_cell_whole_leaf(void **state)
{
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		const struct merge_counts *one = &cells[i].counts;
		struct bitmaps bitmaps = { 0 };
		struct merge_counts counts = { 0 };
		uint8_t guest[LEAF_VECTOR_PAGES];

		for (size_t page = 0; page < LEAF_VECTOR_PAGES; page++)
			set_host_page(&bitmaps, page, cells[i].host);
		memset(guest, cells[i].guest, sizeof(guest));
		merge(&bitmaps, guest, 1, &counts);
		for (size_t w = 0; w < LEAF_VECTOR_WORDS; w++)
			assert_int_equal(bitmaps.accessed[w], one->accessed ? UINT64_MAX : 0);
		assert_counts(&counts, &(struct merge_counts){
					       .holes = 512 * one->holes,
					       .idle = 512 * one->idle,
					       .accessed = 512 * one->accessed,
					       .host_accessed = 512 * one->host_accessed,
					       .free_idle = 512 * one->free_idle,
					       .kernel_idle = 512 * one->kernel_idle,
					       .accessed_but_guest_free = 512 * one->accessed_but_guest_free,
					       .accessed_but_guest_idle = 512 * one->accessed_but_guest_idle,
					       .idle_but_guest_accessed = 512 * one->idle_but_guest_accessed,
					       .large_accessed = one->large_accessed,
					       .large_sparse = one->large_unexplained,
					       .large_unexplained = one->large_unexplained,
				       });
	}
}

/* Without an agent the host's data decides alone: a page is what the guest's "unknown" makes of it. */
static void test_without_guest(void **state)
{
	struct bitmaps bitmaps = { 0 };
	struct merge_counts counts = { 0 };

	/* Pages 0 to 4 are the five states of a host page, 507 more are holes. */
	for (size_t page = 0; page < HOST_PAGES; page++)
		set_host_page(&bitmaps, page, (enum host_page)page);
	merge(&bitmaps, NULL, 1, &counts);
	assert_int_equal(bitmaps.accessed[0], 1u << HOST_ACCESSED_4K | 1u << HOST_ACCESSED_LARGE);
	assert_counts(&counts, &(struct merge_counts){ .holes = 508,
						       .idle = 2,
						       .accessed = 2,
						       .host_accessed = 2,
						       .large_accessed = 1,
						       .large_sparse = 1 });
}

/* A 2 MiB leaf with one hot page: the host alone calls 512 pages hot, with the guest's word it is one. */
static void test_sparse_hot_large_leaf(void **state)
{
	struct bitmaps bitmaps = { 0 };
	struct merge_counts counts = { 0 };
	uint8_t guest[LEAF_VECTOR_PAGES];

	for (size_t i = 0; i < LEAF_VECTOR_PAGES; i++)
		set_host_page(&bitmaps, i, HOST_ACCESSED_LARGE);
	memset(guest, VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON, sizeof(guest));
	guest[300] = VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON;
	merge(&bitmaps, guest, 1, &counts);
	for (size_t w = 0; w < LEAF_VECTOR_WORDS; w++)
		assert_int_equal(bitmaps.accessed[w], w == 4 ? UINT64_C(1) << 44 : 0); /* 300 = 4 * 64 + 44 */
	assert_counts(&counts, &(struct merge_counts){ .idle = 511,
						       .accessed = 1,
						       .host_accessed = 512,
						       .anon_idle = 511,
						       .large_accessed = 1,
						       .large_sparse = 1 });
}

/* Sparse are leaves of which 64 pages are hot, and not those of which 65 are. */
static void test_sparse_ends_at_an_eighth(void **state)
{
	for (size_t hot = 0; hot <= LEAF_VECTOR_PAGES; hot++) {
		struct bitmaps bitmaps = { 0 };
		struct merge_counts counts = { 0 };
		uint8_t guest[LEAF_VECTOR_PAGES];

		for (size_t i = 0; i < LEAF_VECTOR_PAGES; i++) {
			set_host_page(&bitmaps, i, HOST_ACCESSED_LARGE);
			guest[i] = i * 7 % LEAF_VECTOR_PAGES < hot ? VMHEAT_PAGE_ACCESSED : VMHEAT_PAGE_IDLE;
		}
		merge(&bitmaps, guest, 1, &counts);
		assert_int_equal(counts.accessed, hot);
		assert_int_equal(counts.large_accessed, 1);
		assert_int_equal(counts.large_sparse, hot <= 64);
		assert_int_equal(counts.large_unexplained, hot == 0);
	}
}

/* The kinds of a page say nothing about its state: with all of them set, every state is still told apart. */
static void test_kinds_do_not_matter(void **state)
{
	struct bitmaps bitmaps = { 0 };
	struct merge_counts counts = { 0 };
	uint8_t guest[LEAF_VECTOR_PAGES];

	/* Page i has the state i % 4; 128 of each. An accessed large leaf keeps unknown (0) and accessed (3). */
	for (size_t i = 0; i < LEAF_VECTOR_PAGES; i++) {
		set_host_page(&bitmaps, i, HOST_ACCESSED_LARGE);
		guest[i] = (uint8_t)((0x7f & ~VMHEAT_PAGE_STATE_MASK) | i % 4);
	}
	merge(&bitmaps, guest, 1, &counts);
	for (size_t w = 0; w < LEAF_VECTOR_WORDS; w++)
		assert_int_equal(bitmaps.accessed[w], UINT64_C(0x9999999999999999));
	/* All are unevictable, so of the idle ones 128 are free and 128 are kept. */
	assert_counts(&counts, &(struct merge_counts){ .idle = 256,
						       .accessed = 256,
						       .host_accessed = 512,
						       .free_idle = 128,
						       .kernel_idle = 128,
						       .large_accessed = 1 });
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
	struct merge_counts counts = { 0 };
	uint8_t guest[LEAF_VECTOR_PAGES] = { 0 };

	memcpy(guest, says, sizeof(says));
	merge(&bitmaps, guest, 1, &counts);
	assert_counts(&counts, &(struct merge_counts){ .holes = 506,
						       .idle = 6,
						       .free_idle = 1,
						       .kernel_idle = 3,
						       .anon_idle = 1,
						       .idle_but_guest_accessed = 1 });
}

/* Idle and coarse bits of a page that is not mapped mean nothing: it is a hole. */
static void test_hole_wins(void **state)
{
	struct bitmaps bitmaps = { .present = { 1 }, .idle = { 6 }, .coarse = { 6 } };
	struct merge_counts counts = { 0 };
	uint8_t guest[LEAF_VECTOR_PAGES] = { VMHEAT_PAGE_ACCESSED, VMHEAT_PAGE_FREE, VMHEAT_PAGE_ACCESSED };

	merge(&bitmaps, guest, 1, &counts);
	assert_int_equal(bitmaps.accessed[0], 1);
	assert_counts(&counts, &(struct merge_counts){ .holes = 511, .accessed = 1, .host_accessed = 1 });
}

/* Without a bitmap of large leaves there are none. */
static void test_no_coarse_pages(void **state)
{
	static const uint64_t present[LEAF_VECTOR_WORDS] = { 7 }, idle[LEAF_VECTOR_WORDS] = { 1 };
	const struct host_view view = { .present = present, .idle = idle };
	uint8_t guest[LEAF_VECTOR_PAGES] = { VMHEAT_PAGE_IDLE, VMHEAT_PAGE_IDLE, VMHEAT_PAGE_FREE };
	struct guest_leaf packed;

	pack(&packed, guest, 1);
	for (enum vector_level level = VECTOR_ANY; level < VECTOR_LEVELS; level++) {
		struct merge_counts counts = { 0 };
		uint64_t accessed[LEAF_VECTOR_WORDS];
		uint8_t large = 1;

		if (!vector_level_runs(level))
			continue;
		merge_pages_at(level, &view, &packed, 1, accessed, &large, &counts);
		assert_int_equal(accessed[0], 6);
		assert_int_equal(large, 0);
		assert_counts(&counts, &(struct merge_counts){ .holes = 509,
							       .idle = 1,
							       .accessed = 2,
							       .host_accessed = 2,
							       .accessed_but_guest_idle = 1,
							       .accessed_but_guest_free = 1 });
	}
}

/* Counts are added to what is there, so that chunks can be merged one after another. */
static void test_counts_add_up(void **state)
{
	struct bitmaps bitmaps = { .present = { 7 }, .idle = { 1 } };
	struct merge_counts counts = { .holes = 1000, .idle = 100, .accessed = 10, .host_accessed = 20 };

	merge(&bitmaps, NULL, 1, &counts);
	assert_counts(&counts, &(struct merge_counts){
				       .holes = 1509, .idle = 101, .accessed = 12, .host_accessed = 22 });
	merge(&bitmaps, NULL, 0, &counts);
	assert_int_equal(counts.holes, 1509);
}

/* The cell that a page falls into, looked up the slow way. */
static const struct cell *cell_of(const struct bitmaps *bitmaps, const uint8_t *guest, size_t index)
{
	uint64_t bit = UINT64_C(1) << index % LEAF_WORD_PAGES;
	size_t w = index / LEAF_WORD_PAGES;
	bool idle = bitmaps->idle[w] & bit;
	bool coarse = bitmaps->coarse[w] & bit;
	enum host_page host = HOST_HOLE;

	if (bitmaps->present[w] & bit)
		host = coarse ? (idle ? HOST_IDLE_LARGE : HOST_ACCESSED_LARGE)
			      : (idle ? HOST_IDLE_4K : HOST_ACCESSED_4K);
	return &cells[host * GUEST_STATES + (guest[index] & VMHEAT_PAGE_STATE_MASK)];
}

/* Leaves, the slow way; the verdict is there. */
static void count_large(const struct bitmaps *bitmaps, struct merge_counts *counts)
{
	for (size_t leaf = 0; leaf < LEAVES; leaf++) {
		bool large = false;
		unsigned int hot = 0;

		for (size_t i = leaf * LEAF_VECTOR_PAGES; i < (leaf + 1) * LEAF_VECTOR_PAGES; i++) {
			uint64_t bit = UINT64_C(1) << i % LEAF_WORD_PAGES;
			size_t w = i / LEAF_WORD_PAGES;

			large = large || (bitmaps->present[w] & ~bitmaps->idle[w] & bitmaps->coarse[w] & bit);
			hot += (bitmaps->accessed[w] & bit) != 0;
		}
		counts->large_accessed += large;
		counts->large_sparse += large && hot <= MERGE_SPARSE_PAGES;
		counts->large_unexplained += large && hot == 0;
	}
}

/* Random words, some of them uniform, agree page by page and count by count with the table. */
static void test_random_words_follow_the_table(void **state)
{
	uint64_t seed = 20240601;

	for (int round = 0; round < 200; round++) {
		struct bitmaps bitmaps;
		struct merge_counts counts = { 0 };
		struct merge_counts expected = { 0 };
		uint8_t guest[WORDS * LEAF_WORD_PAGES];

		for (size_t w = 0; w < WORDS; w++) {
			uint64_t kind = random_word(&seed);

			bitmaps.present[w] = kind & 1 ? UINT64_MAX : kind & 2 ? 0 : random_word(&seed);
			bitmaps.idle[w] = kind & 4 ? UINT64_MAX : random_word(&seed);
			bitmaps.coarse[w] = kind & 8 ? UINT64_MAX : random_word(&seed);
			for (size_t i = 0; i < LEAF_WORD_PAGES; i++)
				guest[w * LEAF_WORD_PAGES + i] =
					kind & 16 ? kind >> 32 & 0x7f : random_word(&seed) & 0x7f;
		}
		merge(&bitmaps, guest, LEAVES, &counts);
		for (size_t i = 0; i < WORDS * LEAF_WORD_PAGES; i++) {
			const struct merge_counts *one = &cell_of(&bitmaps, guest, i)->counts;

			assert_int_equal(bitmaps.accessed[i / LEAF_WORD_PAGES] >> i % LEAF_WORD_PAGES & 1,
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
		count_large(&bitmaps, &expected);
		assert_counts(&counts, &expected);
		assert_int_equal(counts.holes + counts.idle + counts.accessed, WORDS * LEAF_WORD_PAGES);
	}
}

/* The table of classes, cell by cell: what each page byte makes of a page outside the working set. */
static const struct {
	uint8_t guest;
	enum page_class page_class;
} class_cells[] = {
	{ VMHEAT_PAGE_UNKNOWN, PAGE_CLASS_KERNEL },
	{ VMHEAT_PAGE_UNKNOWN | VMHEAT_PAGE_ANON, PAGE_CLASS_KERNEL }, /* hugetlb */
	{ VMHEAT_PAGE_FREE, PAGE_CLASS_FREE },
	{ VMHEAT_PAGE_FREE | VMHEAT_PAGE_FILE | VMHEAT_PAGE_UNEVICTABLE, PAGE_CLASS_FREE },
	{ VMHEAT_PAGE_IDLE, PAGE_CLASS_UNKNOWN },
	{ VMHEAT_PAGE_ACCESSED, PAGE_CLASS_UNKNOWN },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_DIRTY, PAGE_CLASS_UNKNOWN },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON, PAGE_CLASS_ANON },
	{ VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON, PAGE_CLASS_ANON },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON | VMHEAT_PAGE_HUGE, PAGE_CLASS_ANON },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE, PAGE_CLASS_FILE_CLEAN },
	{ VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_FILE, PAGE_CLASS_FILE_CLEAN },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY, PAGE_CLASS_FILE_DIRTY },
	{ VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY, PAGE_CLASS_FILE_DIRTY },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON | VMHEAT_PAGE_UNEVICTABLE, PAGE_CLASS_KERNEL },
	{ VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY | VMHEAT_PAGE_UNEVICTABLE,
	  PAGE_CLASS_KERNEL },
	{ VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_UNEVICTABLE, PAGE_CLASS_KERNEL },
};

static void classify(const uint64_t *present, const uint64_t *young, const uint8_t *guest,
		     struct class_counts *counts)
{
	struct guest_leaf packed;

	pack(&packed, guest, 1);
	merge_classes(present, young, &packed, 1, counts);
	for (enum vector_level level = VECTOR_ANY; level < VECTOR_LEVELS; level++) {
		struct class_counts sum = { 0 };

		if (!vector_level_runs(level))
			continue;
		merge_classes_at(level, present, young, &packed, 1, &sum);
		assert_memory_equal(&sum, counts, sizeof(sum));
	}
}

/* Each cell, at one page of a leaf whose others are not mapped, whatever the guest says of those. */
static void test_every_class(void **state)
{
	for (size_t i = 0; i < sizeof(class_cells) / sizeof(class_cells[0]); i++) {
		for (size_t page = 0; page < LEAF_VECTOR_PAGES; page += 51) {
			uint64_t present[LEAF_VECTOR_WORDS] = { 0 }, young[LEAF_VECTOR_WORDS] = { 0 };
			struct class_counts counts = { 0 };
			uint8_t guest[LEAF_VECTOR_PAGES];

			present[page / LEAF_WORD_PAGES] = UINT64_C(1) << page % LEAF_WORD_PAGES;
			memset(guest, VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE, sizeof(guest));
			guest[page] = class_cells[i].guest;
			classify(present, young, guest, &counts);
			for (unsigned int c = 0; c < PAGE_CLASSES; c++)
				assert_int_equal(counts.pages[c], c == class_cells[i].page_class);
		}
	}
}

/* A page in the working set is of no class here: vm_pages counts it as hot, by its age. */
static void test_young_is_of_no_cold_class(void **state)
{
	uint64_t present[LEAF_VECTOR_WORDS] = { 0xff }, young[LEAF_VECTOR_WORDS] = { 0x0f };
	struct class_counts counts = { 0 };
	uint8_t guest[LEAF_VECTOR_PAGES];

	memset(guest, VMHEAT_PAGE_FREE, sizeof(guest));
	classify(present, young, guest, &counts);
	for (unsigned int c = 0; c < PAGE_CLASSES; c++)
		assert_int_equal(counts.pages[c], c == PAGE_CLASS_FREE ? 4 : 0);
}

/* Every class has a name of its own. */
static void test_class_names(void **state)
{
	for (unsigned int a = 0; a < PAGE_CLASSES; a++)
		for (unsigned int b = 0; b < a; b++)
			assert_string_not_equal(page_class_name((enum page_class)a),
						page_class_name((enum page_class)b));
	assert_string_equal(page_class_name(PAGE_CLASSES), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_every_cell_whole_leaf),
		cmocka_unit_test(test_without_guest),
		cmocka_unit_test(test_sparse_hot_large_leaf),
		cmocka_unit_test(test_sparse_ends_at_an_eighth),
		cmocka_unit_test(test_no_coarse_pages),
		cmocka_unit_test(test_every_class),
		cmocka_unit_test(test_young_is_of_no_cold_class),
		cmocka_unit_test(test_class_names),
		cmocka_unit_test(test_kinds_do_not_matter),
		cmocka_unit_test(test_idle_is_not_always_to_be_had),
		cmocka_unit_test(test_hole_wins),
		cmocka_unit_test(test_counts_add_up),
		cmocka_unit_test(test_random_words_follow_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
