/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_policies.c - vmheat's core and its rivals on modelled guests: many loads, each under every policy
 *
 * The very code that the daemon runs, from bitmaps to a target: merge, ages, working set and resize plan. What
 * is asserted must hold for every seed; of what is only better in general, the sum over all seeds. A table for
 * people goes to standard error.
 *
 * Sizes are an eighth of the defaults' or so for a guest of 1024 pages of 1 MiB; times are the defaults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "memory_tax.h"
#include "merge.h"
#include "model_guest.h"
#include "page_ages.h"
#include "resize_plan.h"
#include "rival_policies.h"
#include "working_set.h"

#define SEEDS		 25u
#define WINDOWS		 240u /* 20 minutes */
#define WINDOW_SECONDS	 5.0
#define COLD_SECONDS	 60.0
#define HALF_LIFE	 60.0
#define FLOOR		 256u
#define HOST_FREE_OF_MOM 0.06 /* just above what it calls critical: it takes what it can */

enum policy { STATIC, MOM, PROBE, VMHEAT, POLICIES };
static const char *const policy_names[] = { "static", "mom", "probe", "vmheat" };

static const struct resize_policy settings = { .floor_pages = FLOOR,
					       .headroom_pages = 64,
					       .headroom_percent = 20,
					       .kept_percent = 50,
					       .shrink_step_pages = 32,
					       .dead_band_pages = 8,
					       .settle_windows = 12,
					       .backoff_seconds = 60,
					       .backoff_max_seconds = 3600 };
static const struct pressure_limits limits = { .swap_in_pages = 1,
					       .refault_pages = 16,
					       .memory_stall_share = 0.1 };

/* A guest and all that its policy remembers. */
struct subject {
	struct model_guest guest;
	struct model_counts before; /* the window */
	unsigned int windows;

	uint8_t ages[MODEL_PAGES];
	struct window_ring ring;
	struct working_set_estimate estimate;
	struct resize_state state;
	struct resize_decision decision;
	bool limited;
	uint64_t limit;

	struct mom_guest mom;
	struct probe_guest probe;

	double balloon_sum;    /* over the windows */
	unsigned int smallest; /* balloon that there was */
};

static struct subject *subject_new(const struct model_load *load, uint64_t seed)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	assert_non_null(subject);
	model_guest_start(&subject->guest, load, seed);
	memset(subject->ages, PAGE_AGE_HOLE, sizeof(subject->ages));
	subject->smallest = MODEL_PAGES;
	return subject;
}

/* Anonymous memory that was not used for a while, beyond what swap space is left for it. */
static uint64_t kept_pages(const struct model_guest *guest)
{
	unsigned int first = guest->load.kernel + guest->load.cache;
	unsigned int swap_free = guest->load.swap - guest->swapped;
	unsigned int idle = 0;

	for (unsigned int page = first; page < first + guest->load.anon; page++)
		idle += guest->is_resident[page] && guest->last_touch[page] + MODEL_TICKS <= guest->tick;
	return idle > swap_free ? idle - swap_free : 0;
}

static void plan_vmheat(struct subject *subject)
{
	struct model_guest *guest = &subject->guest;
	uint64_t present[MODEL_WORDS] = { 0 }, idle[MODEL_WORDS], accessed[MODEL_WORDS];
	const struct host_view host = { .present = present, .idle = idle };
	const struct age_rule rule = { .oldest = PAGE_AGE_MAX };
	uint64_t young[MODEL_WORDS];
	uint8_t large[MODEL_PAGES / LEAF_VECTOR_PAGES];
	struct merge_counts merged = { 0 };
	uint64_t counts[256] = { 0 };
	struct resize_input input = {
		.now_seconds = subject->windows * WINDOW_SECONDS,
		.kept_pages = kept_pages(guest),
		.current_pages = guest->balloon,
		.maximum_pages = MODEL_PAGES,
		.usable_known = true,
		.usable_pages = model_guest_usable(guest),
		.windows = subject->windows,
		.limited = subject->limited,
		.limit_pages = subject->limit,
		.pressure = { .swap_in_pages = guest->counts.swap_in - subject->before.swap_in,
			      .refault_pages = guest->counts.refaults - subject->before.refaults,
			      .oom_kills = guest->counts.out_of_memory - subject->before.out_of_memory,
			      .memory_stall_share =
				      (guest->counts.stall_seconds - subject->before.stall_seconds) /
				      WINDOW_SECONDS },
	};

	for (unsigned int page = 0; page < MODEL_PAGES; page++)
		present[page / 64] |= (uint64_t)guest->is_resident[page] << page % 64;
	for (unsigned int word = 0; word < MODEL_WORDS; word++)
		idle[word] = present[word] & ~guest->touched[word];
	merge_pages(&host, NULL, MODEL_PAGES / LEAF_VECTOR_PAGES, accessed, large, &merged);
	window_ring_add(&subject->ring, WINDOW_SECONDS);
	page_ages_update(subject->ages, present, accessed, MODEL_WORDS, &rule, young, NULL);
	page_ages_count(subject->ages, MODEL_PAGES, counts);
	working_set_estimate_update(&subject->estimate,
				    working_set_pages(counts, &subject->ring, COLD_SECONDS), WINDOW_SECONDS,
				    HALF_LIFE);
	input.working_set_pages = (uint64_t)subject->estimate.pages;
	subject->decision = resize_plan(&settings, &limits, &input, &subject->state);
	guest->target = (unsigned int)subject->decision.target_pages;
}

