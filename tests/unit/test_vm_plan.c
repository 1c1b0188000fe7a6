/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_plan.c - from settings and figures to a plan and its sentence
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vm_plan.h"

/* Pages of a MiB. */
#define MIB G_GUINT64_CONSTANT(256)

/*
 * A guest of 384 MiB with a working set of 40 MiB, 20 windows of 2 s: the goal is 40 + 32 = 72 MiB, one step
 * down is 384 - 64 = 320 MiB.
 */
struct scene {
	struct vm_settings settings;
	struct window_ring ring;
	struct resize_state state;
	struct virtio_mem_size virtio_mem;
	struct vm_plan_input input;
	struct vm_plan plan;
};

static int open_scene(void **state)
{
	struct scene *scene = g_new0(struct scene, 1);
	struct config *config = config_new();

	scene->settings = config->defaults;
	config_unref(config);
	scene->settings.floor = 64u << 20;
	scene->settings.headroom = 32u << 20;
	scene->settings.hot_age = 4;
	scene->settings.cold_age = 20;
	for (guint i = 0; i < 20; i++)
		window_ring_add(&scene->ring, 2.0);
	scene->input = (struct vm_plan_input){
		.settings = &scene->settings,
		.ring = &scene->ring,
		.resize_state = &scene->state,
		.resize = { .now_seconds = 1000,
			    .working_set_pages = 40 * MIB,
			    .current_pages = 384 * MIB,
			    .maximum_pages = 384 * MIB,
			    .windows = 20 },
		.devices = { .balloon_usable = TRUE, .balloon_pages = 384 * MIB, .boot_pages = 384 * MIB },
	};
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	vm_plan_clear(&scene->plan);
	g_free(scene);
	return 0;
}

/*
 * One step down, said with its numbers; the caller's memory of the plan is untouched until it is carried out.
 */
static void test_shrink(void **state)
{
	struct scene *scene = *state;

	vm_plan_make(&scene->input, &scene->plan);
	assert_true(scene->plan.resize_valid);
	assert_int_equal(scene->plan.resize.reason, RESIZE_SHRINK);
	assert_int_equal(scene->plan.resize.target_pages, 320 * MIB);
	assert_string_equal(scene->plan.resize_sentence,
			    "shrink from 384 to 320 MiB by the balloon: one step towards the goal; goal 72 "
			    "MiB = working set 40.0 + "
			    "kept 0.0 + headroom 32.0, between the floor of 64 and the maximum of 384 MiB");
	assert_int_equal(scene->state.target_pages, 0);
	assert_int_equal(scene->plan.resize_next.target_pages, 320 * MIB);
}

/* What the guest cannot give is left to it, as far as it is believed: of 250 MiB, 50 % of 384. */
static void test_kept(void **state)
{
	struct scene *scene = *state;

	scene->input.resize.kept_pages = 250 * MIB;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.goal_pages, (40 + 192 + 32) * MIB);
	assert_non_null(strstr(scene->plan.resize_sentence, "working set 40.0 + kept 192.0 + headroom 32.0"));
}

/* Too few windows: keep, and say how many are missing. */
static void test_settling(void **state)
{
	struct scene *scene = *state;

	scene->input.resize.windows = 5;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_KEEP_SETTLING);
	assert_true(g_str_has_prefix(scene->plan.resize_sentence,
				     "keep 384 MiB: only 5 of 12 windows seen; goal 72 MiB"));
}

/* 17 MiB of refaults are more than the limit of 16: a veto that names the pressure. */
static void test_veto(void **state)
{
	struct scene *scene = *state;

	scene->input.resize.pressure.refault_pages = 17 * MIB;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_VETO);
	assert_non_null(strstr(scene->plan.resize_sentence,
			       "the guest is under pressure (swap-in 0.0 MiB, refaults "
			       "17.0 MiB, OOM kills 0, stalled 0 %)"));
}

