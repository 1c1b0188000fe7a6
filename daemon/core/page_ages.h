/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_ages.h - how long each page has been idle, at one byte a page
 *
 * Theory of operation
 *
 * An age is counted in windows: 0 means accessed in the last window, n means idle in the last n windows. It
 * saturates at PAGE_AGE_MAX. PAGE_AGE_HOLE stands for a page that is not mapped. What a count means in
 * seconds is the sum of the last n true windows, which the window ring keeps; windows may differ in length.
 */
#ifndef VMHEAT_CORE_PAGE_AGES_H
#define VMHEAT_CORE_PAGE_AGES_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_AGE_MAX  254u
#define PAGE_AGE_HOLE 255u

/** The lengths of the last PAGE_AGE_MAX windows, in seconds. Zero it to start. */
struct window_ring {
	double seconds[PAGE_AGE_MAX];
	unsigned int count; /* windows kept, at most PAGE_AGE_MAX */
	unsigned int next;  /* where the next one goes */
};

/** window_ring_add() - a window of @seconds has ended. */
void window_ring_add(struct window_ring *ring, double seconds);

/** window_ring_seconds() - how long an age of @age windows has lasted at least; ages beyond the ring count as
 * all of it. */
double window_ring_seconds(const struct window_ring *ring, unsigned int age);

/** window_ring_age_of() - the smallest age in windows that has lasted @seconds or more; PAGE_AGE_MAX if none
 * has. */
unsigned int window_ring_age_of(const struct window_ring *ring, double seconds);

/**
 * page_ages_update() - one window older
 * @ages:     one byte an index
 * @present:  mapped pages, as in struct host_view
 * @accessed: pages accessed in the window, from merge_pages()
 * @words:    length in words of 64 indices
 *
 * A page that was a hole and is present now takes the age 0 if accessed, else 1.
 */
void page_ages_update(uint8_t *ages, const uint64_t *present, const uint64_t *accessed, size_t words);

/** page_ages_count() - counts[a] += pages of age a; 256 counters. */
void page_ages_count(const uint8_t *ages, size_t indices, uint64_t counts[256]);

#endif /* VMHEAT_CORE_PAGE_AGES_H */
