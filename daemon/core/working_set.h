/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * working_set.h - histogram of ages, working set at an age, and the estimate that acts are based on
 *
 * Theory of operation
 *
 * The working set at age T is the number of pages idle for less than T. Counted from the ages it is exact for
 * the data, but it jumps; acting on a dip would take memory that is wanted again at once. So the estimate
 * follows a rise at once and a fall slowly: it halves its distance to a lower sample every fall_half_life
 * seconds, however many samples there are in that time (Waldspurger, OSDI 2002, section 5.3, uses the same
 * asymmetry).
 *
 * A page counts by what is known of it: an age that has not yet been seen to last for T is below T. Before T
 * seconds of windows there are, the working set at T is therefore all that is mapped, and sinks from there.
 */
#ifndef VMHEAT_CORE_WORKING_SET_H
#define VMHEAT_CORE_WORKING_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "page_ages.h"

/** Steps of the age histogram: below 1 s, 2 s, 4 s, ... and the rest. */
#define AGE_HISTOGRAM_STEPS 16u

/** Pages by age: pages[0] below 1 s, pages[i] from 2^(i-1) s to below 2^i s; the last has no upper end. */
struct age_histogram {
	uint64_t pages[AGE_HISTOGRAM_STEPS];
	uint64_t holes;
};

/** age_histogram_fill() - from the counts of page_ages_count(). What @histogram held before is gone. */
void age_histogram_fill(struct age_histogram *histogram, const uint64_t counts[256],
			const struct window_ring *ring);

/** working_set_pages() - mapped pages that are not known to have been idle for @seconds. */
uint64_t working_set_pages(const uint64_t counts[256], const struct window_ring *ring, double seconds);

/** The smoothed estimate. Zero it to start. */
struct working_set_estimate {
	double pages;
	bool valid;
};

/**
 * working_set_estimate_update() - take a new sample
 * @estimate:       the estimate so far
 * @sample:         working_set_pages() now
 * @seconds:        since the last sample, not negative; of no meaning for the first one
 * @fall_half_life: in seconds, above 0
 */
void working_set_estimate_update(struct working_set_estimate *estimate, uint64_t sample, double seconds,
				 double fall_half_life);

#endif /* VMHEAT_CORE_WORKING_SET_H */
