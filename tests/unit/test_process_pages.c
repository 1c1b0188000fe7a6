/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_process_pages.c - the pages of a process, on a /proc of regular files and the module of idle_module.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "idle_module.h"
#include "../../daemon/ctl/process_pages.h"

#define PID 4711

/* Fields 3 to 22, of which the state and the flags matter. */
#define STAT(state, flags) "4711 (a) b) " state " 1 1 1 0 -1 " flags " 5 6 7 8 9 10 11 12 20 0 1 0 2888 99\n"

/*
 * Pages 0x64 to 0x8f; 0x90 to 0x9f, which share a word with them; 0x1ff, the last of their block; far away 0x1f0ff to
 * 0x20fff, with borders of blocks in it; and the kernel's page.
 */
#define MAPS                                                                                                 \
	"00064000-00090000 r-xp 00001000 08:01 1234                       /usr/bin/a b (deleted)\n"          \
	"00090000-000a0000 rw-p 00000000 00:00 0 \n"                                                         \
	"001ff000-00200000 rw-p 00000000 00:00 0                          [stack]\n"                         \
	"1f0ff000-21000000 rw-s 00000000 00:01 77                         /memfd:ram (deleted)\n"            \
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"

struct bench {
	char *proc;
};

static char *path_of(const struct bench *bench, const char *file)
{
	return g_strdup_printf("%s/%d/%s", bench->proc, PID, file);
}

static void write_file(const struct bench *bench, const char *file, const char *text)
{
	g_autofree char *path = path_of(bench, file);

	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static int open_bench(void **state)
{
	struct bench *bench = g_new0(struct bench, 1);
	g_autofree char *directory = NULL;

	memset(&module, 0, sizeof(module));
	bench->proc = g_dir_make_tmp("vmheat-XXXXXX", NULL);
	assert_non_null(bench->proc);
	directory = path_of(bench, "");
	assert_int_equal(g_mkdir(directory, 0700), 0);
	write_file(bench, "idle_bitmap", "");
	write_file(bench, "maps", MAPS);
	write_file(bench, "comm", "a) b\n");
	write_file(bench, "stat", STAT("S", "4194560"));
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	static const char *const names[] = { "idle_bitmap", "maps", "comm", "stat", "" };
	struct bench *bench = *state;

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = path_of(bench, names[i]);

		(void)g_remove(path);
	}
	(void)g_remove(bench->proc);
	g_free(bench->proc);
	g_free(bench);
	return 0;
}

