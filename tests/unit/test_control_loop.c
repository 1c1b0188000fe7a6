/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_control_loop.c - merge, ages, working set and resize plan together, on a modelled guest
 *
 * The guest has 384 MiB: 24 MiB of kernel that is always in use, a hot set that it touches in every window, a
 * slow set that it touches now and then, and 160 MiB that it touches once. What does not fit into its balloon
 * it reclaims, the least recently used pages first; touching such a page again is a refault. The host sees
 * present and accessed bits of 4 KiB leaves, and the balloon is where the plan wants it one window later.
 * Windows are 10 s, a page idle for 30 s is out of the working set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "merge.h"
#include "page_ages.h"
#include "resize_plan.h"
#include "working_set.h"

#define MIB	       UINT64_C(256) /* in pages */
#define PAGES	       (384 * MIB)
#define WORDS	       (PAGES / 64)
#define KERNEL	       (24 * MIB)
#define WINDOW_SECONDS 10
#define COLD_SECONDS   30

/* Where the sets lie: each has room to grow up to the next. */
#define HOT_FIRST  KERNEL
#define SLOW_FIRST (HOT_FIRST + 120 * MIB)
#define COLD_FIRST (SLOW_FIRST + 64 * MIB)
#define COLD	   (160 * MIB)

struct guest {
	unsigned int window;		/* 1 in the first */
	unsigned int last_touch[PAGES]; /* a window; 0: never */
	uint64_t present[WORDS];
	uint64_t touched[WORDS]; /* in this window */
	uint64_t resident_pages;
	uint64_t balloon_pages;
	uint64_t refaults;	  /* in this window */
	uint64_t hot;		  /* pages of the hot set */
	uint64_t slow;		  /* pages of the slow set ... */
	unsigned int slow_period; /* ... which it touches every so many windows */
};

static bool is_resident(const struct guest *guest, size_t page)
{
	return guest->present[page / 64] >> page % 64 & 1;
}

/* Touch @pages pages from @first on. */
static void touch(struct guest *guest, size_t first, size_t pages)
{
	for (size_t page = first; page < first + pages; page++) {
		uint64_t bit = UINT64_C(1) << page % 64;

		if (!is_resident(guest, page)) {
			guest->present[page / 64] |= bit;
			guest->resident_pages++;
			guest->refaults += guest->last_touch[page] != 0;
		}
		guest->touched[page / 64] |= bit;
		guest->last_touch[page] = guest->window;
	}
}

/* Make the guest fit into its balloon. Pages that were touched in this very window will be missed at once. */
static void reclaim(struct guest *guest)
{
	for (unsigned int oldest = 1; guest->resident_pages > guest->balloon_pages; oldest++) {
		for (size_t page = 0; page < PAGES && guest->resident_pages > guest->balloon_pages; page++) {
			if (!is_resident(guest, page) || guest->last_touch[page] != oldest)
				continue;
			guest->present[page / 64] &= ~(UINT64_C(1) << page % 64);
			guest->touched[page / 64] &= guest->present[page / 64];
			guest->resident_pages--;
			guest->refaults += oldest == guest->window;
		}
	}
}

/* One window in the guest, which begins with a balloon of @balloon pages. */
static void run_guest(struct guest *guest, uint64_t balloon)
{
	guest->balloon_pages = balloon;
	guest->refaults = 0;
	reclaim(guest);
	memset(guest->touched, 0, sizeof(guest->touched));
	guest->window++;
	if (guest->window == 1)
		touch(guest, COLD_FIRST, COLD);
	touch(guest, 0, KERNEL);
	touch(guest, HOT_FIRST, guest->hot);
	if (guest->slow && guest->window % guest->slow_period == 1)
		touch(guest, SLOW_FIRST, guest->slow);
	reclaim(guest);
}

/* What the daemon keeps of a VM. */
struct loop {
	struct guest guest;
	struct resize_policy policy;
	uint8_t ages[PAGES];
	unsigned int windows;
	struct window_ring ring;
	struct working_set_estimate estimate;
	struct resize_state state;
	struct resize_decision decision;
};

