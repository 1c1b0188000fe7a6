/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leaf_bits.h - a bit for each of the 512 pages that a large leaf maps, and sums over such
 *
 * Theory of operation
 *
 * 512 bits are what a cache line holds and what AVX-512 works on at once; with GCC's vectors the same source is
 * right on any processor. The daemon is built for all of them, so code that is worth it exists several times: a
 * function that is always inlined, in one function for each kind of processor, compiled for it.
 *
 * Bits are counted in the eight lanes of a vector, which are added up only when somebody asks. Vectors are handed
 * over by pointer, which costs nothing where all is inlined, and means the same whatever a function is compiled for.
 */
#ifndef VMHEAT_CORE_LEAF_BITS_H
#define VMHEAT_CORE_LEAF_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAF_WORD_PAGES	     ((size_t)64)
#define LEAF_VECTOR_PAGES    ((size_t)512)
#define LEAF_VECTOR_WORDS    ((size_t)8)

#define VMHEAT_ALWAYS_INLINE inline __attribute__((always_inline))

/** Kinds of processors, the more general first. */
enum vector_level {
	VECTOR_ANY,
	VECTOR_AVX2,   /* with POPCNT */
	VECTOR_AVX512, /* as of Ice Lake and Zen 4: F, BW and VBMI2, with POPCNT */
	VECTOR_LEVELS
};

/** vector_level_name() - for people; never NULL. */
static inline const char *vector_level_name(enum vector_level level)
{
	static const char *const names[] = { "portable", "AVX2", "AVX-512" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == VECTOR_LEVELS, "every level has a name");
	return (unsigned int)level < VECTOR_LEVELS ? names[level] : "?";
}

#ifdef __x86_64__
#define VMHEAT_TARGET_AVX2   __attribute__((target("avx2,popcnt")))
#define VMHEAT_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))
#else
#define VMHEAT_TARGET_AVX2
#define VMHEAT_TARGET_AVX512
#endif

/** vector_level_runs() - whether this processor has what @level needs. */
static inline bool vector_level_runs(enum vector_level level)
{
#ifdef __x86_64__
	if (level == VECTOR_AVX512)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("popcnt");
	if (level == VECTOR_AVX2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
#endif
	return level == VECTOR_ANY;
}

/** vector_level_best() - the highest that runs here. */
static inline enum vector_level vector_level_best(void)
{
	if (vector_level_runs(VECTOR_AVX512))
		return VECTOR_AVX512;
	return vector_level_runs(VECTOR_AVX2) ? VECTOR_AVX2 : VECTOR_ANY;
}

/** As it lies in memory; page i is bit i % 64 of word i / 64. */
struct leaf_bits {
	uint64_t word[LEAF_VECTOR_WORDS];
};

/** The same to work on, wherever it lies. */
typedef uint64_t leaf_vector __attribute__((vector_size(64), aligned(8), may_alias));

/** leaf_at() - the 512 bits at @bits. */
#define leaf_at(bits) (*(const leaf_vector *)(bits))

/**
 * LEAF_PREFETCH() - ask for what lies a page further on
 *
 * The processor reads ahead by itself, but not beyond the page; that alone takes half the time of an update.
 */
#define LEAF_PREFETCH(address) __builtin_prefetch((const char *)(address) + 4096)

/** leaf_any() - whether a bit is set. */
static VMHEAT_ALWAYS_INLINE bool leaf_any(const leaf_vector *bits)
{
	const leaf_vector b = *bits;

	return (b[0] | b[1] | b[2] | b[3] | b[4] | b[5] | b[6] | b[7]) != 0;
}

/** leaf_add_count() - add the set bits of each lane to @sum. */
static VMHEAT_ALWAYS_INLINE void leaf_add_count(leaf_vector *sum, const leaf_vector *bits)
{
	leaf_vector b = *bits;

	b -= b >> 1 & UINT64_C(0x5555555555555555);
	b = (b & UINT64_C(0x3333333333333333)) + (b >> 2 & UINT64_C(0x3333333333333333));
	b = (b + (b >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	b += b >> 8;
	b += b >> 16;
	b += b >> 32;
	*sum += b & UINT64_C(0x7f);
}

/** leaf_sum() - all lanes together. */
static VMHEAT_ALWAYS_INLINE uint64_t leaf_sum(const leaf_vector *lanes)
{
	const leaf_vector l = *lanes;

	return l[0] + l[1] + l[2] + l[3] + l[4] + l[5] + l[6] + l[7];
}

#endif /* VMHEAT_CORE_LEAF_BITS_H */
