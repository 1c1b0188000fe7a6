/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * working_set.c - histogram of ages, working set and its estimate, see working_set.h
 */
#include <math.h>
#include "working_set.h"

void age_histogram_fill(struct age_histogram *histogram, const uint64_t counts[256],
			const struct window_ring *ring)
{
	unsigned int step = 0;
	double step_end = 1;

	*histogram = (struct age_histogram){ .holes = counts[PAGE_AGE_HOLE] };
	for (unsigned int age = 0; age < PAGE_AGE_HOLE; age++) {
		double seconds = window_ring_seconds(ring, age);

		/* Seconds rise with the age, so the step never goes back. */
		while (seconds >= step_end && step < AGE_HISTOGRAM_STEPS - 1) {
			step++;
			step_end *= 2;
		}
		histogram->pages[step] += counts[age];
	}
}

uint64_t working_set_pages(const uint64_t counts[256], const struct window_ring *ring, double seconds)
{
	uint64_t pages = 0;

	for (unsigned int age = 0; age < PAGE_AGE_HOLE && window_ring_seconds(ring, age) < seconds; age++)
		pages += counts[age];
	return pages;
}

void working_set_estimate_update(struct working_set_estimate *estimate, uint64_t sample, double seconds,
				 double fall_half_life)
{
	double pages = (double)sample;

	if (pages < estimate->pages)
		pages += (estimate->pages - pages) * exp2(-seconds / fall_half_life);
	estimate->pages = pages;
	estimate->valid = true;
}