/* A wait says how long it lasts, and why it began: of 30 s from 980 on, 10 are left at 1000. */
static void test_backoff(void **state)
{
	static const struct {
		enum resize_reason reason;
		const char *sentence;
	} waits[] = {
		{ RESIZE_VETO,
		  "waiting 10 s more before the next step down: the guest was under pressure; goal" },
		{ RESIZE_REFUSED,
		  "waiting 10 s more before the next step down: the guest did not give what it "
		  "was asked for; goal" },
		{ RESIZE_SQUEEZE, "waiting 10 s more before the next step down: the last squeeze gained less "
				  "than half of what it took; goal" },
	};
	struct scene *scene = *state;

	for (gsize i = 0; i < G_N_ELEMENTS(waits); i++) {
		scene->state = (struct resize_state){ .shrink_after = 1010,
						      .backoff = 30,
						      .calm_since = 1010,
						      .wait_reason = waits[i].reason };
		vm_plan_make(&scene->input, &scene->plan);
		assert_int_equal(scene->plan.resize.reason, RESIZE_KEEP_BACKOFF);
		assert_non_null(strstr(scene->plan.resize_sentence, waits[i].sentence));
		vm_plan_clear(&scene->plan);
	}
	/* And the planner says why: a shrink that has not arrived within its windows. */
	scene->state = (struct resize_state){ .target_pages = 320 * MIB,
					      .last_good_pages = 384 * MIB,
					      .flight_windows = RESIZE_FLIGHT_WINDOWS };
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_REFUSED);
	assert_int_equal(scene->plan.resize_next.wait_reason, RESIZE_REFUSED);
}

/* The host is short of 300 MiB and leaves the VM 56: below its floor of 64, which stays. In steps, and said with numbers. */
static void test_yield(void **state)
{
	struct scene *scene = *state;

	scene->input.host = (struct vm_host_part){ .limited = TRUE,
						   .limit_pages = 56 * MIB,
						   .short_pages = 300 * MIB,
						   .shares = 500,
						   .idle_pages = 344 * MIB };
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_YIELD);
	assert_int_equal(scene->plan.resize.target_pages, 320 * MIB);
	assert_int_equal(scene->plan.resize.goal_pages, 64 * MIB);
	assert_string_equal(
		scene->plan.resize_sentence,
		"shrink from 384 to 320 MiB by the balloon: the host is short of 300 MiB, and leaves it 56 "
		"MiB by its 500 "
		"shares and "
		"344 MiB of idle memory; goal 64 MiB = working set 40.0 + kept 0.0 + headroom 32.0, between "
		"the floor "
		"of 64 and the maximum of 384 MiB, and at most the 56 MiB that the host leaves it");
}

/* A little swap-in, less than the 1 MiB that is pressure, holds a shrink. */
static void test_strained(void **state)
{
	struct scene *scene = *state;

	scene->input.resize.pressure.swap_in_pages = MIB / 2;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_KEEP_STRAINED);
	assert_true(g_str_has_prefix(scene->plan.resize_sentence,
				     "keep 384 MiB: the guest misses memory already (swap-in 0.5 MiB, "
				     "refaults 0.0 MiB); goal 72 MiB"));
}

/* Of its 384 MiB 256 are boot memory, and @plugged of virtio-mem, which has at most 256 in blocks of 2. */
static void have_virtio_mem(struct scene *scene, guint64 plugged)
{
	scene->virtio_mem = (struct virtio_mem_size){ .block_pages = 2 * MIB,
						      .size_pages = 256 * MIB,
						      .requested_pages = plugged * MIB,
						      .current_pages = plugged * MIB };
	scene->input.devices = (struct resize_devices){ .balloon_usable = TRUE,
							.balloon_pages = 256 * MIB,
							.boot_pages = 256 * MIB,
							.virtio_mems = &scene->virtio_mem,
							.virtio_mem_count = 1 };
	scene->input.resize.maximum_pages = 512 * MIB;
}

static void assert_no_resize(struct scene *scene, const char *sentence)
{
	vm_plan_make(&scene->input, &scene->plan);
	assert_false(scene->plan.resize_valid);
	assert_string_equal(scene->plan.resize_sentence, sentence);
	vm_plan_clear(&scene->plan);
}

/* What cannot or may not be resized says why; the pages are placed all the same. */
static void test_no_resize(void **state)
{
	struct scene *scene = *state;

	scene->input.no_resize = "libvirt is away";
	vm_plan_make(&scene->input, &scene->plan);
	assert_false(scene->plan.resize_valid);
	assert_string_equal(scene->plan.resize_sentence, "no resizing: libvirt is away");
	assert_true(scene->plan.placement_valid);
	vm_plan_clear(&scene->plan);

	scene->input.no_resize = NULL;
	scene->settings.balloon = FALSE;
	assert_no_resize(scene, "no resizing: balloon = no");
	scene->input.devices.balloon_usable = FALSE;
	assert_no_resize(scene, "no resizing: the domain has no balloon, nor virtio-mem");
	have_virtio_mem(scene, 128);
	scene->input.devices.balloon_usable = FALSE;
	scene->settings.virtio_mem = FALSE;
	assert_no_resize(scene, "no resizing: virtio-mem = no");
}