static void plan(struct subject *subject, enum policy policy)
{
	struct model_guest *guest = &subject->guest;

	subject->windows++;
	switch (policy) {
	case MOM:
		mom_sample(&subject->mom, guest->balloon, model_guest_free(guest));
		if (subject->windows % 2 == 0)
			guest->target = (unsigned int)mom_target(&subject->mom, HOST_FREE_OF_MOM,
								 guest->balloon, FLOOR, MODEL_PAGES);
		break;
	case PROBE:
		guest->target = (unsigned int)probe_target(&subject->probe, MODEL_TICKS, 1.0,
							   guest->counts.stall_seconds -
								   subject->before.stall_seconds,
							   guest->balloon, FLOOR, MODEL_PAGES);
		break;
	case VMHEAT:
		plan_vmheat(subject);
		break;
	default:
		break;
	}
}

static void run_window(struct subject *subject, enum policy policy)
{
	struct model_guest *guest = &subject->guest;

	subject->before = guest->counts;
	model_guest_run(guest);
	plan(subject, policy);
	subject->balloon_sum += guest->balloon;
	if (guest->balloon < subject->smallest)
		subject->smallest = guest->balloon;
}

/* What came of runs. */
struct outcome {
	double saved; /* of the guest's memory, 0 to 1, on average */
	double work_lost, worst_work_lost;
	uint64_t swap_in, refaults, out_of_memory;
	unsigned int smallest;
};

static struct outcome run(enum model_pattern pattern, enum policy policy, unsigned int seed)
{
	struct model_load load = model_load_random(pattern, seed);
	struct subject *subject = subject_new(&load, seed);
	const struct model_counts *counts = &subject->guest.counts;
	struct outcome outcome;

	while (subject->windows < WINDOWS)
		run_window(subject, policy);
	outcome = (struct outcome){ .saved = 1 - subject->balloon_sum / WINDOWS / MODEL_PAGES,
				    .work_lost = (double)counts->work_lost / (double)counts->work,
				    .swap_in = counts->swap_in,
				    .refaults = counts->refaults,
				    .out_of_memory = counts->out_of_memory,
				    .smallest = subject->smallest };
	outcome.worst_work_lost = outcome.work_lost;
	free(subject);
	return outcome;
}

/* The mean over the seeds, but the sum of what is counted and the worst of what is the worst. */
static struct outcome run_seeds(enum model_pattern pattern, enum policy policy)
{
	struct outcome all = { .smallest = MODEL_PAGES };

	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		struct outcome one = run(pattern, policy, seed);

		all.saved += one.saved / SEEDS;
		all.work_lost += one.work_lost / SEEDS;
		all.swap_in += one.swap_in;
		all.refaults += one.refaults;
		all.out_of_memory += one.out_of_memory;
		if (one.worst_work_lost > all.worst_work_lost)
			all.worst_work_lost = one.worst_work_lost;
		if (one.smallest < all.smallest)
			all.smallest = one.smallest;
	}
	(void)fprintf(stderr,
		      "%-8s  %-6s  saved %5.1f %%  work lost %6.3f %% (worst %6.3f %%)  swap-in %6llu  "
		      "refaults %6llu  out of memory %llu\n",
		      model_pattern_name(pattern), policy_names[policy], all.saved * 100, all.work_lost * 100,
		      all.worst_work_lost * 100, (unsigned long long)all.swap_in,
		      (unsigned long long)all.refaults, (unsigned long long)all.out_of_memory);
	return all;
}

/*
 * For every pattern and seed: no guest is out of memory or below its floor, none loses more than 2 % of its work,
 * and together they lose no more than 1 %, and save at least 1.5 times what MOM saves.
 */
