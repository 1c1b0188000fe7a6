/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random.h - sequences of numbers that a seed repeats
 */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/** random_start() - begin the sequence of a seed; any seed will do, similar ones have nothing in common */
static inline void random_start(struct random *random, uint64_t seed)
{
	random->state = seed;
}

/** random_bits() - 64 random bits (splitmix64) */
static inline uint64_t random_bits(struct random *random)
{
	uint64_t bits = random->state += 0x9e3779b97f4a7c15ULL;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ULL;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebULL;
	return bits ^ bits >> 31;
}

/** random_below() - a number from 0 to @limit - 1 */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_bits(random) % limit;
}

static inline bool random_one_in(struct random *random, unsigned int n)
{
	return random_below(random, n) == 0;
}

/** random_size() - a number from 0 to @limit - 1, small ones as likely as large ones */
static inline uint64_t random_size(struct random *random, uint64_t limit)
{
	return random_bits(random) % limit >> random_below(random, 64 - __builtin_clzll(limit | 1));
}

#endif /* FUZZ_RANDOM_H */