static struct loop *loop_new(uint64_t headroom)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	assert_non_null(loop);
	memset(loop->ages, PAGE_AGE_HOLE, sizeof(loop->ages));
	loop->guest.hot = 40 * MIB;
	loop->policy = (struct resize_policy){ .floor_pages = 64 * MIB,
					       .headroom_pages = headroom,
					       .shrink_step_pages = 32 * MIB,
					       .dead_band_pages = 8 * MIB,
					       .settle_windows = 4,
					       .backoff_seconds = 60,
					       .backoff_max_seconds = 960 };
	loop->decision.target_pages = PAGES;
	return loop;
}

/* The daemon's half of a window: from what the host saw to a decision. */
static void scan_and_plan(struct loop *loop)
{
	static const struct pressure_limits limits = { .refault_pages = 64, .memory_stall_share = 1 };
	const struct guest *guest = &loop->guest;
	uint64_t idle[WORDS];
	uint64_t accessed[WORDS], young[WORDS];
	uint8_t large[PAGES / LEAF_VECTOR_PAGES];
	struct age_rule rule = { 0 };
	const struct host_view host = { .present = guest->present, .idle = idle };
	struct merge_counts merged = { 0 };
	struct resize_input input = { .now_seconds = guest->window * WINDOW_SECONDS,
				      .current_pages = guest->balloon_pages,
				      .maximum_pages = PAGES,
				      .windows = guest->window,
				      .pressure.refault_pages = guest->refaults };
	uint64_t counts[256] = { 0 };

	for (size_t w = 0; w < WORDS; w++)
		idle[w] = guest->present[w] & ~guest->touched[w];
	merge_pages(&host, NULL, PAGES / LEAF_VECTOR_PAGES, accessed, large, &merged);
	window_ring_add(&loop->ring, WINDOW_SECONDS);
	rule.oldest = age_rule_oldest(loop->windows++);
	page_ages_update(loop->ages, guest->present, accessed, WORDS, &rule, young, NULL);
	page_ages_count(loop->ages, PAGES, counts);
	working_set_estimate_update(&loop->estimate, working_set_pages(counts, &loop->ring, COLD_SECONDS),
				    WINDOW_SECONDS, 30);
	input.working_set_pages = (uint64_t)loop->estimate.pages;
	loop->decision = resize_plan(&loop->policy, &limits, &input, &loop->state);
}

static void run_window(struct loop *loop)
{
	run_guest(&loop->guest, loop->decision.target_pages);
	scan_and_plan(loop);
}

/*
 * A steady guest: the size sinks to 24 + 40 + 48 = 112 MiB, give or take the dead band, within 40 windows. It
 * never rises on the way, then stands still, and nothing that was taken is missed.
 */
static void test_converges_without_oscillation(void **state)
{
	struct loop *loop = loop_new(48 * MIB);
	uint64_t last = PAGES;
	unsigned int last_act = 0;

	while (loop->guest.window < 200) {
		run_window(loop);
		assert_true(loop->decision.target_pages <= last);
		assert_int_equal(loop->guest.refaults, 0);
		last = loop->decision.target_pages;
		if (resize_reason_is_act(loop->decision.reason))
			last_act = loop->guest.window;
	}
	assert_in_range(last, 112 * MIB, 120 * MIB);
	assert_true(last_act < 40);
	free(loop);
}

/*
 * The hot set steps from 40 to 120 MiB, which a headroom of 96 MiB holds (160 MiB against 144): by the end of
 * the same window the target is the new working set and headroom, 24 + 120 + 96 = 240 MiB, and nothing was
 * missed.
 */
static void test_growth_within_headroom(void **state)
{
	struct loop *loop = loop_new(96 * MIB);

	while (loop->guest.window < 100)
		run_window(loop);
	assert_in_range(loop->decision.target_pages, 160 * MIB, 168 * MIB);
	loop->guest.hot = 120 * MIB;
	run_window(loop);
	assert_int_equal(loop->decision.reason, RESIZE_GROW);
	assert_int_equal(loop->decision.target_pages, 240 * MIB);
	for (int i = 0; i < 20; i++) {
		run_window(loop);
		assert_int_equal(loop->guest.refaults, 0);
		assert_int_equal(loop->decision.target_pages, 240 * MIB);
	}
	free(loop);
}

/*
 * The same step with a headroom of 48 MiB, which does not hold it (112 to 120 MiB against 144): the guest is
 * under pressure, and by the end of the window the target covers it (at least 112 + 48). It gets its pages
 * back in the second window, and from the third on it stands at 24 + 120 + 48 = 192 MiB and misses nothing.
 */
