/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_proc_files.c - what is read of /proc and of libvirt's pid files
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "host_error.h"
#include "pid_file.h"
#include "proc_files.h"

/* Single ids, ranges, the first and the last id, and the newline the kernel puts behind. */
static void test_id_set(void **state)
{
	struct id_set set;

	assert_true(id_set_parse("0-2,5,8190-8191\n", &set));
	for (int id = 0; id < (int)ID_SET_END; id++)
		assert_int_equal(id_set_has(&set, id), id <= 2 || id == 5 || id >= 8190);
	assert_false(id_set_has(&set, -1));
	assert_false(id_set_has(&set, ID_SET_END));
	assert_true(id_set_parse("\t\n", &set));
	assert_false(id_set_has(&set, 0));
}

/* Anything but a list is refused. */
static void test_id_set_refused(void **state)
{
	static const char *const texts[] = { "x",   "-1",  "1-",   "3-2",    "1,",	    "1,,2", ",1",
					     "1 2", "0x1", "8192", "0-8192", "99999999999", "1-2-3" };
	struct id_set set;

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		if (id_set_parse(texts[i], &set))
			fail_msg("'%s' was taken", texts[i]);
}

#define STAT_TAIL                                                                                            \
	" 1 197 197 0 -1 138412352 5 6 7 8 9 10 11 12 20 0 5 0 2888 123456 789 18446744073709551615\n"

/* Start time, flags and state, also of a process that names itself after a line of stat. */
static void test_stat(void **state)
{
	struct proc_stat stat;

	assert_true(proc_stat_parse("197 (qemu-system-x86) S" STAT_TAIL, &stat));
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.start_time, 2888);
	assert_int_equal(stat.flags, 138412352);
	assert_true(proc_stat_parse("197 (a) R 1 1 1 (b)) Z" STAT_TAIL, &stat));
	assert_int_equal(stat.state, 'Z');
	assert_int_equal(stat.start_time, 2888);
}

static void test_stat_refused(void **state)
{
	struct proc_stat stat;

	assert_false(proc_stat_parse("", &stat));
	assert_false(proc_stat_parse("197 qemu S" STAT_TAIL, &stat));
	assert_false(proc_stat_parse("197 (qemu) S 1 2 3", &stat));
	assert_false(proc_stat_parse("197 (qemu) SS" STAT_TAIL, &stat));
	assert_false(proc_stat_parse("197 (qemu) S 1 1 1 0 -1 1 5 6 7 8 9 10 11 12 20 0 5 0 -2888 1", &stat));
}

/* The key is a whole line's beginning: Mems_allowed is not Mems_allowed_list. */
static void test_status_list(void **state)
{
	static const char text[] = "Name:\tqemu\nMems_allowed:\t3\nMems_allowed_list:\t0-1\nLast:\tx\n";
	struct id_set set;

	assert_true(proc_status_list(text, "Mems_allowed_list", &set));
	assert_true(id_set_has(&set, 1));
	assert_false(id_set_has(&set, 3));
	assert_true(proc_status_list(text, "Mems_allowed", &set));
	assert_true(id_set_has(&set, 3));
	assert_false(proc_status_list(text, "allowed_list", &set));
	assert_false(proc_status_list(text, "Last", &set));
}

#define CMDLINE(text) text, sizeof(text) - 1

/* Option and value are two whole arguments, one after the other. */
static void test_cmdline(void **state)
{
	assert_true(proc_cmdline_has(CMDLINE("qemu\0-uuid\0abc\0-m\0384\0"), "-uuid", "abc"));
	assert_true(proc_cmdline_has(CMDLINE("qemu\0-uuid\0abc"), "-uuid", "abc"));
	assert_false(proc_cmdline_has(CMDLINE("qemu\0-uuid\0abcd\0"), "-uuid", "abc"));
	assert_false(proc_cmdline_has(CMDLINE("qemu\0-uuid\0ab\0c\0"), "-uuid", "abc"));
	assert_false(proc_cmdline_has(CMDLINE("qemu\0x-uuid\0abc\0"), "-uuid", "abc"));
	assert_false(proc_cmdline_has(CMDLINE("qemu\0-uuid abc\0"), "-uuid", "abc"));
	assert_false(proc_cmdline_has(CMDLINE("qemu\0abc\0-uuid\0"), "-uuid", "abc"));
	assert_false(proc_cmdline_has(CMDLINE(""), "-uuid", "abc"));
}

/* This process has a start time; a process that does not exist is gone. */
static void test_read(void **state)
{
	g_autoptr(GError) error = NULL;
	struct proc_stat stat;

	assert_true(proc_stat_read(getpid(), &stat));
	assert_int_equal(stat.state, 'R');
	assert_true(stat.start_time > 0);
	assert_false(proc_stat_read(G_MAXINT, &stat));
	assert_null(proc_read(G_MAXINT, "status", NULL, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_GONE));
}

/* As libvirt 9.0 names the file of a domain called g2 & "x". */
static void test_pid_file_path(void **state)
{
	g_autofree char *plain = pid_file_path("g1");
	g_autofree char *odd = pid_file_path("g2 & \"x\"");

	assert_string_equal(plain, "/run/libvirt/qemu/g1.pid");
	assert_string_equal(odd, "/run/libvirt/qemu/g2 &amp; &quot;x&quot;.pid");
	assert_null(pid_file_path("../g1"));
	assert_null(pid_file_path(""));
}

static void test_pid_file(void **state)
{
	pid_t pid = 0;

	assert_true(pid_file_parse("197\n", &pid));
	assert_int_equal(pid, 197);
	assert_true(pid_file_parse("2147483647", &pid));
	assert_false(pid_file_parse("", &pid));
	assert_false(pid_file_parse("0\n", &pid));
	assert_false(pid_file_parse("-1\n", &pid));
	assert_false(pid_file_parse("2147483648\n", &pid));
	assert_false(pid_file_parse("197 198\n", &pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_set),	    cmocka_unit_test(test_id_set_refused),
		cmocka_unit_test(test_stat),	    cmocka_unit_test(test_stat_refused),
		cmocka_unit_test(test_status_list), cmocka_unit_test(test_cmdline),
		cmocka_unit_test(test_read),	    cmocka_unit_test(test_pid_file_path),
		cmocka_unit_test(test_pid_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
