/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_process_pages.c - the pages of a process on a /proc of regular files
 *
 * The files are as the kernel's: idle_bitmap keeps what is written to it, the others are filled by the test. An access
 * is a bit that the test clears. Regular files never say ESRCH; like it, an empty one means that the process has ended.
 * Other errors of idle_bitmap's are made by a pwrite() of the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "../../daemon/ctl/process_pages.h"

#define PID	4711
#define PRESENT (G_GUINT64_CONSTANT(1) << 63)
#define SWAPPED (G_GUINT64_CONSTANT(1) << 62)

/* Fields 3 to 22, of which the state and the flags matter. */
#define STAT(state, flags) "4711 (a) b) " state " 1 1 1 0 -1 " flags " 5 6 7 8 9 10 11 12 20 0 1 0 2888 99\n"

/*
 * Pages 0x64 to 0x8f; 0x90 to 0x9f, which share a word with them; far away 0x1f000 to 0x20fff, with a border between two
 * blocks of 512 words at 0x20000; and the kernel's page.
 */
#define MAPS                                                                                                 \
	"00064000-00090000 r-xp 00001000 08:01 1234                       /usr/bin/a b (deleted)\n"          \
	"00090000-000a0000 rw-p 00000000 00:00 0 \n"                                                         \
	"1f000000-21000000 rw-s 00000000 00:01 77                         /memfd:ram (deleted)\n"            \
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"

/* 0x21000 pages, a word for 64, an entry for each. */
#define END_PAGE     0x21000
#define BITMAP_BYTES (END_PAGE / 8)
#define PAGEMAP_SIZE ((off_t)END_PAGE * 8)

/* What pwrite() fails with where the code under test calls it, if not 0. */
static int write_error;

ssize_t __real_pwrite(int fd, const void *from, size_t bytes, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *from, size_t bytes, off_t offset);

ssize_t __wrap_pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
	if (write_error == 0)
		return __real_pwrite(fd, from, bytes, offset);
	errno = write_error;
	return -1;
}

struct bench {
	char *proc;
	int idle, pagemap;
};

static char *path_of(const struct bench *bench, const char *file)
{
	return g_strdup_printf("%s/%d/%s", bench->proc, PID, file);
}

static int create_file(const struct bench *bench, const char *file, off_t size)
{
	g_autofree char *path = path_of(bench, file);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void write_file(const struct bench *bench, const char *file, const char *text)
{
	int fd = create_file(bench, file, 0);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int open_bench(void **state)
{
	struct bench *bench = g_new0(struct bench, 1);
	g_autofree char *directory = NULL;

	bench->proc = g_dir_make_tmp("vmheat-XXXXXX", NULL);
	assert_non_null(bench->proc);
	directory = path_of(bench, "");
	assert_int_equal(g_mkdir(directory, 0700), 0);
	bench->idle = create_file(bench, "idle_bitmap", BITMAP_BYTES);
	bench->pagemap = create_file(bench, "pagemap", PAGEMAP_SIZE);
	write_file(bench, "maps", MAPS);
	write_file(bench, "comm", "a) b\n");
	write_file(bench, "stat", STAT("S", "4194560"));
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	static const char *const names[] = { "idle_bitmap", "pagemap", "maps", "comm", "stat", "", ".." };
	struct bench *bench = *state;

	close(bench->idle);
	close(bench->pagemap);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = path_of(bench, names[i]);

		(void)g_remove(path);
	}
	(void)g_remove(bench->proc);
	g_free(bench->proc);
	g_free(bench);
	return 0;
}

static void map_pages(const struct bench *bench, guint64 first, guint64 end, guint64 entry)
{
	for (guint64 page = first; page < end; page++)
		assert_int_equal(pwrite(bench->pagemap, &entry, 8, (off_t)page * 8), 8);
}

static gboolean is_marked(const struct bench *bench, guint64 page)
{
	guint64 word;

	assert_int_equal(pread(bench->idle, &word, 8, (off_t)(page / 64 * 8)), 8);
	return word >> page % 64 & 1;
}

static void touch(const struct bench *bench, guint64 page)
{
	guint64 word;

	assert_int_equal(pread(bench->idle, &word, 8, (off_t)(page / 64 * 8)), 8);
	word &= ~(G_GUINT64_CONSTANT(1) << page % 64);
	assert_int_equal(pwrite(bench->idle, &word, 8, (off_t)(page / 64 * 8)), 8);
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
			   const char *name, guint64 resident, guint64 idle)
{
	const struct process_mapping *mapping =
		&g_array_index(report->mappings, struct process_mapping, number);

	assert_string_equal(mapping->permissions, permissions);
	assert_string_equal(mapping->name, name);
	assert_int_equal(mapping->resident, resident);
	assert_int_equal(mapping->idle, idle);
}

/*
 * Pages that share words between mappings are each counted where they are: of the text's 0x64 to 0x8f, 4 are resident
 * and 1 of them touched; of the anonymous 0x90 to 0x9f, 16 and 2; of the shared 0x1f000 to 0x20fff, 100 on each side of
 * block border 0x20000, and 10 of the last. A page in swap is not resident, and one that is not mapped is not idle.
 */
static void test_counts(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	struct process_report *report;

	assert_non_null(pages);
	map_pages(bench, 0x8c, 0x90, PRESENT);
	map_pages(bench, 0x90, 0xa0, PRESENT);
	map_pages(bench, 0x20000 - 100, 0x20000 + 100, PRESENT);
	map_pages(bench, 0x20000 + 100, 0x20000 + 200, SWAPPED);
	assert_true(process_pages_mark(pages, NULL));
	touch(bench, 0x8f);
	touch(bench, 0x90);
	touch(bench, 0x9f);
	for (guint64 page = 0x20000; page < 0x20000 + 10; page++)
		touch(bench, page);
	assert_true(process_pages_check(pages, NULL));

	report = process_pages_count(pages, NULL);
	assert_non_null(report);
	assert_int_equal(report->pid, PID);
	assert_string_equal(report->name, "a) b");
	assert_int_equal(report->mappings->len, 3);
	assert_mapping(report, 0, "r-xp", "/usr/bin/a b (deleted)", 4, 3);
	assert_mapping(report, 1, "rw-p", "", 16, 14);
	assert_mapping(report, 2, "rw-s", "/memfd:ram (deleted)", 200, 190);
	process_report_free(report);
	process_pages_close(pages);
}

/* All words with a page of a mapping are marked, and no other: 0x64 to 0x9f lie in words 1 and 2. */
static void test_marks(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);

	assert_true(process_pages_mark(pages, NULL));
	assert_false(is_marked(bench, 0x3f));
	assert_true(is_marked(bench, 0x64));
	assert_true(is_marked(bench, 0x9f));
	assert_false(is_marked(bench, 0xc0));
	assert_false(is_marked(bench, 0x1efff));
	assert_true(is_marked(bench, 0x1f000));
	assert_true(is_marked(bench, 0x20fff));
	process_pages_close(pages);
}

