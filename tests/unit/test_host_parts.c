/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_host_parts.c - whose memory a short host takes
 *
 * Two VMs of 256 MiB each: the first uses 16 MiB of them, the second 256. The host has 1000 MiB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "host_parts.h"

#define MIB UINT64_C(256) /* in pages */

struct scene {
	struct daemon_settings daemon;
	struct vm_settings settings[2];
	struct vm_snapshot snapshots[2];
	struct host_payer payers[2];
	struct host_state host;
};

static struct scene *scene_new(void)
{
	struct scene *scene = g_new0(struct scene, 1);

	setting_set_standards(daemon_setting_table, daemon_setting_count, &scene->daemon);
	scene->daemon.host_free = 20;
	scene->host = (struct host_state){ .total_pages = 1000 * MIB, .available_pages = 200 * MIB };
	for (int i = 0; i < 2; i++) {
		setting_set_standards(vm_setting_table, vm_setting_count, &scene->settings[i]);
		scene->settings[i].mode = VM_MODE_ACT;
		scene->settings[i].floor = 64 << 20;
		scene->snapshots[i] = (struct vm_snapshot){ .state = VM_STATE_TRACKING,
							    .has_balloon = TRUE,
							    .memory_valid = TRUE,
							    .figures_valid = TRUE,
							    .maximum_pages = 256 * MIB };
		scene->snapshots[i].figures.windows = scene->settings[i].settle_windows;
		scene->snapshots[i].memory.balloon_pages = 256 * MIB;
		scene->snapshots[i].figures.working_set_estimate_pages = i ? 256 * MIB : 16 * MIB;
		scene->payers[i] = (struct host_payer){ .snapshot = &scene->snapshots[i],
							.settings = &scene->settings[i] };
	}
	return scene;
}

static void scene_free(struct scene *scene)
{
	g_free(scene->daemon.libvirt_uri);
	g_free(scene->daemon.state_directory);
	g_free(scene);
}

/* 200 of 1000 MiB are available, as they shall be: nobody shrinks, and as nothing is to spare nobody grows. */
static void test_enough(void **state)
{
	struct scene *scene = scene_new();

	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(scene->payers[i].part.short_pages, 0);
		assert_int_equal(scene->payers[i].part.limit_pages, 256 * MIB);
		assert_false(scene->payers[i].part.limited);
	}
	scene->snapshots[0].memory.balloon_pages = 100 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_true(scene->payers[0].part.limited);
	assert_int_equal(scene->payers[0].part.limit_pages, 100 * MIB);
	scene->host.available_pages = 1000 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_false(scene->payers[0].part.limited);
	scene_free(scene);
}

/* 50 MiB too few: the idle VM gives them all; its part says why. */
static void test_short(void **state)
{
	struct scene *scene = scene_new();

	scene->host.available_pages = 150 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_true(scene->payers[0].part.limited);
	assert_int_equal(scene->payers[0].part.limit_pages, 206 * MIB);
	assert_int_equal(scene->payers[0].part.short_pages, 50 * MIB);
	assert_int_equal(scene->payers[0].part.idle_pages, 240 * MIB);
	assert_int_equal(scene->payers[0].part.shares, 1000);
	assert_int_equal(scene->payers[1].part.limit_pages, 256 * MIB);
	scene_free(scene);
}

/*
 * 200 MiB too few: the idle VM keeps 72 and the other 240, as 16 + 4 * (72 - 16) = 240. 300 too few: it would keep 52,
 * but has a floor of 64; the other gives the rest.
 */
static void test_floor(void **state)
{
	struct scene *scene = scene_new();

	scene->host.available_pages = 0;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_int_equal(scene->payers[0].part.limit_pages, 72 * MIB);
	assert_int_equal(scene->payers[1].part.limit_pages, 240 * MIB);
	scene->daemon.host_free = 30;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_int_equal(scene->payers[0].part.limit_pages, 64 * MIB);
	assert_int_equal(scene->payers[1].part.limit_pages, 148 * MIB);
	scene_free(scene);
}