/* A shrink of 64 is virtio-mem's, from 128 of it to 64; with virtio-mem = no it is the balloon's. */
static void test_virtio_mem(void **state)
{
	struct scene *scene = *state;

	have_virtio_mem(scene, 128);
	vm_plan_make(&scene->input, &scene->plan);
	assert_true(scene->plan.step_valid);
	assert_int_equal(scene->plan.step.device, RESIZE_VIRTIO_MEM);
	assert_int_equal(scene->plan.step.to_pages, 64 * MIB);
	assert_true(
		g_str_has_prefix(scene->plan.resize_sentence,
				 "shrink from 384 to 320 MiB by the virtio-mem (128 to 64 MiB of it): one "
				 "step towards the goal; goal 72 MiB"));
	vm_plan_clear(&scene->plan);
	scene->settings.virtio_mem = FALSE;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.step.device, RESIZE_BALLOON);
	assert_int_equal(scene->plan.step.to_pages, 192 * MIB);
}

/* A step of 63 and blocks of 2: 62 is what is asked for, and what the plan remembers as its target. */
static void test_rounded(void **state)
{
	struct scene *scene = *state;

	have_virtio_mem(scene, 128);
	scene->settings.shrink_step = 63u << 20;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.target_pages, 322 * MIB);
	assert_int_equal(scene->plan.resize_next.target_pages, 322 * MIB);
}

/*
 * A block of 128 is more than a step, and the balloon already stands at the floor of 64: nothing can be done, which is said,
 * and the guest is to stay at its 192.
 */
static void test_no_step(void **state)
{
	struct scene *scene = *state;

	have_virtio_mem(scene, 128);
	scene->virtio_mem.block_pages = 128 * MIB;
	scene->input.devices.balloon_pages = 64 * MIB;
	scene->input.resize.current_pages = 192 * MIB;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_SHRINK);
	assert_false(scene->plan.step_valid);
	assert_int_equal(scene->plan.resize_next.target_pages, 192 * MIB);
	assert_true(g_str_has_prefix(scene->plan.resize_sentence,
				     "keep 192 MiB: no device can do what is wanted; one step"));
}

/* What a plan leaves alone tells no device anything. */
static void test_keeps(void **state)
{
	struct scene *scene = *state;

	scene->input.resize.windows = 5;
	vm_plan_make(&scene->input, &scene->plan);
	assert_false(scene->plan.step_valid);
}

/* A host that leaves it 385 while it has 384, and under pressure wants more: of blocks of 2 none fits. */
static void test_ceiling(void **state)
{
	struct scene *scene = *state;

	have_virtio_mem(scene, 128);
	scene->input.host = (struct vm_host_part){ .limited = TRUE, .limit_pages = 385 * MIB };
	scene->input.resize.working_set_pages = 500 * MIB;
	scene->settings.dead_band = 0;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.resize.reason, RESIZE_GROW);
	assert_false(scene->plan.step_valid);
	vm_plan_clear(&scene->plan);
	scene->input.host.limit_pages = 386 * MIB;
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.step.to_pages, 130 * MIB);
}

/*
 * Of 500 MiB of holes 128 are not plugged of the 512 that it can have; so of its 384 372 are not on the host. Its goal is 72:
 * of the 312 that it would give nothing is there to be given. With 200 holes 72 are not there, and 240 are.
 */
static void test_free_page_reporting(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(vm_reported_pages(500, 384, 512), 372);
	assert_int_equal(vm_reported_pages(100, 384, 512), 0);
	assert_int_equal(vm_reported_pages(100, 384, 384), 100);
	have_virtio_mem(scene, 128);
	scene->input.free_page_reporting = TRUE;
	scene->input.reported_pages = vm_reported_pages(500 * MIB, 384 * MIB, 512 * MIB);
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.frees_pages, 0);
	vm_plan_clear(&scene->plan);
	scene->input.reported_pages = vm_reported_pages(200 * MIB, 384 * MIB, 512 * MIB);
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.frees_pages, 240 * MIB);
	assert_non_null(
		strstr(scene->plan.resize_sentence,
		       "; free page reporting: 72.0 MiB of what it has are not on the host, so at its "
		       "goal the host has 240.0 MiB more"));
}

