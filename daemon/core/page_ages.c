/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_ages.c - how long each page has been idle, see page_ages.h
 *
 * Theory of operation
 *
 * The update runs over every page of every VM in every window, so it must keep up with memory. It goes word
 * by word, 64 pages at a time. Most words of a real guest are of one kind throughout, and have a way of their
 * own: not mapped, all accessed, all idle. The rest goes without a branch a page:
 *
 * - Eight bits become eight bytes by one multiplication: it copies the bits into every byte, and a mask
 *   leaves byte i only its bit i. A byte is then non-zero exactly when its page's bit is set.
 * - The successor of an age needs no comparison with HOLE: in 8-bit arithmetic 255 + 1 is 0, so the new age
 *   lifted to at least 1 is right for a page that was a hole, and cut to at most 254 for one that is old.
 *
 * What is left are sums, minima, maxima and selections over 64 bytes: the compiler makes vectors of them.
 */
#include <string.h>
#include "page_ages.h"

#define WORD_PAGES	64u
#define BYTE_REPEATED	UINT64_C(0x0101010101010101)
#define BIT_I_OF_BYTE_I UINT64_C(0x8040201008040201)

_Static_assert(PAGE_AGE_MAX == UINT8_MAX - 1 && PAGE_AGE_HOLE == UINT8_MAX,
	       "the successor of an age relies on how HOLE wraps");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bit i of a word is byte i of the ages in memory");

void window_ring_add(struct window_ring *ring, double seconds)
{
	ring->seconds[ring->next] = seconds;
	ring->next = (ring->next + 1) % PAGE_AGE_MAX;
	if (ring->count < PAGE_AGE_MAX)
		ring->count++;
}

/** The length of the window that ended @back windows before the last one; @back is below the count. */
static double window_before(const struct window_ring *ring, unsigned int back)
{
	return ring->seconds[(ring->next + PAGE_AGE_MAX - 1 - back) % PAGE_AGE_MAX];
}

double window_ring_seconds(const struct window_ring *ring, unsigned int age)
{
	double sum = 0;

	for (unsigned int back = 0; back < age && back < ring->count; back++)
		sum += window_before(ring, back);
	return sum;
}

unsigned int window_ring_age_of(const struct window_ring *ring, double seconds)
{
	double sum = 0;

	for (unsigned int age = 0; age < ring->count; age++) {
		if (sum >= seconds)
			return age;
		sum += window_before(ring, age);
	}
	return sum >= seconds ? ring->count : PAGE_AGE_MAX;
}

/** The age of a page that was idle once more. */
static inline uint8_t successor(uint8_t age)
{
	uint8_t older = (uint8_t)(age + 1);

	older = older < PAGE_AGE_MAX ? older : (uint8_t)PAGE_AGE_MAX;
	return older > 1 ? older : 1;
}

static void age_idle_word(uint8_t *ages)
{
	for (size_t i = 0; i < WORD_PAGES; i++)
		ages[i] = successor(ages[i]);
}

/** Make byte i of @bytes non-zero where bit i of @word is set, and zero elsewhere. */
static inline void spread_bits(uint64_t word, uint8_t bytes[WORD_PAGES])
{
	for (size_t i = 0; i < WORD_PAGES / 8; i++) {
		uint64_t eight = ((word >> (8 * i) & 0xff) * BYTE_REPEATED) & BIT_I_OF_BYTE_I;

		memcpy(bytes + 8 * i, &eight, sizeof(eight));
	}
}

static void age_mixed_word(uint8_t *ages, uint64_t present, uint64_t accessed)
{
	uint8_t is_present[WORD_PAGES];
	uint8_t is_accessed[WORD_PAGES];

	spread_bits(present, is_present);
	spread_bits(accessed, is_accessed);
	for (size_t i = 0; i < WORD_PAGES; i++) {
		uint8_t age = is_accessed[i] ? 0 : successor(ages[i]);

		ages[i] = is_present[i] ? age : (uint8_t)PAGE_AGE_HOLE;
	}
}

void page_ages_update(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words)
{
	for (size_t w = 0; w < words; w++) {
		uint8_t *word_ages = ages + w * WORD_PAGES;

		if (present[w] == 0)
			memset(word_ages, PAGE_AGE_HOLE, WORD_PAGES);
		else if (present[w] == UINT64_MAX && accessed[w] == 0)
			age_idle_word(word_ages);
		else if (present[w] == UINT64_MAX && accessed[w] == UINT64_MAX)
			memset(word_ages, 0, WORD_PAGES);
		else
			age_mixed_word(word_ages, present[w], accessed[w]);
	}
}

void page_ages_count(const uint8_t *ages, size_t indices, uint64_t counts[256])
{
	/* Neighbours go to tables of their own: adding to one counter twice in a row waits for itself. */
	uint64_t tables[4][256] = { 0 };
	size_t i = 0;

	for (; i + 8 <= indices; i += 8) {
		uint64_t eight;

		/* Ages come in long runs: eight equal ones are counted at once. */
		memcpy(&eight, ages + i, sizeof(eight));
		if (eight == ages[i] * BYTE_REPEATED) {
			tables[0][ages[i]] += 8;
			continue;
		}
		for (size_t j = 0; j < 8; j++)
			tables[j % 4][ages[i + j]]++;
	}
	for (; i < indices; i++)
		tables[0][ages[i]]++;
	for (size_t age = 0; age < 256; age++)
		counts[age] += tables[0][age] + tables[1][age] + tables[2][age] + tables[3][age];
}
