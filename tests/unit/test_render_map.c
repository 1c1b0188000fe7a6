/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render_map.c - the picture of a VM's memory, from runs made up to the character
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../daemon/ctl/render_map.h"

static struct map_picture picture_of(const struct map_run *runs, gsize run_count, const double *windows,
				     gsize window_count)
{
	return (struct map_picture){ .runs = runs,
				     .run_count = run_count,
				     .windows = windows,
				     .window_count = window_count,
				     .width = 80,
				     .rows = 32 };
}

/* Line @number (from 0) of the picture. The caller frees it. */
static char *line_of(const struct map_picture *picture, guint number)
{
	char *text = render_map(picture), *line;
	char **lines = g_strsplit(text, "\n", -1);

	assert_true(number < g_strv_length(lines));
	line = g_strdup(lines[number]);
	g_strfreev(lines);
	g_free(text);
	return line;
}

static void assert_line(const struct map_picture *picture, guint number, const char *wanted)
{
	char *line = line_of(picture, number);

	assert_string_equal(line, wanted);
	g_free(line);
}

/*
 * Eight windows of 1 s. 128 pages are two rows of 64 cells of one page: 10 hot, 10 idle for one window, 10
 * for all eight, 34 holes, then 64 hot. The levels begin at 1 * 8^(i/5) s: 1, 1.5, 2.3, 3.5, 5.3, 8.
 */
static void test_whole_picture(void **state)
{
	static const double windows[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	static const struct map_run runs[] = {
		{ 0, 10, 0 }, { 10, 10, 1 }, { 20, 10, 8 }, { 30, 34, MAP_AGE_HOLE }, { 64, 64, 0 }
	};
	struct map_picture picture = picture_of(runs, 5, windows, 8);
	char *text = render_map(&picture);

	assert_string_equal(
		text,
		"guest-physical address; a cell is 4.0 KiB, a row 256.0 KiB; a cell shows the mean age of "
		"its pages\n"
		"0x0000000000  ##########%%%%%%%%%%..........__________________________________\n"
		"0x0000040000  ################################################################\n"
		"  # accessed in the last window (1.0 s)\n"
		"  % idle for 1.0 s\n"
		"  * idle for 1.5 s\n"
		"  + idle for 2.3 s\n"
		"  = idle for 3.5 s\n"
		"  - idle for 5.3 s\n"
		"  . idle for 8.0 s or longer\n"
		"  _ not mapped: never touched, or given back\n");
	g_free(text);
}

/*
 * Cells of many pages: 2 rows are allowed, 256 pages make cells of two. A cell of a hot and a coldest page
 * has the mean level (0 + 6) / 2 = 3, "+"; of a hot page and a hole it is what is mapped; of two holes a
 * hole.
 */
static void test_mixed_cells(void **state)
{
	static const double windows[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	static const struct map_run runs[] = {
		{ 0, 1, 0 }, { 1, 1, 8 }, { 2, 1, 0 }, { 3, 3, MAP_AGE_HOLE }, { 6, 250, 0 }
	};
	struct map_picture picture = picture_of(runs, 5, windows, 8);

	picture.rows = 2;
	assert_line(&picture, 1,
		    "0x0000000000  +#_#############################################################");
}

/* Rows without memory are left out: 1 page at 0 and 1 page at 4 GiB are two rows, the second one at its
 * address. */
static void test_gap(void **state)
{
	static const double windows[] = { 1 };
	static const struct map_run runs[] = { { 0, 1, 0 }, { 1 << 20, 1, 1 } };
	struct map_picture picture = picture_of(runs, 2, windows, 1);

	assert_line(&picture, 1, "0x0000000000  #");
	assert_line(&picture, 2, "0x0100000000  .");
}

/* What is not the VM's memory inside a row is blank, so that all cells stand at their address. */
static void test_gap_in_row(void **state)
{
	static const double windows[] = { 1 };
	static const struct map_run runs[] = { { 0, 2, 0 }, { 5, 1, 0 } };
	struct map_picture picture = picture_of(runs, 2, windows, 1);

	assert_line(&picture, 1, "0x0000000000  ##   #");
}

/* One run over many rows: 1024 pages of one age in 64 columns and 4 rows at most are cells of 4 pages, 4 full
 * rows. */
static void test_run_over_rows(void **state)
{
	static const double windows[] = { 1 };
	static const struct map_run runs[] = { { 0, 1024, 0 } };
	struct map_picture picture = picture_of(runs, 1, windows, 1);

	picture.rows = 4;
	for (guint row = 1; row <= 4; row++) {
		char *line = line_of(&picture, row);

		assert_int_equal(strlen(line), 14 + 64);
		assert_true(g_str_has_suffix(line, "########"));
		g_free(line);
	}
	assert_line(&picture, 5, "  # accessed in the last window (1.0 s)");
}

/* It never is wider than the terminal: 64 cells in 80 columns, 32 in 77, 128 in 200, and 16 in any that is
 * too small. */
static void test_width(void **state)
{
	static const double windows[] = { 1 };
	static const struct map_run runs[] = { { 0, 128, 0 } };
	static const guint widths[][2] = { { 80, 64 }, { 77, 32 }, { 200, 128 }, { 10, 16 } };

	for (gsize i = 0; i < G_N_ELEMENTS(widths); i++) {
		struct map_picture picture = picture_of(runs, 1, windows, 1);
		char *line;

		picture.width = widths[i][0];
		line = line_of(&picture, 1);
		assert_int_equal(strlen(line), 14 + widths[i][1]);
		g_free(line);
	}
}

/* In colour a change of level is one escape sequence, and each row ends with the terminal's own colours. */
static void test_color(void **state)
{
	static const double windows[] = { 1 };
	static const struct map_run runs[] = { { 0, 3, 0 }, { 3, 2, 1 } };
	struct map_picture picture = picture_of(runs, 2, windows, 1);

	picture.color = TRUE;
	assert_line(&picture, 1, "0x0000000000  \033[48;5;196m   \033[48;5;19m  \033[0m");
	assert_line(&picture, 2, "  \033[48;5;196m \033[0m accessed in the last window (1.0 s)");
}

/* After one window there are two levels only: hot, and idle for all of the time. */
static void test_first_window(void **state)
{
	static const double windows[] = { 2 };
	static const struct map_run runs[] = { { 0, 1, 0 }, { 1, 1, 1 } };
	struct map_picture picture = picture_of(runs, 2, windows, 1);

	assert_line(&picture, 1, "0x0000000000  #.");
	assert_line(&picture, 3, "  . idle for 2.0 s or longer");
}

/* Ages beyond the windows that are known count as all of them. */
static void test_old_ages(void **state)
{
	static const double windows[] = { 1, 1 };
	static const struct map_run runs[] = { { 0, 1, 254 } };
	struct map_picture picture = picture_of(runs, 1, windows, 2);

	assert_line(&picture, 1, "0x0000000000  .");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_picture), cmocka_unit_test(test_mixed_cells),
		cmocka_unit_test(test_gap),	      cmocka_unit_test(test_gap_in_row),
		cmocka_unit_test(test_run_over_rows), cmocka_unit_test(test_width),
		cmocka_unit_test(test_color),	      cmocka_unit_test(test_first_window),
		cmocka_unit_test(test_old_ages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
