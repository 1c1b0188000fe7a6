/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render_idle.c - the working set of a process as text and as data, to the character
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../daemon/ctl/render_idle.h"

#define MIB_PAGES G_GUINT64_CONSTANT(256)

/*
 * Four mappings: 1 MiB of which all is resident and 0.25 MiB idle; a hostile name with as much resident, of
 * which all is idle; 4 MiB of which 2 MiB are resident, 0.5 MiB idle and 1 MiB referenced in huge pages; and
 * one that holds nothing. Referenced are 0.8, 0 and 1.5 MiB: 2.2 MiB (2.25) of 4 MiB.
 */
static struct process_report *new_report(void)
{
	const struct process_mapping mappings[] = {
		{ 0x100000, 0x200000, "r-xp", g_strdup("/usr/bin/a"), MIB_PAGES, MIB_PAGES / 4, 0 },
		{ 0x200000, 0x300000, "r--p", g_strdup("/tmp/\033[2J\xff\xc3\xa9"), MIB_PAGES, MIB_PAGES, 0 },
		{ 0x400000, 0x800000, "rw-p", g_strdup(""), 2 * MIB_PAGES, MIB_PAGES / 2, MIB_PAGES },
		{ 0x7f0000000000, 0x7f0040000000, "---p", g_strdup(""), 0, 0, 0 },
	};
	struct process_report *report = g_new(struct process_report, 1);

	*report = (struct process_report){
		.pid = 4711, .name = g_strdup("a\tb"), .window = 10.0004, .window_longest = 10.0204
	};
	report->mappings = g_array_new(FALSE, FALSE, sizeof(struct process_mapping));
	g_array_append_vals(report->mappings, mappings, G_N_ELEMENTS(mappings));
	return report;
}

/* process_report_free() belongs to the part that reads /proc. */
static void free_report(struct process_report *report)
{
	for (guint i = 0; i < report->mappings->len; i++)
		g_free(g_array_index(report->mappings, struct process_mapping, i).name);
	g_array_unref(report->mappings);
	g_free(report->name);
	g_free(report);
}

/* Sorted by what is referenced; the empty mapping is among the others; names do nothing to the terminal. */
static void test_text(void **state)
{
	struct process_report *report = new_report();
	char *text = render_idle(report, G_MAXUINT);

	assert_string_equal(
		text, "process 4711 (a?b): 2.2 MiB of 4.0 MiB were referenced in 10.000 s\n"
		      "(the process was looked at piece by piece: some of it for up to 10.020 s)\n"
		      "(1.0 MiB of it in huge pages, of which it may have been any part)\n"
		      "\n"
		      "REFERENCED       IDLE  RESIDENT     SIZE  PERM  ADDRESSES      MAPPING\n"
		      "   1.5 MiB  512.0 KiB   2.0 MiB  4.0 MiB  rw-p  400000-800000  (anonymous)\n"
		      " 768.0 KiB  256.0 KiB   1.0 MiB  1.0 MiB  r-xp  100000-200000  /usr/bin/a\n"
		      "         0    1.0 MiB   1.0 MiB  1.0 MiB  r--p  200000-300000  /tmp/?[2J\uFFFD\u00e9\n"
		      "         0          0         0  1.0 GiB                       (1 more)\n"
		      "   2.2 MiB    1.8 MiB   4.0 MiB  1.0 GiB                       (all)\n");
	g_free(text);
	free_report(report);
}

/* Where all windows are alike and no page is huge, nothing is said of either. */
static void test_plain_text(void **state)
{
	struct process_report *report = new_report();
	char *text;

	report->window_longest = 10.0008;
	g_array_index(report->mappings, struct process_mapping, 2).coarse = 0;
	text = render_idle(report, G_MAXUINT);
	assert_true(g_str_has_prefix(
		text, "process 4711 (a?b): 2.2 MiB of 4.0 MiB were referenced in 10.000 s\n\nREF"));
	g_free(text);
	free_report(report);
}

/* With one row, the others sum up to 0.75 referenced + 1.25 idle = 2 MiB, and the totals stay. */
static void test_top(void **state)
{
	struct process_report *report = new_report();
	char *text = render_idle(report, 1);
	char **lines = g_strsplit(text, "\n", -1);

	assert_int_equal(g_strv_length(lines), 9);
	assert_non_null(strstr(lines[5], "400000-800000"));
	assert_true(g_str_has_prefix(lines[6], " 768.0 KiB    1.2 MiB   2.0 MiB"));
	assert_true(g_str_has_suffix(lines[6], "(3 more)"));
	assert_true(g_str_has_prefix(lines[7], "   2.2 MiB    1.8 MiB   4.0 MiB"));
	assert_true(g_str_has_suffix(lines[7], "(all)"));
	g_strfreev(lines);
	g_free(text);
	free_report(report);
}

static guint64 number_of(GVariant *dict, const char *key)
{
	guint64 number = 0;

	assert_true(g_variant_lookup(dict, key, "t", &number));
	return number;
}

/* Bytes and seconds, all mappings, names in UTF-8. */
static void test_data(void **state)
{
	struct process_report *report = new_report();
	GVariant *data = g_variant_ref_sink(render_idle_data(report, G_MAXUINT)), *mappings, *mapping;
	const char *text;
	double window;

	assert_int_equal(number_of(data, "referenced"), 2359296);
	assert_int_equal(number_of(data, "idle"), 1835008);
	assert_int_equal(number_of(data, "resident"), 4194304);
	assert_int_equal(number_of(data, "size"), 1073741824 + 6291456);
	assert_true(g_variant_lookup(data, "window", "d", &window));
	assert_true(window == 10.0004);
	assert_true(g_variant_lookup(data, "window-longest", "d", &window));
	assert_true(window == 10.0204);
	assert_int_equal(number_of(data, "coarse"), 1048576);
	mappings = g_variant_lookup_value(data, "mappings", G_VARIANT_TYPE("aa{sv}"));
	assert_int_equal(g_variant_n_children(mappings), 4);
	mapping = g_variant_get_child_value(mappings, 2);
	assert_int_equal(number_of(mapping, "referenced"), 0);
	assert_int_equal(number_of(mapping, "idle"), 1048576);
	assert_true(g_variant_lookup(mapping, "addresses", "&s", &text));
	assert_string_equal(text, "200000-300000");
	assert_true(g_variant_lookup(mapping, "permissions", "&s", &text));
	assert_string_equal(text, "r--p");
	assert_true(g_variant_lookup(mapping, "name", "&s", &text));
	assert_string_equal(text, "/tmp/\033[2J\uFFFD\u00e9");
	g_variant_unref(mapping);
	g_variant_unref(mappings);
	g_variant_unref(data);
	free_report(report);
}

/* A limit cuts the mappings off, not the totals. */
static void test_data_top(void **state)
{
	struct process_report *report = new_report();
	GVariant *data = g_variant_ref_sink(render_idle_data(report, 2)), *mappings;

	mappings = g_variant_lookup_value(data, "mappings", G_VARIANT_TYPE("aa{sv}"));
	assert_int_equal(g_variant_n_children(mappings), 2);
	assert_int_equal(number_of(data, "resident"), 4194304);
	g_variant_unref(mappings);
	g_variant_unref(data);
	free_report(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_plain_text), cmocka_unit_test(test_top),
		cmocka_unit_test(test_data), cmocka_unit_test(test_data_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
