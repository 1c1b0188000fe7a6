/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_resize_plan.c - goal, steps and flight of the resize plan
 */
#include "resize_bench.h"

/* Headroom is the larger of 50 pages and 10 %: 50 at 300, 60 at 600; 10 % of 605 is 60 whole pages. */
static void test_headroom(void **state)
{
	const struct {
		uint64_t working_set, headroom, goal;
	} cases[] = { { 300, 50, 350 }, { 500, 50, 550 }, { 600, 60, 660 }, { 605, 60, 665 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench = bench_of(1000, cases[i].working_set);
		struct resize_decision decision = window(&bench, 1000);

		assert_int_equal(decision.headroom_pages, cases[i].headroom);
		assert_int_equal(decision.goal_pages, cases[i].goal);
	}
}

/* The goal is clamped: nothing used and no headroom gives the floor, 980 + 98 the maximum. */
static void test_goal_is_clamped(void **state)
{
	struct bench bench = bench_of(1000, 0);

	bench.policy.headroom_pages = 0;
	assert_int_equal(window(&bench, 1000).goal_pages, 100);
	bench.input.working_set_pages = 980;
	assert_int_equal(window(&bench, 1000).goal_pages, 1000);
}

/* What the guest keeps though it does not use it is added to the goal, but no more of it than is believed. */
static void test_kept_memory(void **state)
{
	struct bench bench = bench_of(1000, 300);
	struct resize_decision decision;

	bench.policy.kept_percent = 25; /* of 1000 */
	bench.input.kept_pages = 200;
	decision = window(&bench, 1000);
	assert_int_equal(decision.kept_pages, 200);
	assert_int_equal(decision.goal_pages, 550); /* 300 + 200 + 50 */
	bench.input.kept_pages = 600;
	decision = window(&bench, 1000);
	assert_int_equal(decision.kept_pages, 250);
	assert_int_equal(decision.goal_pages, 600);
}

/* Absurd sizes and settings do not wrap: the goal is the maximum. */
static void test_goal_does_not_wrap(void **state)
{
	struct bench bench = bench_of(1000, UINT64_MAX);

	assert_int_equal(window(&bench, 1000).goal_pages, 1000);
	bench.policy.headroom_percent = UINT32_MAX;
	assert_int_equal(window(&bench, 1000).goal_pages, 1000);
	bench.input.working_set_pages = 10;
	bench.policy.headroom_pages = UINT64_MAX;
	assert_int_equal(window(&bench, 1000).goal_pages, 1000);
	bench.policy.dead_band_pages = UINT64_MAX;
	assert_decision(window(&bench, 1000), RESIZE_KEEP_DEAD_BAND, 1000);
}

/* From 1000 to the goal of 350: steps of 100, each when the last has arrived, the last one of 50 pages. */
static void test_shrink_in_steps(void **state)
{
	struct bench bench = bench_of(1000, 300);
	const uint64_t targets[] = { 900, 800, 700, 600, 500, 400, 350 };
	uint64_t current = 1000;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_decision(window(&bench, current), RESIZE_SHRINK, targets[i]);
		assert_int_equal(bench.state.last_good_pages, current);
		current = targets[i];
	}
	assert_decision(window(&bench, 350), RESIZE_KEEP_DEAD_BAND, 350);
}

