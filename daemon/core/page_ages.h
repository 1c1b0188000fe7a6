/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_ages.h - how long each page has been idle, at one byte a page
 *
 * Theory of operation
 *
 * An age is counted in windows: 0 means accessed in the last window, n means idle in the last n windows. It
 * saturates at PAGE_AGE_MAX. PAGE_AGE_HOLE stands for a page that is not mapped. What a count means in
 * seconds is the sum of the last n true windows, which the window ring keeps; windows may differ in length.
 *
 * PAGE_AGE_UNTOUCHED stands for a page that was mapped in every window there has been, more than PAGE_AGE_MAX,
 * and accessed in none. Before there are so many, such a page is told by its age: as many windows as there are.
 * In the one window in which the two meet, the pages of age PAGE_AGE_MAX are exactly the untouched ones, and go
 * on to PAGE_AGE_UNTOUCHED; in any later window a page stays where it is, at either. So no byte and no bit more
 * is needed to know what was never touched.
 *
 * An age is a lower bound: a page may have been idle before anybody looked, and for longer than the bytes and
 * the ring can tell. Whatever is not known to be old counts as young, for young memory is left alone.
 *
 * All ages start as PAGE_AGE_HOLE. Of a page that appears only what happened in its window is known: it takes
 * the age 0 if it was accessed and else 1, as if it had been there for that window. A page that goes and
 * comes back (a balloon, a page out) starts anew.
 */
#ifndef VMHEAT_CORE_PAGE_AGES_H
#define VMHEAT_CORE_PAGE_AGES_H

#include <stddef.h>
#include <stdint.h>
#include "leaf_bits.h"

#define PAGE_AGE_MAX	   253u
#define PAGE_AGE_UNTOUCHED 254u
#define PAGE_AGE_HOLE	   255u

/** The lengths of the last PAGE_AGE_MAX windows, in seconds. Zero it to start. */
struct window_ring {
	double seconds[PAGE_AGE_MAX];
	unsigned int count; /* windows kept, at most PAGE_AGE_MAX */
	unsigned int next;  /* where the next one goes */
};

/** window_ring_add() - a window of @seconds (not negative) has ended. */
void window_ring_add(struct window_ring *ring, double seconds);

/**
 * window_ring_seconds() - how long an age of @age windows has lasted at least
 *
 * 0 for the age 0 and before the first window; ages beyond the ring count as all of it.
 */
double window_ring_seconds(const struct window_ring *ring, unsigned int age);

/**
 * window_ring_age_of() - the smallest age in windows that has lasted @seconds or more
 *
 * Return: 0 if @seconds is 0 or less; PAGE_AGE_MAX if no age in the ring has lasted so long.
 */
unsigned int window_ring_age_of(const struct window_ring *ring, double seconds);

/** How a window changes ages. */
struct age_rule {
	uint8_t oldest; /* no age below this grows beyond it: age_rule_oldest() */
	uint8_t young;	/* pages of an age below this, at most PAGE_AGE_HOLE, are in the working set */
};

/** age_rule_oldest() - for a window when @windows have been before it. */
static inline uint8_t age_rule_oldest(unsigned int windows)
{
	return windows == PAGE_AGE_MAX ? PAGE_AGE_UNTOUCHED : PAGE_AGE_MAX;
}

/** How many pages of a chunk have which age; the last of 256 is the holes'. */
struct age_counts {
	uint32_t pages[256];
};

/**
 * page_ages_update() - one window older
 * @ages:     one byte an index
 * @present:  mapped pages, as in struct host_view; any other becomes PAGE_AGE_HOLE, accessed or not
 * @accessed: pages accessed in the window, from merge_pages()
 * @words:    length in words of 64 indices
 * @young:    which pages are in the working set after the window goes here, @words words; no hole is
 * @counts:   the counts of exactly these pages, and kept so; NULL: not wanted
 */
void page_ages_update(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words,
		      const struct age_rule *rule, uint64_t *young, struct age_counts *counts);

/** page_ages_count() - counts[a] += pages of age a, of @indices; the last of 256 counters is the holes'. */
void page_ages_count(const uint8_t *ages, size_t indices, uint64_t counts[256]);

/** page_ages_untouched() - of these counts, the pages that were idle in each of @windows windows, all there were. */
uint64_t page_ages_untouched(const uint64_t counts[256], unsigned int windows);

/** page_ages_update_at() - the same in the way of a certain level, for the tests and the benchmark. */
void page_ages_update_at(enum vector_level level, uint8_t *ages, const uint64_t *present,
			 const uint64_t *accessed, size_t words, const struct age_rule *rule, uint64_t *young,
			 struct age_counts *counts);

#endif /* VMHEAT_CORE_PAGE_AGES_H */
