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
#define ANON_BIT	2u
#define UNEVICTABLE_BIT 5u
_Static_assert(VMHEAT_PAGE_ANON == 1u << ANON_BIT && VMHEAT_PAGE_UNEVICTABLE == 1u << UNEVICTABLE_BIT,
	       "and the kinds too");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte i of the guest's pages is bit i of a word");

/** What the guest says of 64 pages. A page of which nothing is known is in none of the states. */
struct guest_word {
	uint64_t free;
	uint64_t idle;
	uint64_t accessed;
	uint64_t anon;
	uint64_t unevictable;
};

/** The bits of a page byte that are used here. */
#define PAGE_BITS_USED (VMHEAT_PAGE_STATE_MASK | VMHEAT_PAGE_ANON | VMHEAT_PAGE_UNEVICTABLE)

/** Bit 0 of byte i of @bytes as bit i of a byte. */
static inline uint64_t gather_bits(uint64_t bytes)
{
	return ((bytes & BYTE_REPEATED) * UINT64_C(0x0102040810204080)) >> 56;
}

/** Whether the guest says the same of the 64 pages at @pages, as it does of most words. */
static inline bool word_is_uniform(const uint8_t *pages)
{
	uint64_t first = pages[0] * BYTE_REPEATED;
	uint64_t differences = 0;

	for (size_t i = 0; i < WORD_PAGES / 8; i++) {
		uint64_t eight;

		memcpy(&eight, pages + 8 * i, sizeof(eight));
		differences |= eight ^ first;
	}
	return (differences & PAGE_BITS_USED * BYTE_REPEATED) == 0;
}

/** Bit @bit of the 64 bytes at @pages, as a word. */
static inline uint64_t gather_word(const uint8_t *pages, unsigned int bit)
{
	uint64_t word = 0;

	for (size_t i = 0; i < WORD_PAGES / 8; i++) {
		uint64_t eight;

		memcpy(&eight, pages + 8 * i, sizeof(eight));
		word |= gather_bits(eight >> bit) << (8 * i);
	}
	return word;
}

/** The same for a byte that stands for all 64 pages. */
static inline uint64_t spread_bit(uint8_t page, unsigned int bit)
{
	return -(uint64_t)(page >> bit & 1);
}

static inline struct guest_word guest_word_of(const uint8_t *pages)
{
	bool uniform = word_is_uniform(pages);
	uint64_t low = uniform ? spread_bit(pages[0], 0) : gather_word(pages, 0);
	uint64_t high = uniform ? spread_bit(pages[0], 1) : gather_word(pages, 1);

	return (struct guest_word){
		.free = low & ~high,
		.idle = high & ~low,
		.accessed = high & low,
		.anon = uniform ? spread_bit(pages[0], ANON_BIT) : gather_word(pages, ANON_BIT),
		.unevictable =
			uniform ? spread_bit(pages[0], UNEVICTABLE_BIT) : gather_word(pages, UNEVICTABLE_BIT),
	};
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
		uint64_t coarse = host->coarse[w];
		uint64_t rest; /* what ends up idle */

		if (present == 0) {
			accessed[w] = 0;
			sum.holes += WORD_PAGES;
			continue;
		}
		if (guest)
			says = guest_word_of(guest + w * WORD_PAGES);

		/* Some page of an accessed large leaf was touched, but none that the guest says was not. */
		accessed[w] = touched & ~(coarse & (says.idle | says.free));

		sum.holes += WORD_PAGES - count_bits(present);
		rest = present & ~accessed[w];
		sum.idle += count_bits(rest);
		sum.accessed += count_bits(accessed[w]);
		sum.host_accessed += count_bits(touched);
		sum.free_idle += count_bits(rest & says.free);
		if (guest) {
			uint64_t evictable = (says.idle | says.accessed) & ~says.unevictable;

			sum.kernel_idle += count_bits(rest & ~says.free & ~evictable);
			sum.anon_idle += count_bits(rest & evictable & says.anon);
		}
		sum.accessed_but_guest_free += count_bits(touched & ~coarse & says.free);
		sum.accessed_but_guest_idle += count_bits(touched & ~coarse & says.idle);
		sum.idle_but_guest_accessed += count_bits(idle & says.accessed);
	}
	*counts = sum;
}
