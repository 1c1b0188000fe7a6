/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_format.c - figures and tables as people see them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../daemon/ctl/format.h"

/* One digit, and the unit that keeps the figure below 1024.0 as it is shown. */
static void test_sizes(void **state)
{
	static const struct {
		guint64 bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0" },
		{ 4096, "4.0 KiB" },
		{ 1000000, "976.6 KiB" },
		{ 1048575, "1.0 MiB" }, /* 1023.999 KiB */
		{ 402653184, "384.0 MiB" },
		{ G_GUINT64_CONSTANT(1649267441664), "1.5 TiB" },
		{ G_GUINT64_CONSTANT(2251799813685248), "2048.0 TiB" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		char *text = format_size(sizes[i].bytes);

		assert_string_equal(text, sizes[i].text);
		g_free(text);
	}
}

/* Digits where they matter, and no "60 s" of a minute. */
static void test_seconds(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} times[] = {
		{ 0.0, "0.00 s" },	 { 0.123, "0.12 s" },  { 0.996, "1.0 s" },
		{ 2.04, "2.0 s" },	 { 9.96, "10 s" },     { 119.4, "119 s" },
		{ 119.6, "2 min 0 s" },	 { 125, "2 min 5 s" }, { 7199.6, "2 h 0 min" },
		{ 12000, "3 h 20 min" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		char *text = format_seconds(times[i].seconds);

		assert_string_equal(text, times[i].text);
		g_free(text);
	}
}

/* Columns are as wide as their widest cell, counted in characters; figures stand to the right; no blank at an
 * end. */
static void test_table(void **state)
{
	static const char *const headings[] = { "NAME", ">SIZE", "STATE" };
	struct text_table *table = text_table_new(headings, G_N_ELEMENTS(headings));
	char *text;

	text_table_add(table, (const char *const[]){ "müller", "1.0 GiB", "tracking" });
	text_table_add(table, (const char *const[]){ "a", NULL, "waiting" });
	text = text_table_render(table);
	assert_string_equal(text, "NAME       SIZE  STATE\n"
				  "müller  1.0 GiB  tracking\n"
				  "a             -  waiting\n");
	g_free(text);
	text_table_free(table);
}

/* A table without rows is its headings. */
static void test_empty_table(void **state)
{
	static const char *const headings[] = { "NAME", ">SIZE" };
	struct text_table *table = text_table_new(headings, G_N_ELEMENTS(headings));
	char *text = text_table_render(table);

	assert_string_equal(text, "NAME  SIZE\n");
	g_free(text);
	text_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
