/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_bench.h - a resize plan on the test bench
 *
 * Unless a test says otherwise: a guest of at most 1000 pages with a floor of 100, headroom of 50 pages or 10
 * %, steps of 100, a dead band of 20, two windows to settle, waits of 60 to 240 s, and windows of 10 s; a tenth of the
 * working set may come back.
 */
#ifndef VMHEAT_TESTS_RESIZE_BENCH_H
#define VMHEAT_TESTS_RESIZE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "resize_plan.h"

#define WINDOW_SECONDS 10

/* A plan and its guest. */
struct bench {
	struct resize_policy policy;
	struct pressure_limits limits;
	struct resize_input input;
	struct resize_state state;
};

static inline struct bench bench_of(uint64_t current, uint64_t working_set)
{
	return (struct bench){
		.policy = { .floor_pages = 100,
			    .headroom_pages = 50,
			    .headroom_percent = 10,
			    .shrink_step_pages = 100,
			    .dead_band_pages = 20,
			    .settle_windows = 2,
			    .backoff_seconds = 60,
			    .backoff_max_seconds = 240 },
		.limits = { .swap_in_pages = 5, .refault_pages = 50, .memory_stall_share = 0.1 },
		.input = { .now_seconds = 1000,
			   .working_set_pages = working_set,
			   .current_pages = current,
			   .maximum_pages = 1000,
			   .windows = 10 },
	};
}

/* One window passes; the guest ends it with @current pages. */
static inline struct resize_decision window(struct bench *bench, uint64_t current)
{
	bench->input.current_pages = current;
	bench->input.now_seconds += WINDOW_SECONDS;
	bench->input.windows++;
	return resize_plan(&bench->policy, &bench->limits, &bench->input, &bench->state);
}

/* The same under pressure: the guest swaps in. */
static inline struct resize_decision window_under_pressure(struct bench *bench, uint64_t current)
{
	struct resize_decision decision;

	bench->input.pressure.swap_in_pages = 6;
	decision = window(bench, current);
	bench->input.pressure.swap_in_pages = 0;
	return decision;
}

#define assert_decision(decision, expected_reason, expected_target)                                          \
	do {                                                                                                 \
		struct resize_decision decision_ = (decision);                                               \
		assert_string_equal(resize_reason_name(decision_.reason),                                    \
				    resize_reason_name(expected_reason));                                    \
		assert_int_equal(decision_.target_pages, expected_target);                                   \
	} while (0)

#endif /* VMHEAT_TESTS_RESIZE_BENCH_H */
