/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_idle_observer.c - an observer's scans and the memory layout, on the module of idle_module.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "idle_module.h"
#include "idle_observer.h"
#include "proc_folder.h"

#define PID	   4711
#define PAGES	   (G_GUINT64_CONSTANT(6) * 512)
#define BLOCK_SIZE (G_GUINT64_CONSTANT(1) << VMHEAT_IDLE_BITMAP_BLOCK_SHIFT)

struct bench {
	struct proc_folder folder;
	struct idle_observer *observer;
};

static int open_bench(void **state)
{
	struct bench *bench = g_new0(struct bench, 1);

	memset(&module, 0, sizeof(module));
	proc_folder_new(&bench->folder, PID);
	bench->observer = idle_observer_new(bench->folder.proc, PID, NULL);
	assert_non_null(bench->observer);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	idle_observer_free(bench->observer);
	proc_folder_free(&bench->folder);
	g_free(bench);
	return 0;
}

/*
 * Six blocks by calls of two: what is written, counted and measured is as if it had been one. The fourth block is scanned
 * first 3 s ago, the others 5 s ago, and has the second page of 1536 touched since.
 */
static void test_resumes(void **state)
{
	struct bench *bench = *state;
	guint64 accessed[6 * 8], present[6 * 8];
	guint8 leaves[6];
	struct vmheat_idle_scan all = { .start = 0, .end = 6 * BLOCK_SIZE };
	struct vmheat_idle_scan one = { .start = 3 * BLOCK_SIZE, .end = 4 * BLOCK_SIZE };

	module_touch(0, PAGES);
	assert_true(idle_observer_scan(bench->observer, &all, NULL));
	assert_int_equal(module.calls, 1);
	assert_int_equal(all.pages_first, PAGES);
	assert_int_equal(all.window_max_ns, 0);
	module.now = 2000;
	assert_true(idle_observer_scan(bench->observer, &one, NULL));
	module.now = 5000;
	module_touch(1537, 1);

	module.calls = 0;
	module.blocks_a_call = 2;
	memset(accessed, 0x5a, sizeof(accessed));
	all = (struct vmheat_idle_scan){ .end = 6 * BLOCK_SIZE,
					 .accessed = (uintptr_t)accessed,
					 .present = (uintptr_t)present,
					 .leaves = (uintptr_t)leaves };
	assert_true(idle_observer_scan(bench->observer, &all, NULL));
	assert_int_equal(module.calls, 3);
	assert_int_equal(all.next, 6 * BLOCK_SIZE);
	assert_int_equal(all.window_min_ns, 3000);
	assert_int_equal(all.window_max_ns, 5000);
	assert_int_equal(all.pages_present, PAGES);
	assert_int_equal(all.pages_accessed, 1);
	assert_int_equal(all.pages_first, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(accessed); i++) {
		assert_int_equal(accessed[i], i == 24 ? 2 : 0);
		assert_int_equal(present[i], G_MAXUINT64);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++)
		assert_int_equal(leaves[i], VMHEAT_IDLE_LEAF_GUEST_4K);
}

/* A module that does not get on is not asked for ever. */
static void test_no_progress(void **state)
{
	struct bench *bench = *state;
	struct vmheat_idle_scan scan = { .end = BLOCK_SIZE };
	g_autoptr(GError) error = NULL;

	module.stuck = true;
	assert_false(idle_observer_scan(bench->observer, &scan, &error));
	assert_true(g_error_matches(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_FAILED));
}

/* An empty scan says whether the process lives, and disturbs nothing. */
static void test_check(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;

	assert_true(idle_observer_check(bench->observer, NULL));
	module.error = ESRCH;
	assert_false(idle_observer_check(bench->observer, &error));
	assert_true(g_error_matches(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_GONE));
	assert_string_equal(error->message, "process 4711 has ended or begun another program");
}

/* What the module refuses is said in words, other errors in the system's. */
static void test_errors(void **state)
{
	static const struct {
		int number;
		enum idle_observer_error code;
		const char *message;
	} cases[] = {
		{ ENOTTY, IDLE_OBSERVER_ERROR_UNAVAILABLE,
		  "/4711/idle_bitmap: the kvm_idle that is loaded is older than this program" },
		{ E2BIG, IDLE_OBSERVER_ERROR_UNAVAILABLE, "is older than this program" },
		{ EOPNOTSUPP, IDLE_OBSERVER_ERROR_UNAVAILABLE,
		  "process 4711 has a VM of a KVM that kvm_idle does not know: see the kernel's log" },
		{ ESRCH, IDLE_OBSERVER_ERROR_GONE, "process 4711 has ended or begun another program" },
		{ ENOMEM, IDLE_OBSERVER_ERROR_FAILED, "/4711/idle_bitmap: Cannot allocate memory" },
	};
	struct bench *bench = *state;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct vmheat_idle_scan scan = { .end = BLOCK_SIZE };
		g_autoptr(GError) scan_error = NULL, slots_error = NULL;

		module.error = cases[i].number;
		assert_false(idle_observer_scan(bench->observer, &scan, &scan_error));
		assert_true(g_error_matches(scan_error, IDLE_OBSERVER_ERROR, (gint)cases[i].code));
		assert_non_null(strstr(scan_error->message, cases[i].message));
		assert_null(idle_observer_memslots(bench->observer, &slots_error));
		assert_string_equal(slots_error->message, scan_error->message);
	}
}

static void assert_open_fails(const char *proc, pid_t pid, enum idle_observer_error code, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(idle_observer_new(proc, pid, &error));
	assert_true(g_error_matches(error, IDLE_OBSERVER_ERROR, (gint)code));
	assert_non_null(strstr(error->message, message));
}

/* No process and no module are two different things, and the second says what to do. */
static void test_open_fails(void **state)
{
	struct bench *bench = *state;

	assert_open_fails(bench->folder.proc, PID + 1, IDLE_OBSERVER_ERROR_GONE, "process 4712 has ended");
	assert_int_equal(g_remove(bench->folder.file), 0);
	assert_open_fails(
		bench->folder.proc, PID, IDLE_OBSERVER_ERROR_UNAVAILABLE,
		"/4711/idle_bitmap is missing: load the module that makes it with \"modprobe kvm_idle\"");
}

/* All slots come, also when there are more than there was room for, and more again by the next call. */
static void test_memslots(void **state)
{
	struct bench *bench = *state;
	GArray *slots = idle_observer_memslots(bench->observer, NULL);

	assert_int_equal(slots->len, 0);
	g_array_unref(slots);
	for (guint i = 0; i < MODULE_SLOTS; i++)
		module.slots[i] = (struct vmheat_idle_memslot){ .gfn = i, .pages = 1 };
	module.calls = 0;
	module.slot_count = 40;
	module.slots_grow = 10;
	slots = idle_observer_memslots(bench->observer, NULL);
	assert_int_equal(module.calls, 3);
	assert_int_equal(slots->len, 50);
	for (guint i = 0; i < slots->len; i++)
		assert_int_equal(g_array_index(slots, struct vmheat_idle_memslot, i).gfn, i);
	g_array_unref(slots);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_resumes), BENCH_TEST(test_no_progress), BENCH_TEST(test_check),
		BENCH_TEST(test_errors),  BENCH_TEST(test_open_fails),	BENCH_TEST(test_memslots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
