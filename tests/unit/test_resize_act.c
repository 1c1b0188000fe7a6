/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_resize_act.c - how a resize that was begun ends
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "resize_act.h"

/* A shrink from 400 to 300 pages, told to the balloon one window ago: half way. Floor 100, maximum 500. */
static const struct resize_act_view shrink = {
	.state = ACT_APPLIED,
	.same_process = true,
	.from_pages = 400,
	.to_pages = 300,
	.current_pages = 350,
	.floor_pages = 100,
	.maximum_pages = 500,
	.windows = 1,
};

static void assert_judged(struct resize_act_view view, enum resize_act_verdict verdict, uint64_t pages)
{
	uint64_t undo;

	assert_int_equal(resize_act_judge(&view, &undo), verdict);
	assert_int_equal(undo, pages);
}

/* While the guest moves it is waited for; where it arrives, the act is over. */
static void test_on_its_way(void **state)
{
	struct resize_act_view view = shrink;

	assert_judged(view, RESIZE_ACT_WAIT, 0);
	view.windows = RESIZE_ACT_WINDOWS;
	assert_judged(view, RESIZE_ACT_WAIT, 0);
	view.current_pages = 300;
	assert_judged(view, RESIZE_ACT_VERIFIED, 0);
}

/* A shrink that stops half way goes back; a growth that is not taken is left to the guest. */
static void test_out_of_patience(void **state)
{
	struct resize_act_view view = shrink;

	view.windows = RESIZE_ACT_WINDOWS + 1;
	assert_judged(view, RESIZE_ACT_UNDO, 400);
	view.paused = true;
	assert_judged(view, RESIZE_ACT_WAIT, 0);
	view.paused = false;
	view.from_pages = 300;
	view.to_pages = 400;
	assert_judged(view, RESIZE_ACT_GRANTED, 0);
}

/* Cut off at any state, told to the balloon or not: a shrink goes back, a growth is asked for again. */
static void test_cut_off(void **state)
{
	struct resize_act_view view = shrink;

	view.cut_off = true;
	assert_judged(view, RESIZE_ACT_UNDO, 400);
	view.state = ACT_PROPOSED;
	assert_judged(view, RESIZE_ACT_UNDO, 400);
	view.cut_off = false; /* libvirt did not say what became of the call */
	view.windows = 0;
	assert_judged(view, RESIZE_ACT_UNDO, 400);
	view.paused = true; /* a paused guest finds the right size when it goes on */
	assert_judged(view, RESIZE_ACT_UNDO, 400);

	view.from_pages = 300;
	view.to_pages = 400;
	assert_judged(view, RESIZE_ACT_ASK_AGAIN, 0);
	view.current_pages = 400;
	assert_judged(view, RESIZE_ACT_VERIFIED, 0);
}

/* The VM was started anew: its size is nobody's act. */
static void test_gone(void **state)
{
	struct resize_act_view view = shrink;

	view.same_process = false;
	view.current_pages = 300;
	assert_judged(view, RESIZE_ACT_GONE, 0);
}

/* A floor that was raised since counts, and a maximum that sank, too. */
static void test_limits(void **state)
{
	struct resize_act_view view = shrink;

	view.cut_off = true;
	view.current_pages = 300;
	view.floor_pages = 450; /* it has arrived, but below the floor of now */
	assert_judged(view, RESIZE_ACT_UNDO, 450);
	view.maximum_pages = 420;
	assert_judged(view, RESIZE_ACT_UNDO, 420);
	view.maximum_pages = 300; /* there is no more to have */
	assert_judged(view, RESIZE_ACT_VERIFIED, 0);
}

/* Marsaglia's xorshift. */
static uint64_t random_from(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/*
 * 100,000 random acts, cut off again and again at any moment: each comes to an end for a guest
 * that obeys in the end, and ends no smaller than the act began or its floor is, whatever was done last.
 */
static void test_always_ends_safely(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 100000; round++) {
		struct resize_act_view view = { .same_process = true, .cut_off = true };
		uint64_t least, floor, undo;
		enum resize_act_verdict verdict = RESIZE_ACT_WAIT;
		int steps = 0;

		view.maximum_pages = 1 + random_from(&seed) % 1000;
		view.floor_pages = random_from(&seed) % 1200;
		view.from_pages = 1 + random_from(&seed) % view.maximum_pages;
		view.to_pages = 1 + random_from(&seed) % view.maximum_pages;
		view.current_pages = 1 + random_from(&seed) % view.maximum_pages;
		view.state = random_from(&seed) % 2 ? ACT_PROPOSED : ACT_APPLIED;
		floor = view.floor_pages < view.maximum_pages ? view.floor_pages : view.maximum_pages;
		least = view.current_pages == view.to_pages || view.from_pages > view.maximum_pages
				? floor
				: view.from_pages;
		while (verdict != RESIZE_ACT_VERIFIED) {
			verdict = resize_act_judge(&view, &undo);
			if (verdict == RESIZE_ACT_UNDO) {
				view.from_pages = view.current_pages;
				view.to_pages = undo;
			}
			/* The guest obeys, or the daemon dies first and judges again. */
			if (random_from(&seed) % 2)
				view.current_pages = view.to_pages;
			assert_true(verdict != RESIZE_ACT_WAIT && verdict != RESIZE_ACT_GONE);
			assert_true(++steps < 64);
		}
		assert_true(view.current_pages >= least && view.current_pages >= floor);
		assert_true(view.current_pages <= view.maximum_pages);
	}
}

static void test_names(void **state)
{
	assert_string_equal(act_state_name(ACT_ROLLED_BACK), "rolled-back");
	assert_string_equal(act_state_name(ACT_STATES), "unknown");
	assert_true(act_state_is_open(ACT_APPLIED));
	assert_false(act_state_is_open(ACT_VERIFIED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_its_way), cmocka_unit_test(test_out_of_patience),
		cmocka_unit_test(test_cut_off),	   cmocka_unit_test(test_gone),
		cmocka_unit_test(test_limits),	   cmocka_unit_test(test_always_ends_safely),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