/* The window is what passed between mark and count, at least 20 ms here; marking and reading are not in it. */
static void test_window(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	struct process_report *report;
	gint64 before, after;

	assert_true(process_pages_mark(pages, NULL));
	before = g_get_monotonic_time();
	g_usleep(20000);
	after = g_get_monotonic_time();
	report = process_pages_count(pages, NULL);
	assert_true(report->window >= (double)(after - before) / 1e6);
	assert_true(report->window < (double)(after - before) / 1e6 + 1.0);
	assert_true(report->marking > 0.0 && report->marking < 1.0);
	assert_true(report->reading > 0.0 && report->reading < 1.0);
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
	assert_int_equal(ftruncate(bench->idle, 0), 0);
	assert_false(process_pages_check(pages, &checked));
	assert_string_equal(checked->message, "process 4711 has ended or begun another program");
	assert_null(process_pages_count(pages, &counted));
	assert_string_equal(counted->message, checked->message);
	process_pages_close(pages);
}

/* So does what ends while its pages are counted: the pagemap ends in the middle of a mapping. */
static void test_ends_in_count(void **state)
{
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);
	g_autoptr(GError) error = NULL;

	assert_true(process_pages_mark(pages, NULL));
	assert_int_equal(ftruncate(bench->pagemap, PAGEMAP_SIZE / 2), 0);
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

/* What the module refuses is said in words, other errors in the system's. */
static void test_module_refuses(void **state)
{
	static const struct {
		int number;
		const char *message;
	} cases[] = {
		{ EOPNOTSUPP,
		  "process 4711 has a VM of a KVM that kvm_idle does not know: see the kernel's log" },
		{ ESRCH, "process 4711 has ended or begun another program" },
		{ ENOMEM, "/4711/idle_bitmap: Cannot allocate memory" },
	};
	const struct bench *bench = *state;
	struct process_pages *pages = process_pages_open(bench->proc, PID, NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		gboolean marked;

		write_error = cases[i].number;
		marked = process_pages_mark(pages, &error);
		write_error = 0;
		assert_false(marked);
		assert_true(g_str_has_suffix(error->message, cases[i].message));
	}
	process_pages_close(pages);
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
		cmocka_unit_test_setup_teardown(test_marks, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_window, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_ends_in_window, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_ends_in_count, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_no_mappings, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_refused, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(test_module_refuses, open_bench, close_bench),
		cmocka_unit_test(test_maps_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
