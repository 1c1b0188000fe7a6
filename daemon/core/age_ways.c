/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * age_ways.c - one window older, see page_ages_update()
 *
 * Theory of operation
 *
 * The update runs over every page of every VM in every window, so it must keep up with memory: 64 pages, a word
 * of each bitmap and a cache line of ages, at a time. There are three ways, for AVX-512, for AVX2, and for
 * every other processor.
 *
 * Of the ages before, two bitmaps are taken: which pages were holes, and which had the age 0. With the
 * window's own bits that is enough to tell how the word changes:
 *
 * - Idle pages grow older by one. That is most of them, and in the counts it is one shift of the whole table,
 *   done once for all words.
 * - Pages that stay holes or stay at 0, and pages that were holes and come, are counted by the bits of a word.
 * - Only the pages that leave another age, because they were accessed or went, are looked at, those of one age
 *   together.
 *
 * So the counts are kept at the price of the changes, not of the pages. A word that does not change at all, of
 * holes or of pages accessed before and now, is not written back: what is not dirtied costs half the memory's
 * time.
 */
#include <string.h>
#include "page_ages.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

_Static_assert(PAGE_AGE_MAX + 1 == PAGE_AGE_UNTOUCHED && PAGE_AGE_UNTOUCHED + 1 == PAGE_AGE_HOLE &&
		       PAGE_AGE_HOLE == UINT8_MAX,
	       "untouched pages have the next age, and no age comes after a hole's");

/* How many pages did what; those that leave an age other than 0 and HOLE are taken off the counts at once. */
struct changes {
	uint64_t touched;     /* now at 0 */
	uint64_t stay_zero;   /* and were there before */
	uint64_t appear;      /* were holes */
	uint64_t appear_idle; /* and are idle now */
	uint64_t gone;	      /* are holes now */
	uint64_t gone_zero;   /* and were at 0 */
};

/* A word of 64 pages before and in the window. */
struct word_bits {
	uint64_t touched; /* mapped and accessed */
	uint64_t absent;
	uint64_t was_hole, was_zero;
};

/* Whether a word's ages stay as they are. */
static VMHEAT_ALWAYS_INLINE bool is_unchanged(const struct word_bits *bits)
{
	return (bits->absent & bits->was_hole) == UINT64_MAX ||
	       (bits->touched & bits->was_zero) == UINT64_MAX;
}

/* Set bits of @word; @hardware: there is an instruction for it. */
static VMHEAT_ALWAYS_INLINE uint64_t count_bits(uint64_t word, bool hardware)
{
	if (hardware || word == 0)
		return (uint64_t)__builtin_popcountll(word);
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (word * UINT64_C(0x0101010101010101)) >> 56;
}

/* Take note of a word. Returns the pages that leave another age than 0 and HOLE. */
static VMHEAT_ALWAYS_INLINE uint64_t note_changes(const struct word_bits *bits, struct changes *sum,
						  bool hardware)
{
	uint64_t appear = bits->was_hole & ~bits->absent;
	uint64_t gone = bits->absent & ~bits->was_hole;

	sum->touched += count_bits(bits->touched, hardware);
	sum->stay_zero += count_bits(bits->touched & bits->was_zero, hardware);
	if (appear) {
		sum->appear += count_bits(appear, hardware);
		sum->appear_idle += count_bits(appear & ~bits->touched, hardware);
	}
	if (gone) {
		sum->gone += count_bits(gone, hardware);
		sum->gone_zero += count_bits(gone & bits->was_zero, hardware);
	}
	return (bits->touched & ~bits->was_zero & ~bits->was_hole) | (gone & ~bits->was_zero);
}

/* What is left in the counts below HOLE are the pages that were idle. */
static void apply_changes(const struct changes *sum, const struct age_rule *rule, struct age_counts *counts)
{
	uint32_t *pages = counts->pages;
	uint32_t at_oldest;

	pages[0] -= (uint32_t)(sum->stay_zero + sum->gone_zero);
	at_oldest = pages[rule->oldest];
	memmove(pages + 1, pages, rule->oldest * sizeof(*pages));
	pages[rule->oldest] += at_oldest;
	pages[0] = (uint32_t)sum->touched;
	pages[1] += (uint32_t)sum->appear_idle;
	pages[PAGE_AGE_HOLE] += (uint32_t)(sum->gone - sum->appear);
}

/* ---- any processor ---- */

/* The age of a page that was idle once more. */
static inline uint8_t successor(uint8_t age, uint8_t oldest)
{
	if (age == PAGE_AGE_HOLE)
		return 1;
	return age < oldest ? age + 1 : age;
}

static struct word_bits look_at_word(const uint8_t *ages, uint64_t present, uint64_t accessed)
{
	struct word_bits bits = { .touched = present & accessed, .absent = ~present };

	for (unsigned int i = 0; i < LEAF_WORD_PAGES; i++) {
		bits.was_hole |= (uint64_t)(ages[i] == PAGE_AGE_HOLE) << i;
		bits.was_zero |= (uint64_t)(ages[i] == 0) << i;
	}
	return bits;
}

