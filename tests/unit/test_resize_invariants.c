/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_resize_invariants.c - what the resize plan never does, in many random windows
 */
#include "resize_bench.h"

/* Random numbers from a fixed seed (xorshift64), below @end. */
static uint64_t random_below(uint64_t *seed, uint64_t end)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 11) % end;
}

/* Change what can change between two windows: anything, now and then. */
static void disturb(struct bench *bench, uint64_t *seed)
{
	struct guest_pressure *pressure = &bench->input.pressure;

	bench->input.now_seconds += (double)random_below(seed, 40);
	bench->input.windows = random_below(seed, 50) ? bench->input.windows + 1 : 0;
	if (random_below(seed, 4) == 0)
		bench->input.working_set_pages = random_below(seed, 1500);
	bench->input.usable_known = random_below(seed, 3) > 0;
	bench->input.usable_pages = random_below(seed, 300);
	if (random_below(seed, 30) == 0)
		bench->policy.floor_pages = random_below(seed, 700);
	if (random_below(seed, 30) == 0)
		bench->input.maximum_pages = 500 + random_below(seed, 1000);
	bench->input.limited = random_below(seed, 30) ? bench->input.limited : !bench->input.limited;
	bench->input.limit_pages =
		random_below(seed, 3) ? bench->input.limit_pages : random_below(seed, 1500);
	*pressure = (struct guest_pressure){ 0 };
	if (random_below(seed, 10) == 0)
		pressure->oom_kills = 1;
	else if (random_below(seed, 10) == 0)
		pressure->refault_pages = random_below(seed, 100);
	else if (random_below(seed, 5) == 0)
		pressure->swap_in_pages = random_below(seed, 5);
}

/* How a guest takes to its target. */
enum obedience {
	OBEYS,
	LAGS,
	REFUSES,
	STRAYS, /* somebody else sets its size */
	OBEDIENCES
};

/* Let the guest follow its target, for a while in one way, then in another. */
static void follow(struct bench *bench, uint64_t target, enum obedience *obedience, uint64_t *seed)
{
	uint64_t *current = &bench->input.current_pages;

	if (random_below(seed, 12) == 0)
		*obedience = random_below(seed, OBEDIENCES);
	if (*obedience == OBEYS)
		*current = target;
	else if (*obedience == LAGS)
		*current = (*current + target) / 2;
	else if (*obedience == STRAYS && random_below(seed, 4) == 0)
		*current = 1 + random_below(seed, 1200);
}

/*
 * The invariants of resize_plan.h in 200,000 random windows, with guests that lag, refuse, and are resized by
 * others, settings that change, and a host that is short now and then: target between floor and maximum, and not
 * raised above the limit; never down and never below the guest's size under pressure; no act takes more than a
 * step; every reason occurs.
 */
static void test_invariants_at_random(void **state)
{
	uint64_t seed = 4711;
	struct bench bench = bench_of(1000, 300);
	enum obedience obedience = OBEYS;
	uint64_t last_target = 0;
	uint64_t seen[RESIZE_REASONS] = { 0 };

	for (int i = 0; i < 200000; i++) {
		const struct resize_input *input = &bench.input;
		uint64_t floor;
		uint64_t current;
		uint64_t ceiling;
		struct resize_decision decision;

		disturb(&bench, &seed);
		decision = resize_plan(&bench.policy, &bench.limits, input, &bench.state);
		floor = bench.policy.floor_pages < input->maximum_pages ? bench.policy.floor_pages
									: input->maximum_pages;
		current = input->current_pages < input->maximum_pages ? input->current_pages
								      : input->maximum_pages;
		last_target = last_target < input->maximum_pages ? last_target : input->maximum_pages;
		assert_in_range(decision.target_pages, floor, input->maximum_pages);
		assert_in_range(decision.goal_pages, floor, input->maximum_pages);
		assert_int_equal(decision.target_pages, bench.state.target_pages);
		ceiling = input->maximum_pages;
		if (input->limited && input->limit_pages < ceiling)
			ceiling = input->limit_pages > floor ? input->limit_pages : floor;
		if (decision.reason == RESIZE_VETO) {
			assert_true(decision.target_pages >= (last_target < ceiling ? last_target : ceiling));
			assert_true(decision.target_pages >= current);
		}
		if (decision.reason == RESIZE_VETO || decision.reason == RESIZE_GROW)
			assert_true(decision.target_pages <= (ceiling > current ? ceiling : current));
		if (input->pressure.oom_kills > 0)
			assert_int_equal(decision.reason, RESIZE_VETO);
		if (resize_reason_is_act(decision.reason))
			assert_true(decision.target_pages + bench.policy.shrink_step_pages >= current);
		if (decision.reason == RESIZE_SHRINK || decision.reason == RESIZE_SQUEEZE) {
			assert_true(decision.target_pages < current);
			assert_true(input->now_seconds >= bench.state.shrink_after);
		}
		if (decision.reason == RESIZE_YIELD) {
			assert_true(input->limited);
			assert_true(decision.target_pages >= ceiling);
			assert_true(decision.target_pages < (current > last_target ? current : last_target));
		}
		assert_true(bench.state.backoff <= bench.policy.backoff_max_seconds);
		seen[decision.reason]++;
		last_target = decision.target_pages;
		follow(&bench, decision.target_pages, &obedience, &seed);
	}
	for (unsigned int reason = 0; reason < RESIZE_REASONS; reason++)
		assert_true(seen[reason] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invariants_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
