/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_variant.c - a snapshot as D-Bus shows it: bytes, seconds, and nothing that is not known
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vm_pages.h"
#include "vm_variant.h"

#define PAGE G_GUINT64_CONSTANT(4096)

static struct vm_settings settings;

static int read_settings(void **state)
{
	struct config *config = config_new();

	settings = config->defaults;
	config_unref(config);
	return 0;
}

static guint64 number(GVariant *dict, const char *key)
{
	guint64 value;

	if (!g_variant_lookup(dict, key, "t", &value))
		fail_msg("%s is missing", key);
	return value;
}

static void assert_text(GVariant *dict, const char *key, const char *wanted)
{
	const char *value;

	if (!g_variant_lookup(dict, key, "&s", &value))
		fail_msg("%s is missing", key);
	assert_string_equal(value, wanted);
}

static GVariant *full(const struct vm_snapshot *snapshot)
{
	return g_variant_ref_sink(vm_variant_full(snapshot, &settings, NULL, 10000000));
}

/* Before anything is known: identity, state and settings, but no figure. */
static void test_new_vm(void **state)
{
	struct vm_snapshot *snapshot = vm_snapshot_new("lazy", "u-u-i-d");
	static const char *const unknown[] = {
		"pid",	     "maximum", "balloon",   "resident",  "working-set", "ages",	 "classes",
		"untouched", "windows", "window",    "histogram", "merge",	 "guest",	 "pressure",
		"plan",	     "cgroups", "placement", "last-act",  "guest-data",	 "state-reason", "quality"
	};
	GVariant *vm;

	vm = full(snapshot);
	assert_text(vm, "name", "lazy");
	assert_text(vm, "state", "starting");
	assert_text(vm, "mode", "dry-run");
	for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++) {
		GVariant *value = g_variant_lookup_value(vm, unknown[i], NULL);

		if (value != NULL)
			fail_msg("%s is shown", unknown[i]);
	}
	g_variant_unref(vm);
	vm_snapshot_unref(snapshot);
}

/* A VM with data: pages become bytes, and a figure that really is zero is shown as such. */
static void test_tracked_vm(void **state)
{
	struct vm_snapshot *snapshot = vm_snapshot_new("lazy", "u");
	GVariant *vm, *part, *steps;
	double from, age;
	guint64 bytes;

	snapshot->state = VM_STATE_TRACKING;
	snapshot->figures_valid = TRUE;
	snapshot->figures.monotonic_us = 9000000;
	snapshot->figures.windows = 3;
	snapshot->figures.working_set_pages = 5;
	snapshot->figures.working_set_host_only_pages = 0;
	snapshot->figures.histogram.pages[0] = 5;
	snapshot->figures.histogram.pages[3] = 7;
	snapshot->figures.counts.accessed_but_guest_free = 2;
	snapshot->figures.counts.large_sparse = 4;
	snapshot->figures.classes.pages[PAGE_CLASS_ANON] = 9;
	snapshot->figures.untouched_pages = 6;
	snapshot->figures.watched_seconds = 12.5;
	snapshot->figures.age_seconds[2] = 4.5;
	snapshot->figures.age_pages[0] = 1;
	snapshot->figures.age_pages[2] = 8;
	snapshot->host_source = "module";
	snapshot->memory_valid = TRUE;
	snapshot->memory.balloon_pages = 1024;
	vm = full(snapshot);

	assert_int_equal(number(vm, "working-set"), 5 * PAGE);
	assert_int_equal(number(vm, "working-set-host-only"), 0);
	assert_int_equal(number(vm, "balloon"), 1024 * PAGE);
	assert_int_equal(number(vm, "windows"), 3);
	assert_true(g_variant_lookup(vm, "data-age", "d", &age));
	assert_true(age == 1.0);
	steps = g_variant_lookup_value(vm, "histogram", G_VARIANT_TYPE("a(dt)"));
	assert_int_equal(g_variant_n_children(steps), AGE_HISTOGRAM_STEPS);
	g_variant_get_child(steps, 3, "(dt)", &from, &bytes);
	assert_true(from == 4.0); /* step 3 is 4 s to 8 s */
	assert_int_equal(bytes, 7 * PAGE);
	g_variant_unref(steps);
	part = g_variant_lookup_value(vm, "merge", G_VARIANT_TYPE_VARDICT);
	assert_int_equal(number(part, "accessed-but-guest-free"), 2 * PAGE);
	assert_int_equal(number(part, "large-sparse"), UINT64_C(2048) * PAGE);
	g_variant_unref(part);
	part = g_variant_lookup_value(vm, "classes", G_VARIANT_TYPE_VARDICT);
	assert_int_equal(g_variant_n_children(part), PAGE_CLASSES);
	assert_int_equal(number(part, "cold-anon"), 9 * PAGE);
	assert_int_equal(number(part, "hot"), 0);
	g_variant_unref(part);
	assert_int_equal(number(vm, "untouched"), 6 * PAGE);
	assert_true(g_variant_lookup(vm, "watched", "d", &age));
	assert_true(age == 12.5);
	/* Ages that no page has are left out. */
	steps = g_variant_lookup_value(vm, "ages", G_VARIANT_TYPE("a(dt)"));
	assert_int_equal(g_variant_n_children(steps), 2);
	g_variant_get_child(steps, 1, "(dt)", &from, &bytes);
	assert_true(from == 4.5);
	assert_int_equal(bytes, 8 * PAGE);
	g_variant_unref(steps);
	g_variant_unref(vm);
	vm_snapshot_unref(snapshot);
}