static uint64_t age_word(uint8_t *ages, const struct word_bits *bits, const struct age_rule *rule)
{
	uint64_t young = 0;

	for (unsigned int i = 0; i < LEAF_WORD_PAGES; i++) {
		if (bits->absent >> i & 1)
			ages[i] = PAGE_AGE_HOLE;
		else if (bits->touched >> i & 1)
			ages[i] = 0;
		else
			ages[i] = successor(ages[i], rule->oldest);
		young |= (uint64_t)(ages[i] < rule->young) << i;
	}
	return young;
}

static void update_portable(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words,
			    const struct age_rule *rule, uint64_t *young, struct age_counts *counts)
{
	struct changes sum = { 0 };

	for (size_t w = 0; w < words; w++, ages += LEAF_WORD_PAGES) {
		struct word_bits bits = look_at_word(ages, present[w], accessed[w]);

		if (counts)
			for (uint64_t leave = note_changes(&bits, &sum, false); leave; leave &= leave - 1)
				counts->pages[ages[__builtin_ctzll(leave)]]--;
		young[w] = age_word(ages, &bits, rule);
	}
	if (counts)
		apply_changes(&sum, rule, counts);
}

#ifdef __x86_64__

/* Where more than FEW_PAGES leave an age, most leave one of the first. */
#define COMMON_AGES 4u
#define FEW_PAGES   6

/* How many ages are gathered. */
#define LEFT_AGES 4096u

/* ---- AVX2: two halves of 32 pages ---- */

