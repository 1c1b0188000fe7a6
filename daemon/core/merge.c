/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.c - one verdict a page, see merge.h
 *
 * Theory of operation
 *
 * The table of merge.h is evaluated for the 64 pages of a word at once, in boolean algebra over words. The
 * guest's page bytes are brought into that form first: the two state bits of eight bytes are gathered by one
 * multiplication each, which moves bit 0 of byte i to bit 56 + i; no two of its partial products meet, so
 * nothing carries into the result.
 */
#include <stdbool.h>
#include <string.h>
#include "merge.h"
#include "vmheat/guest_protocol.h"

#define WORD_PAGES    64u
#define BYTE_REPEATED UINT64_C(0x0101010101010101)

_Static_assert(VMHEAT_PAGE_STATE_MASK == 3 && VMHEAT_PAGE_FREE == 1 && VMHEAT_PAGE_IDLE == 2 &&
		       VMHEAT_PAGE_ACCESSED == 3,
	       "guest_word_of() takes the states apart bit by bit");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte i of the guest's pages is bit i of a word");

/** The guest's states of 64 pages. A page of which nothing is known is in none. */
struct guest_word {
	uint64_t free;
	uint64_t idle;
	uint64_t accessed;
};

/** Bit 0 of byte i of @bytes as bit i of a byte. */
static inline uint64_t gather_bits(uint64_t bytes)
{
	return ((bytes & BYTE_REPEATED) * UINT64_C(0x0102040810204080)) >> 56;
}

/** Whether the 64 pages at @pages have one state, which is what a guest reports of most words. */
static inline bool state_is_uniform(const uint8_t *pages)
{
	uint64_t first = pages[0] * BYTE_REPEATED;
	uint64_t differences = 0;

	for (size_t i = 0; i < WORD_PAGES / 8; i++) {
		uint64_t eight;

		memcpy(&eight, pages + 8 * i, sizeof(eight));
		differences |= eight ^ first;
	}
	return (differences & VMHEAT_PAGE_STATE_MASK * BYTE_REPEATED) == 0;
}

static inline struct guest_word guest_word_of(const uint8_t *pages)
{
	uint64_t low = 0;
	uint64_t high = 0;

	if (state_is_uniform(pages)) {
		low = -(uint64_t)(pages[0] & 1);
		high = -(uint64_t)(pages[0] >> 1 & 1);
	} else {
		for (size_t i = 0; i < WORD_PAGES / 8; i++) {
			uint64_t eight;

			memcpy(&eight, pages + 8 * i, sizeof(eight));
			low |= gather_bits(eight) << (8 * i);
			high |= gather_bits(eight >> 1) << (8 * i);
		}
	}
	return (struct guest_word){ .free = low & ~high, .idle = high & ~low, .accessed = high & low };
}

/** Set bits of @word. Written out because not every processor the daemon is built for has the instruction. */
static inline uint64_t count_bits(uint64_t word)
{
	if (word == 0)
		return 0;
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (word * BYTE_REPEATED) >> 56;
}

void merge_pages(const struct host_view *host, const uint8_t *guest, size_t words, uint64_t *accessed,
		 struct merge_counts *counts)
{
	struct merge_counts sum = *counts;

	for (size_t w = 0; w < words; w++) {
		struct guest_word says = { 0 };
		uint64_t present = host->present[w];
		uint64_t idle = host->idle[w] & present;
		uint64_t touched = present & ~idle;
		uint64_t large = host->large[w];

		if (present == 0) {
			accessed[w] = 0;
			sum.holes += WORD_PAGES;
			continue;
		}
		if (guest)
			says = guest_word_of(guest + w * WORD_PAGES);

		/* Some page of an accessed large leaf was touched, but none that the guest says was not. */
		accessed[w] = touched & ~(large & (says.idle | says.free));

		sum.holes += WORD_PAGES - count_bits(present);
		sum.idle += count_bits(present & ~accessed[w]);
		sum.accessed += count_bits(accessed[w]);
		sum.host_accessed += count_bits(touched);
		sum.free_idle += count_bits(present & ~accessed[w] & says.free);
		sum.accessed_but_guest_free += count_bits(touched & ~large & says.free);
		sum.accessed_but_guest_idle += count_bits(touched & ~large & says.idle);
		sum.idle_but_guest_accessed += count_bits(idle & says.accessed);
	}
	*counts = sum;
}