/*
 * A guest of 1024 pages of boot memory, 1000 of them left, and two virtio-mem devices, 16 and 0 pages plugged: 1016 in all;
 * of these 100 are not on the host. Its plan is virtio-mem's.
 */
static void test_devices(void **state)
{
	struct vm_snapshot *snapshot = vm_snapshot_new("lazy", "u-u-i-d");
	struct domain_memory *memory = &snapshot->memory;
	GVariant *vm, *part, *device;
	guint32 guest_node;

	snapshot->memory_valid = snapshot->figures_valid = TRUE;
	snapshot->maximum_pages = 1120;
	snapshot->free_page_reporting = TRUE;
	snapshot->reported_pages = 100;
	memory->balloon_pages = 1000;
	memory->virtio_mem_count = 2;
	for (guint i = 0; i < 2; i++) {
		memory->virtio_mems[i] = (struct virtio_mem){ .node = i };
		g_strlcpy(memory->virtio_mems[i].alias, i ? "b" : "a", VIRTIO_MEM_ALIAS_MAX);
		memory->virtio_mems[i].size = (struct virtio_mem_size){
			.block_pages = 8, .size_pages = 48, .requested_pages = 24, .current_pages = i ? 0 : 16
		};
	}
	snapshot->resize_sentence = g_strdup("shrink");
	snapshot->resize_valid = snapshot->step_valid = TRUE;
	snapshot->step.device = RESIZE_VIRTIO_MEM;
	snapshot->frees_pages = 7;
	vm = full(snapshot);
	assert_int_equal(number(vm, "size"), 1016 * PAGE);
	assert_int_equal(number(vm, "balloon"), 1000 * PAGE);
	assert_int_equal(number(vm, "maximum"), 1120 * PAGE);
	assert_int_equal(number(vm, "not-on-host"), 100 * PAGE);
	part = g_variant_lookup_value(vm, "virtio-mem", G_VARIANT_TYPE("aa{sv}"));
	assert_int_equal(g_variant_n_children(part), 2);
	device = g_variant_get_child_value(part, 0);
	assert_text(device, "alias", "a");
	assert_int_equal(number(device, "plugged"), 16 * PAGE);
	assert_int_equal(number(device, "requested"), 24 * PAGE);
	assert_int_equal(number(device, "maximum"), 48 * PAGE);
	assert_int_equal(number(device, "block"), 8 * PAGE);
	g_variant_unref(device);
	device = g_variant_get_child_value(part, 1);
	assert_true(g_variant_lookup(device, "node", "u", &guest_node) && guest_node == 1);
	g_variant_unref(device);
	g_variant_unref(part);
	part = g_variant_lookup_value(vm, "plan", G_VARIANT_TYPE_VARDICT);
	assert_text(part, "device", "virtio-mem");
	assert_int_equal(number(part, "frees"), 7 * PAGE);
	g_variant_unref(part);
	g_variant_unref(vm);

	/* Without: no such keys. */
	snapshot->free_page_reporting = FALSE;
	memory->virtio_mem_count = 0;
	snapshot->step_valid = FALSE;
	vm = full(snapshot);
	assert_null(g_variant_lookup_value(vm, "virtio-mem", NULL));
	assert_null(g_variant_lookup_value(vm, "not-on-host", NULL));
	part = g_variant_lookup_value(vm, "plan", G_VARIANT_TYPE_VARDICT);
	assert_null(g_variant_lookup_value(part, "device", NULL));
	g_variant_unref(part);
	g_variant_unref(vm);
	vm_snapshot_unref(snapshot);
}

