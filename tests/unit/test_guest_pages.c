/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_pages.c - what the guest says of its pages, in half a byte each
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "guest_pages.h"
#include "vmheat/guest_protocol.h"

#define LEAVES 3u
#define PAGES  ((uint64_t)LEAVES * LEAF_VECTOR_PAGES)

/* What guest_pages.h says is kept of a byte. */
static uint8_t kept(uint8_t page)
{
	uint8_t state = page & VMHEAT_PAGE_STATE_MASK;

	if (state == VMHEAT_PAGE_UNKNOWN || state == VMHEAT_PAGE_FREE)
		return state;
	if (page & VMHEAT_PAGE_UNEVICTABLE)
		return state | VMHEAT_PAGE_UNEVICTABLE;
	if (page & VMHEAT_PAGE_ANON)
		return state | VMHEAT_PAGE_ANON;
	if (page & VMHEAT_PAGE_FILE)
		return state | VMHEAT_PAGE_FILE | (page & VMHEAT_PAGE_DIRTY);
	return state;
}

/* Each byte that an agent may send, alone at each page of a leaf: what matters of it comes back, and no neighbour changes. */
static void test_every_byte(void **state)
{
	for (unsigned int page = 0; page < VMHEAT_PAGE_RESERVED; page++) {
		for (uint64_t i = 0; i < LEAF_VECTOR_PAGES; i++) {
			struct guest_leaf leaves[LEAVES] = { 0 };

			guest_pages_fill(leaves, 0, PAGES, VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE);
			guest_pages_fill(leaves, LEAF_VECTOR_PAGES + i, 1, (uint8_t)page);
			assert_int_equal(guest_pages_get(leaves, LEAF_VECTOR_PAGES + i), kept((uint8_t)page));
			assert_int_equal(guest_page_kept((uint8_t)page), kept((uint8_t)page));
			assert_int_equal(guest_pages_get(leaves, LEAF_VECTOR_PAGES + i - 1),
					 VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE);
			assert_int_equal(guest_pages_get(leaves, LEAF_VECTOR_PAGES + i + 1),
					 VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE);
		}
	}
}

/* Runs of any place and length, over words and leaves, are those of an array of bytes. */
static void test_runs(void **state)
{
	struct guest_leaf leaves[LEAVES] = { 0 };
	uint8_t expected[PAGES] = { 0 };
	uint64_t seed = 4711;

	for (int round = 0; round < 2000; round++) {
		uint64_t first, count;
		uint8_t page;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		first = (seed >> 33) % PAGES;
		count = (seed >> 20) % (PAGES - first + 1);
		page = (uint8_t)(seed >> 56 & 0x7f);
		guest_pages_fill(leaves, first, count, page);
		memset(expected + first, kept(page), count);
		for (uint64_t i = 0; i < PAGES; i++)
			assert_int_equal(guest_pages_get(leaves, i), expected[i]);
	}
}

/* A leaf taken apart says of each page what its byte says. */
static void test_states(void **state)
{
	struct guest_leaf leaf = { 0 };
	struct guest_states says;

	for (uint64_t i = 0; i < LEAF_VECTOR_PAGES; i++)
		guest_pages_fill(&leaf, i, 1, (uint8_t)(i * 37 % VMHEAT_PAGE_RESERVED));
	guest_leaf_states(&leaf, &says);
	for (uint64_t i = 0; i < LEAF_VECTOR_PAGES; i++) {
		uint8_t page = kept((uint8_t)(i * 37 % VMHEAT_PAGE_RESERVED));
		uint8_t in = page & VMHEAT_PAGE_STATE_MASK;
		uint64_t w = i / LEAF_WORD_PAGES, bit = i % LEAF_WORD_PAGES;
		bool evictable = in >= VMHEAT_PAGE_IDLE && !(page & VMHEAT_PAGE_UNEVICTABLE);

		assert_int_equal(says.free[w] >> bit & 1, in == VMHEAT_PAGE_FREE);
		assert_int_equal(says.idle[w] >> bit & 1, in == VMHEAT_PAGE_IDLE);
		assert_int_equal(says.accessed[w] >> bit & 1, in == VMHEAT_PAGE_ACCESSED);
		assert_int_equal(says.evictable[w] >> bit & 1, evictable);
		assert_int_equal(says.anon[w] >> bit & 1, evictable && page & VMHEAT_PAGE_ANON);
		assert_int_equal(says.file_clean[w] >> bit & 1,
				 evictable && page & VMHEAT_PAGE_FILE && !(page & VMHEAT_PAGE_DIRTY));
		assert_int_equal(says.file_dirty[w] >> bit & 1, evictable && page & VMHEAT_PAGE_DIRTY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
