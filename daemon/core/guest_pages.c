/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_pages.c - what the guest says of its pages, see guest_pages.h
 */
#include "guest_pages.h"
#include "vmheat/guest_protocol.h"

/* A page's bits in the four planes. */
#define LOW		     1u
#define HIGH		     2u
#define KIND_LOW	     4u
#define KIND_HIGH	     8u
#define KIND_ANON	     KIND_LOW
#define KIND_FILE_CLEAN	     KIND_HIGH
#define KIND_FILE_DIRTY	     (KIND_LOW | KIND_HIGH)
#define UNEVICTABLE_IDLE     KIND_LOW
#define UNEVICTABLE_ACCESSED KIND_HIGH

_Static_assert(VMHEAT_PAGE_FREE == LOW && VMHEAT_PAGE_IDLE == HIGH && VMHEAT_PAGE_ACCESSED == (LOW | HIGH),
	       "the states of the protocol are those of the planes");

static unsigned int code_of(uint8_t page)
{
	unsigned int state = page & VMHEAT_PAGE_STATE_MASK;

	if (state != VMHEAT_PAGE_IDLE && state != VMHEAT_PAGE_ACCESSED)
		return state;
	if (page & VMHEAT_PAGE_UNEVICTABLE)
		return state == VMHEAT_PAGE_IDLE ? UNEVICTABLE_IDLE : UNEVICTABLE_ACCESSED;
	if (page & VMHEAT_PAGE_ANON)
		return state | KIND_ANON;
	if (page & VMHEAT_PAGE_FILE)
		return state | (page & VMHEAT_PAGE_DIRTY ? KIND_FILE_DIRTY : KIND_FILE_CLEAN);
	return state;
}

static uint8_t page_of(unsigned int code)
{
	static const uint8_t kinds[] = { 0, VMHEAT_PAGE_ANON, VMHEAT_PAGE_FILE,
					 VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY };

	if (code == UNEVICTABLE_IDLE)
		return VMHEAT_PAGE_IDLE | VMHEAT_PAGE_UNEVICTABLE;
	if (code == UNEVICTABLE_ACCESSED)
		return VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_UNEVICTABLE;
	return (uint8_t)(code & (LOW | HIGH)) | kinds[code / KIND_LOW];
}

static inline uint64_t replace(uint64_t plane, uint64_t mask, unsigned int bit)
{
	return bit ? plane | mask : plane & ~mask;
}

static void fill_word(struct guest_leaf *leaf, size_t word, uint64_t mask, unsigned int code)
{
	leaf->low.word[word] = replace(leaf->low.word[word], mask, code & LOW);
	leaf->high.word[word] = replace(leaf->high.word[word], mask, code & HIGH);
	leaf->kind_low.word[word] = replace(leaf->kind_low.word[word], mask, code & KIND_LOW);
	leaf->kind_high.word[word] = replace(leaf->kind_high.word[word], mask, code & KIND_HIGH);
}

void guest_pages_fill(struct guest_leaf *leaves, uint64_t first, uint64_t count, uint8_t page)
{
	unsigned int code = code_of(page);

	while (count > 0) {
		uint64_t bit = first % LEAF_WORD_PAGES;
		uint64_t length = LEAF_WORD_PAGES - bit;
		uint64_t mask = UINT64_MAX << bit;

		if (length > count) {
			length = count;
			mask &= ~(UINT64_MAX << (bit + length));
		}
		fill_word(&leaves[first / LEAF_VECTOR_PAGES], first % LEAF_VECTOR_PAGES / LEAF_WORD_PAGES,
			  mask, code);
		first += length;
		count -= length;
	}
}

static unsigned int bit_of(const struct leaf_bits *bits, uint64_t index)
{
	return bits->word[index % LEAF_VECTOR_PAGES / LEAF_WORD_PAGES] >> index % LEAF_WORD_PAGES & 1;
}

uint8_t guest_pages_get(const struct guest_leaf *leaves, uint64_t index)
{
	const struct guest_leaf *leaf = &leaves[index / LEAF_VECTOR_PAGES];

	return page_of(bit_of(&leaf->low, index) * LOW | bit_of(&leaf->high, index) * HIGH |
		       bit_of(&leaf->kind_low, index) * KIND_LOW |
		       bit_of(&leaf->kind_high, index) * KIND_HIGH);
}

uint8_t guest_page_kept(uint8_t page)
{
	return page_of(code_of(page));
}