static void assert_open_fails(const struct bench *bench, const char *reason)
{
	g_autoptr(GError) error = NULL;

	assert_null(process_pages_open(bench->proc, PID, &error));
	assert_non_null(error);
	if (strstr(error->message, reason) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", reason, error->message);
}

static void assert_mapping(const struct process_report *report, guint number, const char *permissions,
			   const char *name, guint64 resident, guint64 idle, guint64 coarse)
{
	const struct process_mapping *mapping =
		&g_array_index(report->mappings, struct process_mapping, number);

	assert_string_equal(mapping->permissions, permissions);
	assert_string_equal(mapping->name, name);
	assert_int_equal(mapping->resident, resident);
	assert_int_equal(mapping->idle, idle);
	assert_int_equal(mapping->coarse, coarse);
}

/*
 * Pages that share words and blocks between mappings are each counted where they are: of the text's 0x64 to 0x8f, 4 are
 * resident and 1 of them touched; of the anonymous 0x90 to 0x9f, 16 and 2; the last of the block, touched; of the shared
 * 0x1f0ff to 0x20fff, 200 around the border of blocks 0x20000 and 10 touched, and a large leaf of 512, touched. What is
 * in the blocks but in no mapping is not counted.
 */
static void test_counts(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	struct process_report *report;

	assert_non_null(pages);
	module_touch(0x8c, 4 + 16);
	module_touch(0xa0, 0x15f);
	module_touch(0x1ff, 1);
	module_touch(0x1f000, 0xff);
	module_touch(0x20000 - 100, 200);
	module_set_large(0x20200, TRUE);
	assert_true(process_pages_mark(pages, NULL));
	module_touch(0x8f, 2);
	module_touch(0x9f, 0x161);
	module_touch(0x1f0fe, 1);
	module_touch(0x20000, 10);
	module_touch(0x20210, 1);
	assert_true(process_pages_check(pages, NULL));

	report = process_pages_count(pages, NULL);
	assert_non_null(report);
	assert_int_equal(report->pid, PID);
	assert_string_equal(report->name, "a) b");
	assert_int_equal(report->mappings->len, 4);
	assert_mapping(report, 0, "r-xp", "/usr/bin/a b (deleted)", 4, 3, 0);
	assert_mapping(report, 1, "rw-p", "", 16, 14, 0);
	assert_mapping(report, 2, "rw-p", "[stack]", 1, 0, 0);
	assert_mapping(report, 3, "rw-s", "/memfd:ram (deleted)", 712, 190, 512);
	process_report_free(report);
	process_pages_close(pages);
}

/*
 * A mapping of more than the 8192 blocks that are scanned at once is counted in both parts, and the one behind it. The
 * border is in the middle of the 300 blocks that have pages.
 */
static void test_long_mapping(void **state)
{
	const struct bench *bench = *state;
	const guint64 border = G_GUINT64_CONSTANT(150) * 512;
	struct process_pages *pages;
	struct process_report *report;

	module.origin = 8192 - 150;
	write_file(bench, "maps",
		   "00001000-401000000 rw-p 00000000 00:00 0 \n"
		   "401000000-401001000 rw-p 00000000 00:00 0 [stack]\n");
	pages = process_pages_open(bench->proc, PID, NULL);
	module_touch(border - 3, 8);
	module_touch(border + 4095, 3);
	assert_true(process_pages_mark(pages, NULL));
	module_touch(border - 1, 3);
	report = process_pages_count(pages, NULL);
	assert_mapping(report, 0, "rw-p", "", 9, 6, 0);
	assert_mapping(report, 1, "rw-p", "[stack]", 1, 1, 0);
	process_report_free(report);
	process_pages_close(pages);
}

/* The window is what passed between mark and count: the shortest of any page, and the longest. */
static void test_window(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	struct process_report *report;

	module_touch(0x64, 1);
	module_touch(0x20fff, 1);
	module.now_step = 10000000;
	assert_true(process_pages_mark(pages, NULL));
	module.now += 20000000000;
	module.now_step = 30000000;
	report = process_pages_count(pages, NULL);
	assert_true(report->window == 20.02);
	assert_true(report->window_longest == 20.04);
	process_report_free(report);
	process_pages_close(pages);
}

/* What ends in the window is noticed by the check, and gives no report. */
static void test_ends_in_window(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	g_autoptr(GError) checked = NULL, counted = NULL;

	assert_true(process_pages_mark(pages, NULL));
	module.error = ESRCH;
	assert_false(process_pages_check(pages, &checked));
	assert_string_equal(checked->message, "process 4711 has ended or begun another program");
	assert_null(process_pages_count(pages, &counted));
	assert_string_equal(counted->message, checked->message);
	process_pages_close(pages);
}

/* So does what ends while its pages are counted: in the second of two runs of blocks. */
static void test_ends_in_count(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	g_autoptr(GError) error = NULL;

	assert_true(process_pages_mark(pages, NULL));
	module.error = ESRCH;
	module.calls_that_do = 1;
	assert_null(process_pages_count(pages, &error));
	assert_string_equal(error->message, "process 4711 has ended or begun another program");
	process_pages_close(pages);
}

/* A process whose mappings are gone has ended too. */
static void test_no_mappings(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages;
	g_autoptr(GError) error = NULL;

	write_file(bench, "maps", "");
	pages = process_pages_open(bench->proc, PID, NULL);
	assert_false(process_pages_mark(pages, &error));
	assert_string_equal(error->message, "process 4711 has ended or begun another program");
	process_pages_close(pages);
}

/* Each reason why a process cannot be looked at is told apart. */
static void test_refused(void **state)
{
	const struct bench *bench = *state;
	g_autofree char *idle = path_of(bench, "idle_bitmap"), *stat = path_of(bench, "stat");
	g_autoptr(GError) error = NULL;

	assert_null(process_pages_open(bench->proc, PID + 1, &error));
	assert_string_equal(error->message, "there is no process 4712");
	write_file(bench, "stat", STAT("S", "2129984")); /* 0x208040 has PF_KTHREAD, 0x200000 */
	assert_open_fails(bench, "process 4711 is a kernel thread");
	write_file(bench, "stat", STAT("Z", "4194560"));
	assert_open_fails(bench, "process 4711 has ended, and waits for its parent");
	write_file(bench, "stat", "nonsense");
	assert_open_fails(bench, "stat: not understood");
	write_file(bench, "stat", STAT("S", "4194560"));
	assert_int_equal(g_remove(idle), 0);
	assert_open_fails(bench,
			  "idle_bitmap is missing: load the module that makes it with \"modprobe kvm_idle\"");
	assert_int_equal(g_remove(stat), 0);
	assert_open_fails(bench, "process 4711 has ended");
}

/* Anything but the kernel's lines is refused, and shown so that it does nothing to a terminal. */
static void test_maps_refused(void **state)
{
	static const char *const texts[] = {
		"1000-2000 rw-p 0 00:00\n",
		"1000-2000 rw-p\n",
		"1000-2000 rw- 0 00:00 0 \n",
		"1000-2000 rw-pp 0 00:00 0 \n",
		"1000 2000 rw-p 0 00:00 0 \n",
		"2000-1000 rw-p 0 00:00 0 \n",
		"1000-1000 rw-p 0 00:00 0 \n",
		"1000-2001 rw-p 0 00:00 0 \n",
		"-1000-2000 rw-p 0 00:00 0 \n",
		"10000000000001000-10000000000002000 rw-p 0 00:00 0 \n",
		"1000-3000 rw-p 0 00:00 0 \n2000-4000 rw-p 0 00:00 0 \n",
		"1000",
	};
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) reason = NULL;

		if (process_maps_parse(texts[i], &reason) != NULL || reason == NULL)
			fail_msg("'%s' was taken", texts[i]);
	}
	assert_null(process_maps_parse("\033[2J\n", &error));
	assert_string_equal(error->message, "not a line of maps: \"\\033[2J\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_long_mapping, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_window, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_ends_in_window, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_ends_in_count, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_no_mappings, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_refused, open_bench, close_bench),
		cmocka_unit_test(test_maps_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