static void test_patterns(void **state)
{
	double saved[POLICIES] = { 0 };

	for (unsigned int pattern = 0; pattern < MODEL_PATTERNS; pattern++) {
		for (unsigned int policy = 0; policy < POLICIES; policy++) {
			struct outcome outcome = run_seeds(pattern, policy);

			saved[policy] += outcome.saved / MODEL_PATTERNS;
			if (policy == STATIC) {
				/* Else the model asks for what no policy can give. */
				assert_true(outcome.work_lost == 0);
				assert_int_equal(outcome.out_of_memory, 0);
			}
			assert_true(outcome.smallest >= FLOOR);
			if (policy != VMHEAT)
				continue;
			assert_int_equal(outcome.out_of_memory, 0);
			assert_true(outcome.work_lost <= 0.01);
			assert_true(outcome.worst_work_lost <= 0.02);
		}
	}
	(void)fprintf(stderr, "saved in all: mom %.1f %%, probe %.1f %%, vmheat %.1f %%: %.2f times mom's\n",
		      saved[MOM] * 100, saved[PROBE] * 100, saved[VMHEAT] * 100, saved[VMHEAT] / saved[MOM]);
	assert_true(saved[VMHEAT] >= 1.5 * saved[MOM]);
}

/*
 * Without swap space nothing anonymous can go: what is taken is free memory and cache, whatever looks cold. A guest
 * that cannot be shrunk is left alone, and none is out of memory.
 */
static void test_without_swap(void **state)
{
	double saved = 0;

	for (unsigned int pattern = 0; pattern < MODEL_PATTERNS; pattern++) {
		for (unsigned int seed = 1; seed <= SEEDS; seed++) {
			struct model_load load = model_load_random(pattern, seed);
			struct subject *subject;

			load.swap = 0;
			subject = subject_new(&load, seed);
			while (subject->windows < WINDOWS)
				run_window(subject, VMHEAT);
			assert_int_equal(subject->guest.counts.out_of_memory, 0);
			assert_true((double)subject->guest.counts.work_lost <=
				    0.02 * (double)subject->guest.counts.work);
			saved += (1 - subject->balloon_sum / WINDOWS / MODEL_PAGES) / SEEDS / MODEL_PATTERNS;
			free(subject);
		}
	}
	(void)fprintf(stderr, "without swap space: vmheat saved %.1f %%\n", saved * 100);
	assert_true(saved > 0.1);
}

#define GUESTS 4u

/*
 * A host of 1400 pages for four guests that had 4096, and would keep more than 1260 by themselves; 10 % of it, 140,
 * shall be free. After six minutes it has that, but for a dead band of each guest, and a step that a guest
 * under pressure is spared for the moment; nobody is below his floor, and none out of memory.
 */
static void test_short_host(void **state)
{
	static const struct host_goal goal = { .free_percent = 10, .stall_share = 1 };

	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		struct host_state host = { .total_pages = 1400 };
		struct subject *subjects[GUESTS];
		uint64_t held = 0;

		for (unsigned int i = 0; i < GUESTS; i++) {
			struct model_load load =
				model_load_random((enum model_pattern)(i % MODEL_PATTERNS), seed);

			load.swap = MODEL_PAGES;
			subjects[i] = subject_new(&load, seed);
		}
		for (unsigned int window = 1; window <= WINDOWS; window++) {
			struct taxed_guest taxed[GUESTS];
			struct host_balance balance;

			held = 0;
			for (unsigned int i = 0; i < GUESTS; i++) {
				run_window(subjects[i], VMHEAT);
				taxed[i] = (struct taxed_guest){
					.current_pages = subjects[i]->guest.balloon,
					.used_pages = (uint64_t)subjects[i]->estimate.pages,
					.floor_pages = FLOOR,
					.maximum_pages = MODEL_PAGES,
					.shares = 1000,
				};
				held += taxed[i].current_pages;
				assert_true(subjects[i]->smallest >= FLOOR);
				assert_int_equal(subjects[i]->guest.counts.out_of_memory, 0);
			}
			/* What the host has swapped out itself is not available either. */
			host.available_pages = held < host.total_pages ? host.total_pages - held : 0;
			balance = host_balance_of(&goal, &host);
			if (held > host.total_pages)
				balance.short_pages += held - host.total_pages;
			memory_tax(taxed, GUESTS, 75, &balance);
			for (unsigned int i = 0; i < GUESTS; i++) {
				subjects[i]->limited = true;
				subjects[i]->limit = taxed[i].limit_pages;
			}
			if (window > 72)
				assert_true(held <= 1260 + GUESTS * settings.dead_band_pages +
							    settings.shrink_step_pages);
		}
		for (unsigned int i = 0; i < GUESTS; i++)
			free(subjects[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_without_swap),
		cmocka_unit_test(test_short_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