/*
 * Windows of 2 s: idle for 4 s is an age of 2, so ages 0 and 1 are hot; idle for 20 s is an age of 10. With
 * windows longer than cold-age an age of 1 is cold and only 0 is hot.
 */
static void test_placement_ages(void **state)
{
	struct scene *scene = *state;

	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.placement.hot_age, 1);
	assert_int_equal(scene->plan.placement.cold_age, 10);
	assert_null(strstr(scene->plan.placement_sentence, "NUMA balancing"));
	vm_plan_clear(&scene->plan);

	memset(&scene->ring, 0, sizeof(scene->ring));
	window_ring_add(&scene->ring, 60.0);
	vm_plan_make(&scene->input, &scene->plan);
	assert_int_equal(scene->plan.placement.hot_age, 0);
	assert_int_equal(scene->plan.placement.cold_age, 1);
}

/* No placement before the windows have lasted hot-age: every page would be hot. Nor where it is switched off.
 */
static void test_no_placement(void **state)
{
	struct scene *scene = *state;

	memset(&scene->ring, 0, sizeof(scene->ring));
	window_ring_add(&scene->ring, 2.0);
	vm_plan_make(&scene->input, &scene->plan);
	assert_false(scene->plan.placement_valid);
	assert_string_equal(scene->plan.placement_sentence,
			    "no page moves: the windows so far are shorter than hot-age");
	vm_plan_clear(&scene->plan);

	scene->settings.moves = FALSE;
	vm_plan_make(&scene->input, &scene->plan);
	assert_string_equal(scene->plan.placement_sentence, "no page moves: moves = no");
	vm_plan_clear(&scene->plan);

	scene->settings.moves = TRUE;
	scene->input.no_placement = "the host has one node";
	vm_plan_make(&scene->input, &scene->plan);
	assert_string_equal(scene->plan.placement_sentence, "no page moves: the host has one node");
}

/* The kernel's NUMA balancing hides cold pages: the sentence says so, and what to do. */
static void test_numa_balancing(void **state)
{
	struct scene *scene = *state;

	scene->input.numa_balancing = TRUE;
	vm_plan_make(&scene->input, &scene->plan);
	assert_true(scene->plan.placement_valid);
	assert_non_null(strstr(scene->plan.placement_sentence, "set kernel.numa_balancing = 0"));
}

/* Mode observe plans nothing at all. */
static void test_observe(void **state)
{
	struct scene *scene = *state;

	scene->settings.mode = VM_MODE_OBSERVE;
	vm_plan_make(&scene->input, &scene->plan);
	assert_false(scene->plan.resize_valid);
	assert_false(scene->plan.placement_valid);
	assert_string_equal(scene->plan.resize_sentence, "no resizing: mode = observe");
}

/*
 * Counters since boot become pressure since the last window: 100 - 60 pages, 0.5 s of 2 s stalled. The first
 * update has nothing to compare with, and after a reboot the counters begin anew: neither is pressure.
 */
static void test_pressure(void **state)
{
	struct vm_pressure_meter meter = { 0 };
	struct vm_pressure_meter now = { .time_seconds = 10,
					 .swap_in_pages = 60,
					 .memory_stall_us = 1000000 };
	struct guest_pressure pressure = vm_pressure_meter_update(&meter, &now);

	assert_int_equal(pressure.swap_in_pages, 0);
	now = (struct vm_pressure_meter){
		.time_seconds = 12, .swap_in_pages = 100, .oom_kills = 1, .memory_stall_us = 1500000
	};
	pressure = vm_pressure_meter_update(&meter, &now);
	assert_int_equal(pressure.swap_in_pages, 40);
	assert_int_equal(pressure.oom_kills, 1);
	assert_true(pressure.memory_stall_share == 0.25);
	now = (struct vm_pressure_meter){ .time_seconds = 14, .swap_in_pages = 3 };
	pressure = vm_pressure_meter_update(&meter, &now);
	assert_int_equal(pressure.swap_in_pages, 0);
	assert_true(pressure.memory_stall_share == 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shrink, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_kept, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_settling, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_veto, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_yield, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_strained, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_backoff, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_no_resize, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_virtio_mem, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_rounded, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_no_step, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_keeps, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_ceiling, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_free_page_reporting, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_placement_ages, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_no_placement, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_numa_balancing, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_observe, open_scene, close_scene),
		cmocka_unit_test(test_pressure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