/* A goal of 350 leaves 370 and 330 alone, and not 371 and 329: the dead band is 20 both ways. */
static void test_dead_band(void **state)
{
	const struct {
		uint64_t current;
		enum resize_reason reason;
		uint64_t target;
	} cases[] = { { 371, RESIZE_SHRINK, 350 },
		      { 370, RESIZE_KEEP_DEAD_BAND, 370 },
		      { 330, RESIZE_KEEP_DEAD_BAND, 330 },
		      { 329, RESIZE_GROW, 350 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench = bench_of(cases[i].current, 300);

		assert_decision(window(&bench, cases[i].current), cases[i].reason, cases[i].target);
	}
}

/* With data of one window the size stays, up and down; with two it moves. */
static void test_settling(void **state)
{
	struct bench shrinking = bench_of(1000, 300);
	struct bench growing = bench_of(200, 300);

	shrinking.input.windows = growing.input.windows = 0;
	assert_decision(window(&shrinking, 1000), RESIZE_KEEP_SETTLING, 1000);
	assert_decision(window(&shrinking, 1000), RESIZE_SHRINK, 900);
	assert_decision(window(&growing, 200), RESIZE_KEEP_SETTLING, 200);
	assert_decision(window(&growing, 200), RESIZE_GROW, 350);
}

/* Growing goes to the goal in one act, by more than a step, even while a wait forbids to shrink. */
static void test_grow_at_once(void **state)
{
	struct bench bench = bench_of(300, 250);

	assert_decision(window_under_pressure(&bench, 300), RESIZE_VETO, 400);
	bench.input.working_set_pages = 800;
	assert_decision(window(&bench, 400), RESIZE_GROW, 880);
}

/* A shrink in flight (900 to 800, the guest at 850) is turned around when the goal rises to 990. */
static void test_grow_turns_a_shrink_around(void **state)
{
	struct bench bench = bench_of(900, 300);

	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
	bench.input.working_set_pages = 900;
	assert_decision(window(&bench, 850), RESIZE_GROW, 990);
}

/* A goal that rises a little during a shrink moves the target up, and no further than the goal. */
static void test_grow_during_a_shrink(void **state)
{
	struct bench bench = bench_of(500, 350);

	assert_decision(window(&bench, 500), RESIZE_SHRINK, 400);
	bench.input.working_set_pages = 390; /* goal 440 > 400 + 20 */
	assert_decision(window(&bench, 470), RESIZE_GROW, 440);
	assert_decision(window(&bench, 440), RESIZE_KEEP_DEAD_BAND, 440);
}

/* While the guest is on its way the target stands; when it has arrived, the next step follows at once. */
static void test_in_flight(void **state)
{
	struct bench bench = bench_of(1000, 300);

	assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
	assert_decision(window(&bench, 980), RESIZE_KEEP_IN_FLIGHT, 900);
	assert_decision(window(&bench, 920), RESIZE_KEEP_IN_FLIGHT, 900);
	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
}

/* A balloon that stops half way: the 4th window at 950 is a refusal; set to 950 it waits for 60 s. */
static void test_refused_half_way(void **state)
{
	struct bench bench = bench_of(1000, 300);

	assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
	for (unsigned int i = 1; i < RESIZE_FLIGHT_WINDOWS; i++)
		assert_decision(window(&bench, 950), RESIZE_KEEP_IN_FLIGHT, 900);
	assert_decision(window(&bench, 950), RESIZE_REFUSED, 950);
	for (int i = 1; i <= 5; i++)
		assert_decision(window(&bench, 950), RESIZE_KEEP_BACKOFF, 950);
	assert_decision(window(&bench, 950), RESIZE_SHRINK, 850);
}

/* A guest that refuses to shrink can still grow: in the window of the refusal, and in the wait. */
static void test_refusal_does_not_stop_growth(void **state)
{
	struct bench bench = bench_of(500, 300);

	assert_decision(window(&bench, 500), RESIZE_SHRINK, 400);
	for (unsigned int i = 1; i < RESIZE_FLIGHT_WINDOWS; i++)
		assert_decision(window(&bench, 450), RESIZE_KEEP_IN_FLIGHT, 400);
	/* At the 4th window the goal is 450 + 50, above the 450 that the guest has. */
	bench.input.working_set_pages = 450;
	assert_decision(window(&bench, 450), RESIZE_GROW, 500);
	bench.input.working_set_pages = 600;
	assert_decision(window(&bench, 500), RESIZE_GROW, 660);
}

/* Growth that does not come (the guest stays at 200) is asked for again after four windows, without a wait.
 */
static void test_growth_is_asked_for_anew(void **state)
{
	struct bench bench = bench_of(200, 300);

	for (int round = 0; round < 3; round++) {
		assert_decision(window(&bench, 200), RESIZE_GROW, 350);
		for (unsigned int i = 1; i < RESIZE_FLIGHT_WINDOWS; i++)
			assert_decision(window(&bench, 200), RESIZE_KEEP_IN_FLIGHT, 350);
	}
	assert_true(bench.state.shrink_after == 0);
}

/* Growth that never comes and is wanted no more does not stop the plan: it shrinks from what the guest has.
 */
static void test_lost_growth_does_not_stop_shrinking(void **state)
{
	struct bench bench = bench_of(300, 500);

	assert_decision(window(&bench, 300), RESIZE_GROW, 550);
	bench.input.working_set_pages = 100;
	for (unsigned int i = 1; i < RESIZE_FLIGHT_WINDOWS; i++)
		assert_decision(window(&bench, 300), RESIZE_KEEP_IN_FLIGHT, 550);
	assert_decision(window(&bench, 300), RESIZE_SHRINK, 200);
}

/* Somebody sets the guest from 350 to 700: it is left there for four windows and the wait, then shrunk. */
static void test_size_set_by_somebody_else(void **state)
{
	struct bench bench = bench_of(350, 300);

	assert_decision(window(&bench, 350), RESIZE_KEEP_DEAD_BAND, 350);
	for (unsigned int i = 1; i <= RESIZE_FLIGHT_WINDOWS; i++)
		assert_decision(window(&bench, 700), RESIZE_KEEP_IN_FLIGHT, 350);
	assert_decision(window(&bench, 700), RESIZE_REFUSED, 700);
	for (int i = 1; i <= 5; i++)
		assert_decision(window(&bench, 700), RESIZE_KEEP_BACKOFF, 700);
	assert_decision(window(&bench, 700), RESIZE_SHRINK, 600);
}

/* A plan that starts takes the guest's size for its target, whatever the clock says. */
static void test_first_call(void **state)
{
	struct bench bench = bench_of(350, 300);

	bench.input.now_seconds = 0;
	assert_decision(window(&bench, 350), RESIZE_KEEP_DEAD_BAND, 350);
	assert_int_equal(bench.state.target_pages, 350);
	assert_int_equal(bench.state.last_good_pages, 350);
}

/* A guest below its floor grows to it, even with too few windows, in the dead band, or with a small goal. */
static void test_floor(void **state)
{
	struct bench bench = bench_of(90, 0);

	bench.policy.headroom_pages = 0;
	assert_decision(window(&bench, 90), RESIZE_GROW, 100);
	bench = bench_of(90, 0);
	bench.input.windows = 0;
	assert_decision(window(&bench, 90), RESIZE_GROW, 100);
}

/* A floor that is raised from 100 to 600 lifts a guest that stands at 350. */
static void test_floor_raised(void **state)
{
	struct bench bench = bench_of(350, 300);

	assert_decision(window(&bench, 350), RESIZE_KEEP_DEAD_BAND, 350);
	bench.policy.floor_pages = 600;
	assert_decision(window(&bench, 350), RESIZE_GROW, 600);
	assert_decision(window(&bench, 600), RESIZE_KEEP_DEAD_BAND, 600);
}

/* A floor above the maximum counts as the maximum, and leaves nothing to plan. */
static void test_floor_above_maximum(void **state)
{
	struct bench bench = bench_of(1000, 300);

	bench.policy.floor_pages = 5000;
	assert_decision(window(&bench, 1000), RESIZE_KEEP_DEAD_BAND, 1000);
	assert_decision(window(&bench, 400), RESIZE_KEEP_IN_FLIGHT, 1000);
}

/* A maximum that sinks below the guest cuts size, target and last good size; nothing is asked for. */
static void test_maximum_sinks(void **state)
{
	struct bench bench = bench_of(1000, 650);

	assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
	bench.input.maximum_pages = 700;
	assert_decision(window(&bench, 900), RESIZE_KEEP_DEAD_BAND, 700);
	assert_decision(window_under_pressure(&bench, 700), RESIZE_VETO, 700);
}

/* A maximum that rises lets a guest that wants more grow into it: 950 + 95. */
static void test_maximum_rises(void **state)
{
	struct bench bench = bench_of(1000, 950);

	assert_decision(window(&bench, 1000), RESIZE_KEEP_DEAD_BAND, 1000);
	bench.input.maximum_pages = 2000;
	assert_decision(window(&bench, 1000), RESIZE_GROW, 1045);
}

/* A working set of nothing shrinks to the headroom or the floor, whatever is larger, and not below. */
static void test_empty_working_set(void **state)
{
	struct bench bench = bench_of(150, 0);

	assert_decision(window(&bench, 150), RESIZE_SHRINK, 100);
	assert_decision(window(&bench, 100), RESIZE_KEEP_DEAD_BAND, 100);
	bench = bench_of(250, 0);
	bench.policy.headroom_pages = 180;
	assert_decision(window(&bench, 250), RESIZE_SHRINK, 180);
}

/* A guest at its goal of 400 that can use 10 of its headroom of 80: squeezed by 70 for a window, then let go. */
static void test_squeeze(void **state)
{
	struct bench bench = bench_of(400, 320);

	bench.policy.headroom_pages = 80;
	bench.input.usable_known = true;
	bench.input.usable_pages = 10;
	assert_decision(window(&bench, 400), RESIZE_SQUEEZE, 330);
	assert_decision(window(&bench, 330), RESIZE_GROW, 400);
	bench.input.usable_pages = 75; /* within the dead band of 80 */
	assert_decision(window(&bench, 400), RESIZE_KEEP_DEAD_BAND, 400);
	bench.input.usable_pages = 10;
	bench.input.usable_known = false; /* an old figure says nothing */
	assert_decision(window(&bench, 400), RESIZE_KEEP_DEAD_BAND, 400);
}

/* Squeezed by 70 and only 30 gained, less than half: in vain, so the next squeeze waits. */
static void test_squeeze_in_vain(void **state)
{
	struct bench bench = bench_of(400, 320);

	bench.policy.headroom_pages = 80;
	bench.input.usable_known = true;
	bench.input.usable_pages = 10;
	assert_decision(window(&bench, 400), RESIZE_SQUEEZE, 330);
	assert_decision(window(&bench, 330), RESIZE_GROW, 400);
	bench.input.usable_pages = 40;
	assert_decision(window(&bench, 400), RESIZE_KEEP_BACKOFF, 400);
	bench.input.now_seconds += 60;
	assert_decision(window(&bench, 400), RESIZE_SQUEEZE, 360); /* 80 - 40 */
}

/* A squeeze ends at the floor, takes no more than a step, and is turned around by growth even if it has not arrived. */
static void test_squeeze_has_limits(void **state)
{
	struct bench bench = bench_of(120, 20);

	bench.policy.headroom_pages = 90;
	bench.input.usable_known = true;
	assert_decision(window(&bench, 120), RESIZE_SQUEEZE, 100); /* the floor */

	bench = bench_of(600, 400);
	bench.policy.headroom_pages = 200;
	bench.input.usable_known = true;
	assert_decision(window(&bench, 600), RESIZE_SQUEEZE, 500); /* a step of 100, though 200 are missing */
	assert_decision(window(&bench, 560), RESIZE_GROW, 600);
}

/* A caller that keeps the state from before gets the same decision again: nothing else is remembered. */
static void test_decision_not_carried_out(void **state)
{
	struct bench bench = bench_of(1000, 300);

	for (int i = 0; i < 10; i++) {
		struct resize_state before = bench.state;

		assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
		bench.state = before;
	}
}

/* Every reason has a name of its own, and the balloon is told of six of them. */
static void test_reasons(void **state)
{
	const bool acts[RESIZE_REASONS] = {
		[RESIZE_SHRINK] = true, [RESIZE_YIELD] = true, [RESIZE_SQUEEZE] = true,
		[RESIZE_GROW] = true,	[RESIZE_VETO] = true,  [RESIZE_REFUSED] = true,
	};

	for (unsigned int i = 0; i < RESIZE_REASONS; i++) {
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(resize_reason_name(i), resize_reason_name(j));
		assert_int_equal(resize_reason_is_act(i), acts[i]);
	}
	assert_string_equal(resize_reason_name(RESIZE_KEEP_IN_FLIGHT), "in-flight");
	assert_string_equal(resize_reason_name(RESIZE_REASONS), "unknown");
}

/*
 * The host leaves the guest 300 of its 800 pages, though its goal is 500 + 50: it yields a step of 100 a window until
 * it is within the dead band of the limit, 320. When the host has enough it gets its goal back at once.
 */
static void test_yields_to_the_host(void **state)
{
	struct bench bench = bench_of(800, 500);

	bench.input.limited = true;
	bench.input.limit_pages = 300;
	assert_decision(window(&bench, 800), RESIZE_YIELD, 700);
	assert_decision(window(&bench, 700), RESIZE_YIELD, 600);
	assert_decision(window(&bench, 600), RESIZE_YIELD, 500);
	assert_decision(window(&bench, 500), RESIZE_YIELD, 400);
	assert_decision(window(&bench, 400), RESIZE_YIELD, 300);
	assert_decision(window(&bench, 300), RESIZE_KEEP_DEAD_BAND, 300);
	bench.input.limit_pages = 280;
	assert_decision(window(&bench, 300), RESIZE_KEEP_DEAD_BAND, 300);
	bench.input.limited = false;
	assert_decision(window(&bench, 300), RESIZE_GROW, 550);
}

/* Its limit is below its floor of 100: it yields down to the floor. */
static void test_yields_not_below_the_floor(void **state)
{
	struct bench bench = bench_of(150, 500);

	bench.input.limited = true;
	bench.input.limit_pages = 10;
	assert_decision(window(&bench, 150), RESIZE_YIELD, 100);
	assert_decision(window(&bench, 100), RESIZE_KEEP_DEAD_BAND, 100);
}

/*
 * Pressure holds the yielding up for the windows that it is there, and no longer; above its limit the guest gets
 * nothing back. Below it, it gets no more than the limit: 320, not the last good size of 800.
 */
static void test_pressure_under_a_limit(void **state)
{
	struct bench bench = bench_of(800, 500);

	bench.input.limited = true;
	bench.input.limit_pages = 320;
	assert_decision(window(&bench, 800), RESIZE_YIELD, 700);
	assert_decision(window_under_pressure(&bench, 700), RESIZE_VETO, 700);
	assert_decision(window_under_pressure(&bench, 700), RESIZE_VETO, 700);
	assert_decision(window(&bench, 700), RESIZE_YIELD, 600);
	bench = bench_of(250, 500);
	bench.input.limited = true;
	bench.input.limit_pages = 320;
	assert_decision(window_under_pressure(&bench, 250), RESIZE_VETO, 320);
}

/*
 * A guest that always says it is under pressure is spared for 4 windows before each step, and pays with the fifth.
 * A kill by its OOM killer spares it for that window, too.
 */
static void test_pressure_spares_for_a_while(void **state)
{
	struct bench bench = bench_of(800, 500);

	bench.input.limited = true;
	bench.input.limit_pages = 320;
	for (int i = 0; i < 4; i++)
		assert_decision(window_under_pressure(&bench, 800), RESIZE_VETO, 800);
	assert_decision(window_under_pressure(&bench, 800), RESIZE_YIELD, 700);
	for (int i = 0; i < 4; i++)
		assert_decision(window_under_pressure(&bench, 700), RESIZE_VETO, 700);
	bench.input.pressure.oom_kills = 1;
	assert_decision(window_under_pressure(&bench, 700), RESIZE_VETO, 700);
	bench.input.pressure.oom_kills = 0;
	assert_decision(window_under_pressure(&bench, 700), RESIZE_YIELD, 600);
}

/* Growth to 550 that has got to 400 when the host gets short: it ends at the limit of 450. With 350 it ends where it is. */
static void test_growth_meets_a_limit(void **state)
{
	struct bench bench = bench_of(300, 500);

	assert_decision(window(&bench, 300), RESIZE_GROW, 550);
	bench.input.limited = true;
	bench.input.limit_pages = 450;
	assert_decision(window(&bench, 400), RESIZE_YIELD, 450);
	bench = bench_of(300, 500);
	assert_decision(window(&bench, 300), RESIZE_GROW, 550);
	bench.input.limited = true;
	bench.input.limit_pages = 350;
	assert_decision(window(&bench, 400), RESIZE_YIELD, 400);
	assert_decision(window(&bench, 400), RESIZE_YIELD, 350);
}

/* A guest at its limit of 300 has no headroom, and is not squeezed for it: it would thrash. */
static void test_no_squeeze_at_the_limit(void **state)
{
	struct bench bench = bench_of(300, 500);

	bench.input.limited = true;
	bench.input.limit_pages = 300;
	bench.input.usable_known = true;
	bench.input.usable_pages = 0;
	assert_decision(window(&bench, 300), RESIZE_KEEP_DEAD_BAND, 300);
}

/* Pressure is more than 5 pages swapped in, or 50 refaults: more than 5 / 4 or 50 / 4, whole pages, hold a shrink. */
static void test_strain_holds_a_shrink(void **state)
{
	struct bench bench = bench_of(800, 300);

	bench.input.pressure.swap_in_pages = 2;
	assert_decision(window(&bench, 800), RESIZE_KEEP_STRAINED, 800);
	bench.input.pressure.swap_in_pages = 1;
	bench.input.pressure.refault_pages = 13;
	assert_decision(window(&bench, 800), RESIZE_KEEP_STRAINED, 800);
	bench.input.pressure.refault_pages = 12;
	assert_decision(window(&bench, 800), RESIZE_SHRINK, 700);
	/* There is no wait after it, growing is not held, nor what it owes the host. */
	bench.input.pressure.swap_in_pages = 2;
	bench.input.limited = true;
	bench.input.limit_pages = 600;
	assert_decision(window(&bench, 700), RESIZE_YIELD, 600);
	bench.input.limited = false;
	bench.input.working_set_pages = 700;
	assert_decision(window(&bench, 600), RESIZE_GROW, 770);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headroom),
		cmocka_unit_test(test_goal_is_clamped),
		cmocka_unit_test(test_kept_memory),
		cmocka_unit_test(test_squeeze),
		cmocka_unit_test(test_squeeze_in_vain),
		cmocka_unit_test(test_squeeze_has_limits),
		cmocka_unit_test(test_goal_does_not_wrap),
		cmocka_unit_test(test_shrink_in_steps),
		cmocka_unit_test(test_dead_band),
		cmocka_unit_test(test_settling),
		cmocka_unit_test(test_grow_at_once),
		cmocka_unit_test(test_grow_turns_a_shrink_around),
		cmocka_unit_test(test_grow_during_a_shrink),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_refused_half_way),
		cmocka_unit_test(test_refusal_does_not_stop_growth),
		cmocka_unit_test(test_growth_is_asked_for_anew),
		cmocka_unit_test(test_lost_growth_does_not_stop_shrinking),
		cmocka_unit_test(test_size_set_by_somebody_else),
		cmocka_unit_test(test_first_call),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_floor_raised),
		cmocka_unit_test(test_floor_above_maximum),
		cmocka_unit_test(test_maximum_sinks),
		cmocka_unit_test(test_maximum_rises),
		cmocka_unit_test(test_empty_working_set),
		cmocka_unit_test(test_decision_not_carried_out),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_yields_to_the_host),
		cmocka_unit_test(test_strain_holds_a_shrink),
		cmocka_unit_test(test_yields_not_below_the_floor),
		cmocka_unit_test(test_pressure_under_a_limit),
		cmocka_unit_test(test_pressure_spares_for_a_while),
		cmocka_unit_test(test_growth_meets_a_limit),
		cmocka_unit_test(test_no_squeeze_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