static void test_growth_beyond_headroom(void **state)
{
	struct loop *loop = loop_new(48 * MIB);

	while (loop->guest.window < 100)
		run_window(loop);
	loop->guest.hot = 120 * MIB;
	run_window(loop);
	assert_true(loop->guest.refaults > 0);
	assert_int_equal(loop->decision.reason, RESIZE_VETO);
	assert_in_range(loop->decision.target_pages, 160 * MIB, 192 * MIB);
	run_window(loop);
	assert_int_equal(loop->decision.target_pages, 192 * MIB);
	for (int i = 0; i < 20; i++) {
		run_window(loop);
		assert_int_equal(loop->guest.refaults, 0);
		assert_int_equal(loop->decision.target_pages, 192 * MIB);
	}
	free(loop);
}

/* When the hot set falls back from 120 to 40 MiB the guest sinks to 112 MiB again, slowly, in steps. */
static void test_shrinks_again(void **state)
{
	struct loop *loop = loop_new(48 * MIB);
	unsigned int start;

	loop->guest.hot = 120 * MIB;
	while (loop->guest.window < 100)
		run_window(loop);
	assert_in_range(loop->decision.target_pages, 192 * MIB, 200 * MIB);
	loop->guest.hot = 40 * MIB;
	start = loop->guest.window;
	while (loop->decision.target_pages > 120 * MIB && loop->guest.window < start + 100) {
		uint64_t before = loop->decision.target_pages;

		run_window(loop);
		assert_true(before - loop->decision.target_pages <= 32 * MIB);
	}
	/*
	 * Three windows until the pages count as cold. Then the 80 MiB halve every three windows: 8 MiB, the
	 * dead band, are left after 10, and less than 1 MiB after 19.
	 */
	assert_in_range(loop->guest.window - start, 3 + 10, 3 + 20);
	free(loop);
}

/*
 * A slow set of 64 MiB comes back every 120 s, and 30 s of idleness make the plan believe it gone. The first
 * time it is missed, the size from before the last step returns at once, and with it the whole set.
 */
static void test_pressure_restores_last_good_size(void **state)
{
	struct loop *loop = loop_new(48 * MIB);
	uint64_t last_good = 0;

	loop->guest.slow = 64 * MIB;
	loop->guest.slow_period = 12;
	while (loop->decision.reason != RESIZE_VETO && loop->guest.window < 200) {
		last_good = loop->state.last_good_pages;
		run_window(loop);
	}
	assert_int_equal(loop->decision.reason, RESIZE_VETO);
	assert_true(loop->guest.refaults > 64);
	assert_true(loop->decision.target_pages >= last_good);
	assert_true(loop->decision.target_pages >= KERNEL + 40 * MIB + 64 * MIB);
	assert_true(last_good > loop->guest.balloon_pages);
	/* It waits for 60 s, and nothing is missed in that time. */
	for (int i = 1; i <= 5; i++) {
		run_window(loop);
		assert_int_equal(loop->guest.refaults, 0);
		assert_false(resize_reason_is_act(loop->decision.reason));
	}
	free(loop);
}

/*
 * The same guest for 10,000 s: without waits every one of the 83 rounds of the slow set would be missed.
 * Waits of 60, 120, 240, 480 and then 960 s leave one round in at least 960 s: 5 + 10,000 / 960 = 15 at most.
 */
static void test_mistakes_become_rare(void **state)
{
	struct loop *loop = loop_new(48 * MIB);
	unsigned int missed = 0;
	bool missing = false;

	loop->guest.slow = 64 * MIB;
	loop->guest.slow_period = 12;
	while (loop->guest.window < 1000) {
		run_window(loop);
		missed += loop->guest.refaults > 64 && !missing;
		missing = loop->guest.refaults > 64;
	}
	assert_in_range(missed, 5, 15);
	free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_converges_without_oscillation),
		cmocka_unit_test(test_growth_within_headroom),
		cmocka_unit_test(test_growth_beyond_headroom),
		cmocka_unit_test(test_shrinks_again),
		cmocka_unit_test(test_pressure_restores_last_good_size),
		cmocka_unit_test(test_mistakes_become_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
