/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_ages.c - windows, and counts of ages, see page_ages.h; age_ways.c makes ages older
 */
#include <string.h>
#include "page_ages.h"

#define BYTE_REPEATED UINT64_C(0x0101010101010101)

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

uint64_t page_ages_untouched(const uint64_t counts[256], unsigned int windows)
{
	if (windows == 0)
		return 0;
	return counts[windows <= PAGE_AGE_MAX ? windows : PAGE_AGE_UNTOUCHED];
}
