/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_resize_backoff.c - pressure, vetoes and waits of the resize plan
 */
#include "resize_bench.h"

/* A guest without a balloon driver is asked ever more rarely: waits of 60, 120, 240, 240 s. */
static void test_refusals_double_the_wait(void **state)
{
	const int waits[] = { 60, 120, 240, 240 };
	struct bench bench = bench_of(1000, 300);

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
		for (unsigned int j = 1; j < RESIZE_FLIGHT_WINDOWS; j++)
			assert_decision(window(&bench, 1000), RESIZE_KEEP_IN_FLIGHT, 900);
		assert_decision(window(&bench, 1000), RESIZE_REFUSED, 1000);
		for (int waited = WINDOW_SECONDS; waited < waits[i]; waited += WINDOW_SECONDS)
			assert_decision(window(&bench, 1000), RESIZE_KEEP_BACKOFF, 1000);
	}
}

/* Pressure after the step from 900 to 800 brings 900 back at once; the next step waits 60 s. */
static void test_veto_restores_last_good_size(void **state)
{
	struct bench bench = bench_of(1000, 300);

	assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
	assert_decision(window_under_pressure(&bench, 800), RESIZE_VETO, 900);
	for (int i = 1; i <= 5; i++)
		assert_decision(window(&bench, 900), RESIZE_KEEP_BACKOFF, 900);
	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
}

/* A veto half way through a step (900 to 800, the guest at 860) brings 900 back too. */
static void test_veto_in_flight(void **state)
{
	struct bench bench = bench_of(900, 300);

	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
	assert_decision(window_under_pressure(&bench, 860), RESIZE_VETO, 900);
}

/* Pressure that stays: no more while memory is on its way or has just come, then a step a window. */
static void test_veto_goes_on(void **state)
{
	struct bench bench = bench_of(850, 300);

	assert_decision(window(&bench, 850), RESIZE_SHRINK, 750);
	assert_decision(window_under_pressure(&bench, 750), RESIZE_VETO, 850);
	assert_decision(window_under_pressure(&bench, 800), RESIZE_VETO, 850);
	assert_decision(window_under_pressure(&bench, 850), RESIZE_VETO, 850);
	assert_decision(window_under_pressure(&bench, 850), RESIZE_VETO, 950);
	assert_decision(window_under_pressure(&bench, 950), RESIZE_VETO, 950);
	assert_decision(window_under_pressure(&bench, 950), RESIZE_VETO, 1000);
	assert_decision(window_under_pressure(&bench, 1000), RESIZE_VETO, 1000);
	assert_decision(window_under_pressure(&bench, 1000), RESIZE_VETO, 1000);
}

/* Pressure without a shrink before it: a step more than the guest has, or the goal if that is larger. */
static void test_veto_without_a_shrink(void **state)
{
	struct bench bench = bench_of(300, 250);

	assert_decision(window_under_pressure(&bench, 300), RESIZE_VETO, 400);
	bench = bench_of(300, 600);
	assert_decision(window_under_pressure(&bench, 300), RESIZE_VETO, 660);
	bench.input.windows = 0;
	assert_decision(window_under_pressure(&bench, 660), RESIZE_VETO, 660);
}

/* A veto while the guest grows (300 to 550, at 400) keeps the higher target. */
static void test_veto_during_growth(void **state)
{
	struct bench bench = bench_of(300, 500);

	assert_decision(window(&bench, 300), RESIZE_GROW, 550);
	bench.input.working_set_pages = 100;
	assert_decision(window_under_pressure(&bench, 400), RESIZE_VETO, 550);
	assert_decision(window_under_pressure(&bench, 550), RESIZE_VETO, 550);
}

/* A guest that somebody set to 700 has these 700 under pressure: a veto never takes. */
static void test_veto_never_takes(void **state)
{
	struct bench bench = bench_of(350, 300);

	assert_decision(window(&bench, 350), RESIZE_KEEP_DEAD_BAND, 350);
	assert_decision(window_under_pressure(&bench, 700), RESIZE_VETO, 700);
}

/* Each figure of the guest alone is pressure beyond its limit, and none at it. */
static void test_what_is_pressure(void **state)
{
	const struct guest_pressure at_limits = { .swap_in_pages = 5,
						  .refault_pages = 50,
						  .memory_stall_share = 0.1 };
	const struct guest_pressure beyond[] = {
		{ .swap_in_pages = 6 },
		{ .refault_pages = 51 },
		{ .memory_stall_share = 0.11 },
		{ .oom_kills = 1 },
	};
	struct bench bench = bench_of(350, 300);

	bench.input.pressure = at_limits;
	assert_decision(window(&bench, 350), RESIZE_KEEP_DEAD_BAND, 350);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		bench = bench_of(350, 300);
		bench.input.pressure = beyond[i];
		assert_decision(window(&bench, 350), RESIZE_VETO, 450);
	}
}

/* Shrink from where the guest stands, and have it vetoed; the wait must then be @seconds long. */
static void assert_failed_step_waits(struct bench *bench, int seconds)
{
	assert_decision(window(bench, 900), RESIZE_SHRINK, 800);
	assert_decision(window_under_pressure(bench, 800), RESIZE_VETO, 900);
	for (int waited = WINDOW_SECONDS; waited < seconds; waited += WINDOW_SECONDS)
		assert_decision(window(bench, 900), RESIZE_KEEP_BACKOFF, 900);
}