/* The idle VM is in dry-run: it is told what it would give, and the other gives all 50 MiB as if there was no idle one. */
static void test_dry_run(void **state)
{
	struct scene *scene = scene_new();

	scene->settings[0].mode = VM_MODE_DRY_RUN;
	scene->host.available_pages = 150 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_int_equal(scene->payers[0].part.limit_pages, 206 * MIB);
	assert_int_equal(scene->payers[1].part.limit_pages, 206 * MIB);
	scene_free(scene);
}

/* Stalls alone, above host-stall = 10%: a hundredth of 1000 MiB, though enough seems to be available. */
static void test_stalls(void **state)
{
	struct scene *scene = scene_new();

	scene->host.available_pages = 900 * MIB;
	scene->host.stall_share = 0.11;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_int_equal(scene->payers[0].part.limit_pages, 246 * MIB);
	scene_free(scene);
}

/*
 * The idle VM has free page reporting, and 150 of its 256 MiB are not on the host: it has 106 there, 90 of them idle. 50 MiB
 * too few: it keeps 72 and the other 240, as 16 + 4 * (72 - 16) = 240, and 106 - 72 + 256 - 240 = 50. Counted as if all of
 * its 256 were there, it would give 50 of them, which the host does not get. With 200 not on the host it has less there than
 * its floor: it pays nothing, and keeps its size.
 */
static void test_free_page_reporting(void **state)
{
	struct scene *scene = scene_new();

	scene->host.available_pages = 150 * MIB;
	scene->snapshots[0].reported_pages = 150 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_int_equal(scene->payers[0].part.limit_pages, 72 * MIB);
	assert_int_equal(scene->payers[0].part.idle_pages, 90 * MIB);
	assert_int_equal(scene->payers[1].part.limit_pages, 240 * MIB);
	scene->snapshots[0].reported_pages = 200 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_int_equal(scene->payers[0].part.limit_pages, 256 * MIB);
	assert_int_equal(scene->payers[1].part.limit_pages, 206 * MIB);
	scene->host.available_pages = 1000 * MIB;
	host_parts_divide(&scene->daemon, &scene->host, scene->payers, 2);
	assert_false(scene->payers[0].part.limited);
	scene_free(scene);
}

/* Who is watched only, has no balloon, no data yet, or too few windows of them, pays nothing. */
static void test_who_counts(void **state)
{
	struct scene *scene = scene_new();
	struct vm_snapshot *snapshot = &scene->snapshots[0];
	struct vm_settings *settings = &scene->settings[0];

	assert_true(host_parts_counts(snapshot, settings));
	settings->mode = VM_MODE_OBSERVE;
	assert_false(host_parts_counts(snapshot, settings));
	settings->mode = VM_MODE_DRY_RUN;
	settings->balloon = FALSE;
	assert_false(host_parts_counts(snapshot, settings));
	settings->balloon = TRUE;
	snapshot->has_balloon = FALSE;
	assert_false(host_parts_counts(snapshot, settings));
	snapshot->memory.virtio_mem_count = 1;
	assert_true(host_parts_counts(snapshot, settings));
	settings->virtio_mem = FALSE;
	assert_false(host_parts_counts(snapshot, settings));
	snapshot->memory.virtio_mem_count = 0;
	snapshot->has_balloon = TRUE;
	snapshot->figures_valid = FALSE;
	assert_false(host_parts_counts(snapshot, settings));
	snapshot->figures_valid = TRUE;
	snapshot->memory_valid = FALSE;
	assert_false(host_parts_counts(snapshot, settings));
	snapshot->memory_valid = TRUE;
	snapshot->figures.windows--;
	assert_false(host_parts_counts(snapshot, settings));
	snapshot->figures.windows++;
	snapshot->state = VM_STATE_ENDED;
	assert_false(host_parts_counts(snapshot, settings));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_who_counts),
		cmocka_unit_test(test_free_page_reporting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