/* A text from outside that is not UTF-8 does not break the message. */
static void test_foreign_text(void **state)
{
	struct vm_snapshot *snapshot = vm_snapshot_new("lazy", "u");
	GVariant *vm;

	snapshot->state_reason = g_strdup("its agent reports: \xff");
	vm = full(snapshot);
	assert_text(vm, "state-reason", "its agent reports: \xef\xbf\xbd");
	g_variant_unref(vm);
	vm_snapshot_unref(snapshot);
}

/* Cgroups in bytes; the one that stands for all others is called so, one without a name has none. */
static void test_cgroups(void **state)
{
	struct vm_snapshot *snapshot = vm_snapshot_new("lazy", "u");
	const struct guest_cgroup cgroups[] = {
		{ .pages = { .id = 9,
			     .idle_anon_pages = 1,
			     .idle_file_pages = 2,
			     .idle_unmapped_pages = 1,
			     .accessed_anon_pages = 3,
			     .accessed_file_pages = 4,
			     .unknown_pages = 5 },
		  .path = "/a" },
		{ .pages = { .id = 10 } },
		{ .pages = { .id = 0, .unknown_pages = 6 } },
	};
	GVariant *vm, *part, *array;

	snapshot->agent.answered = TRUE;
	snapshot->agent.capabilities = VMHEAT_GUEST_HAS_LRU_GEN;
	snapshot->agent.end.flags = VMHEAT_SCAN_OVER_BUDGET;
	snapshot->agent.cgroups = g_array_new(FALSE, FALSE, sizeof(cgroups[0]));
	g_array_append_vals(snapshot->agent.cgroups, cgroups, G_N_ELEMENTS(cgroups));
	vm = full(snapshot);
	array = g_variant_lookup_value(vm, "cgroups", G_VARIANT_TYPE("aa{sv}"));
	assert_int_equal(g_variant_n_children(array), 3);
	part = g_variant_get_child_value(array, 0);
	assert_text(part, "path", "/a");
	assert_int_equal(number(part, "id"), 9);
	assert_int_equal(number(part, "idle"), 3 * PAGE);
	assert_int_equal(number(part, "idle-anon"), 1 * PAGE);
	assert_int_equal(number(part, "idle-file"), 2 * PAGE);
	assert_int_equal(number(part, "idle-unmapped"), 1 * PAGE);
	assert_int_equal(number(part, "accessed-anon"), 3 * PAGE);
	assert_int_equal(number(part, "accessed-file"), 4 * PAGE);
	assert_int_equal(number(part, "unknown"), 5 * PAGE);
	g_variant_unref(part);
	part = g_variant_get_child_value(array, 1);
	assert_null(g_variant_lookup_value(part, "path", NULL));
	g_variant_unref(part);
	part = g_variant_get_child_value(array, 2);
	assert_text(part, "path", "other");
	g_variant_unref(part);
	g_variant_unref(array);
	part = g_variant_lookup_value(vm, "agent", G_VARIANT_TYPE_VARDICT);
	assert_text(part, "data", "lru_gen");
	g_variant_unref(part);
	g_variant_unref(vm);
	vm_snapshot_unref(snapshot);
}