VMHEAT_TARGET_AVX2
static inline uint64_t to_bits(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

/* 0xff in byte i where bit i of @word is set. */
VMHEAT_TARGET_AVX2
static inline __m256i to_bytes(uint32_t word)
{
	/* Every byte gets the byte of the word that its bit is in, and keeps that bit. */
	const __m256i from =
		_mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
	__m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32((int)word), from);

	return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

/* 32 ages after the window. */
VMHEAT_TARGET_AVX2
static inline __m256i age_half(__m256i ages, uint32_t touched, uint32_t absent, __m256i below_oldest)
{
	__m256i hole = _mm256_cmpeq_epi8(ages, _mm256_set1_epi8(-1));
	__m256i grows = _mm256_cmpeq_epi8(_mm256_min_epu8(ages, below_oldest), ages);

	ages = _mm256_sub_epi8(ages, grows);
	ages = _mm256_add_epi8(ages, _mm256_and_si256(hole, _mm256_set1_epi8(2))); /* 255 + 2 is 1 */
	ages = _mm256_andnot_si256(to_bytes(touched), ages);
	return _mm256_or_si256(ages, to_bytes(absent));
}

/* Which pages have the age. */
VMHEAT_TARGET_AVX2
static inline uint64_t equal_avx2(__m256i low, __m256i high, unsigned int age)
{
	const __m256i sought = _mm256_set1_epi8((char)age);

	return to_bits(_mm256_cmpeq_epi8(low, sought), _mm256_cmpeq_epi8(high, sought));
}

/*
 * Take the pages @leave, whose ages are @low and @high, off the counts: those of one age together, and the youngest,
 * which are the most, without looking for them.
 */
VMHEAT_TARGET_AVX2
static inline void leave_avx2(const uint8_t *ages, __m256i low, __m256i high, uint64_t leave,
			      struct age_counts *counts)
{
	if (__builtin_popcountll(leave) > FEW_PAGES) {
#pragma GCC unroll 4
		for (unsigned int age = 1; age <= COMMON_AGES; age++) {
			uint64_t found = leave & equal_avx2(low, high, age);

			counts->pages[age] -= (uint32_t)__builtin_popcountll(found);
			leave &= ~found;
		}
	}
	while (leave) {
		unsigned int age = ages[__builtin_ctzll(leave)];
		uint64_t found = leave & equal_avx2(low, high, age);

		counts->pages[age] -= (uint32_t)__builtin_popcountll(found);
		leave &= ~found;
	}
}

VMHEAT_TARGET_AVX2
static void update_avx2(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words,
			const struct age_rule *rule, uint64_t *young, struct age_counts *counts)
{
	const __m256i below_oldest = _mm256_set1_epi8((char)(rule->oldest - 1));
	const __m256i all_ones = _mm256_set1_epi8(-1), zero = _mm256_setzero_si256();
	/* With nothing below it, nothing is young; what this compares with then is not used. */
	const __m256i below_young = _mm256_set1_epi8((char)(rule->young - 1));
	const uint64_t any_young = rule->young > 0 ? UINT64_MAX : 0;
	struct changes sum = { 0 };

	for (size_t w = 0; w < words; w++, ages += LEAF_WORD_PAGES) {
		__m256i low = (LEAF_PREFETCH(ages), _mm256_loadu_si256((const __m256i *)ages));
		__m256i high = _mm256_loadu_si256((const __m256i *)(ages + 32));
		struct word_bits bits = {
			.touched = present[w] & accessed[w],
			.absent = ~present[w],
			.was_hole =
				to_bits(_mm256_cmpeq_epi8(low, all_ones), _mm256_cmpeq_epi8(high, all_ones)),
			.was_zero = to_bits(_mm256_cmpeq_epi8(low, zero), _mm256_cmpeq_epi8(high, zero)),
		};

		if (counts)
			leave_avx2(ages, low, high, note_changes(&bits, &sum, true), counts);
		if (!is_unchanged(&bits)) {
			low = age_half(low, (uint32_t)bits.touched, (uint32_t)bits.absent, below_oldest);
			high = age_half(high, (uint32_t)(bits.touched >> 32), (uint32_t)(bits.absent >> 32),
					below_oldest);
			_mm256_storeu_si256((__m256i *)ages, low);
			_mm256_storeu_si256((__m256i *)(ages + 32), high);
		}
		young[w] = any_young & to_bits(_mm256_cmpeq_epi8(_mm256_min_epu8(low, below_young), low),
					       _mm256_cmpeq_epi8(_mm256_min_epu8(high, below_young), high));
	}
	if (counts)
		apply_changes(&sum, rule, counts);
}

/* ---- AVX-512: a word is a mask ---- */

/* Ages that pages have left: gathered without a branch a page, and counted when there are many. */
struct left_ages {
	uint8_t ages[LEFT_AGES + LEAF_WORD_PAGES];
	size_t count;
};

static void count_left(struct left_ages *left, struct age_counts *counts)
{
	uint64_t pages[256] = { 0 };

	page_ages_count(left->ages, left->count, pages);
	for (size_t age = 0; age < PAGE_AGE_HOLE; age++)
		counts->pages[age] -= (uint32_t)pages[age];
	left->count = 0;
}

VMHEAT_TARGET_AVX512
static inline void leave_avx512(__m512i now, uint64_t leave, struct left_ages *left,
				struct age_counts *counts)
{
	/* Where none has left before, likely none does; after the first it is not asked, for it cannot be foretold. */
	if (!leave && left->count == 0)
		return;
	_mm512_storeu_si512(left->ages + left->count, _mm512_maskz_compress_epi8(leave, now));
	left->count += (size_t)__builtin_popcountll(leave);
	if (left->count > LEFT_AGES)
		count_left(left, counts);
}

VMHEAT_TARGET_AVX512
static void update_avx512(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words,
			  const struct age_rule *rule, uint64_t *young, struct age_counts *counts)
{
	const __m512i oldest = _mm512_set1_epi8((char)rule->oldest),
		      limit = _mm512_set1_epi8((char)rule->young);
	const __m512i all_ones = _mm512_set1_epi8(-1), one = _mm512_set1_epi8(1);
	struct changes sum = { 0 };
	struct left_ages left;

	left.count = 0; /* of the rest nothing is read that was not written */
	for (size_t w = 0; w < words; w++, ages += LEAF_WORD_PAGES) {
		__m512i now = (LEAF_PREFETCH(ages), _mm512_loadu_si512(ages));
		struct word_bits bits = { .touched = present[w] & accessed[w],
					  .absent = ~present[w],
					  .was_hole = _mm512_cmpeq_epi8_mask(now, all_ones),
					  .was_zero = _mm512_testn_epi8_mask(now, now) };

		if (counts)
			leave_avx512(now, note_changes(&bits, &sum, true), &left, counts);
		if (!is_unchanged(&bits)) {
			now = _mm512_mask_add_epi8(now, _mm512_cmplt_epu8_mask(now, oldest), now, one);
			now = _mm512_mask_mov_epi8(now, bits.was_hole, one);
			now = _mm512_maskz_mov_epi8(~bits.touched, now);
			now = _mm512_mask_mov_epi8(now, bits.absent, all_ones);
			_mm512_storeu_si512(ages, now);
		}
		young[w] = _mm512_cmplt_epu8_mask(now, limit);
	}
	if (counts && left.count > 0)
		count_left(&left, counts);
	if (counts)
		apply_changes(&sum, rule, counts);
}

#endif /* __x86_64__ */

void page_ages_update_at(enum vector_level level, uint8_t *ages, const uint64_t *present,
			 const uint64_t *accessed, size_t words, const struct age_rule *rule, uint64_t *young,
			 struct age_counts *counts)
{
#ifdef __x86_64__
	if (level == VECTOR_AVX512) {
		update_avx512(ages, present, accessed, words, rule, young, counts);
		return;
	}
	if (level == VECTOR_AVX2) {
		update_avx2(ages, present, accessed, words, rule, young, counts);
		return;
	}
#endif
	update_portable(ages, present, accessed, words, rule, young, counts);
}

void page_ages_update(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words,
		      const struct age_rule *rule, uint64_t *young, struct age_counts *counts)
{
	page_ages_update_at(vector_level_best(), ages, present, accessed, words, rule, young, counts);
}