/* Each step that is vetoed doubles the wait: 60, 120, 240, and no more than the maximum of 240 s. */
static void test_wait_doubles(void **state)
{
	struct bench bench = bench_of(900, 300);

	assert_failed_step_waits(&bench, 60);
	assert_failed_step_waits(&bench, 120);
	assert_failed_step_waits(&bench, 240);
	assert_failed_step_waits(&bench, 240);
}

/* Pressure that comes back without a step in between begins the same wait again: 60 s from its last window.
 */
static void test_wait_restarts_without_doubling(void **state)
{
	struct bench bench = bench_of(900, 300);

	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
	assert_decision(window_under_pressure(&bench, 800), RESIZE_VETO, 900);
	assert_decision(window(&bench, 900), RESIZE_KEEP_BACKOFF, 900);
	assert_decision(window(&bench, 900), RESIZE_KEEP_BACKOFF, 900);
	bench.input.maximum_pages = 900; /* so that the veto finds no more to give */
	assert_decision(window_under_pressure(&bench, 900), RESIZE_VETO, 900);
	assert_decision(window_under_pressure(&bench, 900), RESIZE_VETO, 900);
	for (int i = 1; i <= 5; i++)
		assert_decision(window(&bench, 900), RESIZE_KEEP_BACKOFF, 900);
	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
}

/*
 * Quiet time halves the wait. Steps fail until it is 240 s. Then nothing happens (the goal is the size): 240
 * s after the wait it is 120, 120 s later 60, 60 s later forgotten.
 */
static void test_wait_halves(void **state)
{
	struct bench bench = bench_of(900, 300);
	double over;

	assert_failed_step_waits(&bench, 60);
	assert_failed_step_waits(&bench, 120);
	assert_failed_step_waits(&bench, 240);
	bench.input.working_set_pages = 820; /* + 82 is 902 */
	over = bench.state.shrink_after;
	assert_true(bench.input.now_seconds == over - WINDOW_SECONDS);
	while (bench.input.now_seconds < over + 500) {
		double quiet;

		assert_decision(window(&bench, 900), RESIZE_KEEP_DEAD_BAND, 900);
		quiet = bench.input.now_seconds - over;
		assert_true(bench.state.backoff == (quiet < 240	  ? 240
						    : quiet < 360 ? 120
						    : quiet < 420 ? 60
								  : 0));
	}
}

/* The next failed step doubles what is left of the wait: 240 s, halved once to 120, make 240 again, not 480.
 */
static void test_halved_wait_doubles_again(void **state)
{
	struct bench bench = bench_of(900, 300);

	bench.policy.backoff_max_seconds = 10000;
	assert_failed_step_waits(&bench, 60);
	assert_failed_step_waits(&bench, 120);
	assert_failed_step_waits(&bench, 240);
	bench.input.working_set_pages = 820;
	for (int quiet = 0; quiet <= 240; quiet += WINDOW_SECONDS)
		window(&bench, 900);
	assert_true(bench.state.backoff == 120);
	bench.input.working_set_pages = 300;
	assert_failed_step_waits(&bench, 240);
}

/* A very long quiet time, seen by one window only, forgets the wait at once. */
static void test_long_quiet_forgets(void **state)
{
	struct bench bench = bench_of(900, 300);

	assert_failed_step_waits(&bench, 60);
	assert_failed_step_waits(&bench, 120);
	bench.input.now_seconds += 1e6;
	window(&bench, 900);
	assert_true(bench.state.backoff == 0);
}

/* Stalls are no veto while the balloon takes memory, which stalls by itself; they are once it stands. */
static void test_stalls_while_shrinking(void **state)
{
	struct bench bench = bench_of(1000, 600); /* goal 660 */

	assert_decision(window(&bench, 1000), RESIZE_SHRINK, 900);
	bench.input.pressure.memory_stall_share = 0.5;
	assert_decision(window(&bench, 950), RESIZE_KEEP_IN_FLIGHT, 900);
	assert_decision(window(&bench, 900), RESIZE_SHRINK, 800);
	bench.input.pressure.swap_in_pages = 6; /* but memory that is wanted back is */
	assert_decision(window(&bench, 800), RESIZE_VETO, 900);
	bench.input.pressure.swap_in_pages = 0;
	assert_decision(window(&bench, 900), RESIZE_VETO, 900); /* it has grown: now stalls are its own */
	bench.input.pressure.memory_stall_share = 0;
	assert_decision(window(&bench, 900), RESIZE_KEEP_BACKOFF, 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stalls_while_shrinking),
		cmocka_unit_test(test_refusals_double_the_wait),
		cmocka_unit_test(test_veto_restores_last_good_size),
		cmocka_unit_test(test_veto_in_flight),
		cmocka_unit_test(test_veto_goes_on),
		cmocka_unit_test(test_veto_without_a_shrink),
		cmocka_unit_test(test_veto_during_growth),
		cmocka_unit_test(test_veto_never_takes),
		cmocka_unit_test(test_what_is_pressure),
		cmocka_unit_test(test_wait_doubles),
		cmocka_unit_test(test_wait_restarts_without_doubling),
		cmocka_unit_test(test_wait_halves),
		cmocka_unit_test(test_halved_wait_doubles_again),
		cmocka_unit_test(test_long_quiet_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