/* The settings are those of now, each as SetVm takes it. */
static void test_settings(void **state)
{
	struct vm_snapshot *snapshot = vm_snapshot_new("lazy", "u");
	GVariant *vm, *table;
	const char *value;

	vm = full(snapshot);
	table = g_variant_lookup_value(vm, "settings", G_VARIANT_TYPE("a{ss}"));
	assert_int_equal(g_variant_n_children(table), vm_setting_count);
	assert_true(g_variant_lookup(table, "floor", "&s", &value));
	assert_string_equal(value, "512MiB");
	g_variant_unref(table);
	g_variant_unref(vm);
	vm_snapshot_unref(snapshot);
}

/* An act shows a resize only if one was asked for, and moves only if there were to be any. */
static void test_act(void **state)
{
	struct vm_act act = { .real_us = 5000000,
			      .resize_asked = TRUE,
			      .step = { .device = RESIZE_VIRTIO_MEM, .from_pages = 9, .to_pages = 8 } };
	GVariant *done = g_variant_ref_sink(vm_variant_act(&act));

	assert_text(done, "device", "virtio-mem");
	assert_int_equal(number(done, "from"), 9 * PAGE);
	assert_int_equal(number(done, "to"), 8 * PAGE);
	assert_null(g_variant_lookup_value(done, "moved", NULL));
	g_variant_unref(done);

	act = (struct vm_act){ .moves_done = TRUE, .moves = { .moved = 3, .refused = 1 } };
	done = g_variant_ref_sink(vm_variant_act(&act));
	assert_int_equal(number(done, "moved"), 3 * PAGE);
	assert_int_equal(number(done, "refused"), PAGE);
	assert_null(g_variant_lookup_value(done, "to", NULL));
	g_variant_unref(done);
}

/* The structure of a run is the serial form of its tuple: each field is read back where it was written. */
static void test_runs(void **state)
{
	const struct vm_run runs[] = { { .gfn = 1, .vpn = 2, .pages = 3, .age = 4 },
				       { .gfn = 5, .vpn = 6, .pages = 7, .age = 255 } };
	GArray *array = g_array_new(FALSE, FALSE, sizeof(struct vm_run));
	GVariant *variant;
	guint64 gfn, vpn, pages;
	guint8 age;

	g_array_append_vals(array, runs, 2);
	variant = g_variant_ref_sink(vm_variant_runs(array));
	assert_string_equal(g_variant_get_type_string(variant), "a(ttty)");
	assert_true(g_variant_is_normal_form(variant));
	assert_int_equal(g_variant_n_children(variant), 2);
	g_variant_get_child(variant, 1, "(ttty)", &gfn, &vpn, &pages, &age);
	assert_int_equal(gfn, 5);
	assert_int_equal(vpn, 6);
	assert_int_equal(pages, 7);
	assert_int_equal(age, 255);
	g_variant_unref(variant);
	g_array_unref(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_vm),	     cmocka_unit_test(test_tracked_vm),
		cmocka_unit_test(test_foreign_text), cmocka_unit_test(test_settings),
		cmocka_unit_test(test_act),	     cmocka_unit_test(test_runs),
		cmocka_unit_test(test_cgroups),	     cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, read_settings, NULL);
}
