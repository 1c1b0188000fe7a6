/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.c - sizes, times and aligned columns
 */
#include "format.h"
#include <string.h>

/* Blanks between two columns. */
#define COLUMN_GAP 2u

struct text_table {
	guint columns;
	gboolean *right;  /* aligned to the right, one a column */
	GPtrArray *cells; /* strings, row by row; the first row are the headings */
};

char *format_size(guint64 bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024.0;
	gsize unit = 0;

	if (bytes == 0)
		return g_strdup("0");
	/* 1023.95 would be shown as 1024.0. */
	while (unit + 1 < G_N_ELEMENTS(units) && value >= 1023.95) {
		value /= 1024.0;
		unit++;
	}
	return g_strdup_printf("%.1f %s", value, units[unit]);
}

char *format_seconds(double seconds)
{
	guint64 whole;

	if (seconds < 0.995)
		return g_strdup_printf("%.2f s", seconds);
	if (seconds < 9.95)
		return g_strdup_printf("%.1f s", seconds);
	if (seconds < 119.5)
		return g_strdup_printf("%.0f s", seconds);
	whole = (guint64)(seconds + 0.5);
	if (whole < 7200)
		return g_strdup_printf("%u min %u s", (guint)(whole / 60), (guint)(whole % 60));
	return g_strdup_printf("%" G_GUINT64_FORMAT " h %u min", whole / 3600, (guint)(whole / 60 % 60));
}

struct text_table *text_table_new(const char *const *headings, guint columns)
{
	struct text_table *table = g_new0(struct text_table, 1);

	table->columns = columns;
	table->right = g_new0(gboolean, columns);
	table->cells = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < columns; i++) {
		table->right[i] = headings[i][0] == '>';
		g_ptr_array_add(table->cells, g_strdup(headings[i] + (table->right[i] ? 1 : 0)));
	}
	return table;
}

void text_table_free(struct text_table *table)
{
	if (table == NULL)
		return;
	g_ptr_array_unref(table->cells);
	g_free(table->right);
	g_free(table);
}

void text_table_add(struct text_table *table, const char *const *cells)
{
	for (guint i = 0; i < table->columns; i++)
		g_ptr_array_add(table->cells, g_strdup(cells[i] != NULL ? cells[i] : "-"));
}

static glong cell_width(const struct text_table *table, guint row, guint column)
{
	return g_utf8_strlen(g_ptr_array_index(table->cells, row * table->columns + column), -1);
}

static void append_blanks(GString *text, glong count)
{
	for (glong i = 0; i < count; i++)
		g_string_append_c(text, ' ');
}

char *text_table_render(const struct text_table *table)
{
	glong *widths = g_new0(glong, table->columns);
	guint rows = table->cells->len / table->columns;
	GString *text = g_string_new(NULL);

	for (guint row = 0; row < rows; row++)
		for (guint column = 0; column < table->columns; column++)
			widths[column] = MAX(widths[column], cell_width(table, row, column));

	for (guint row = 0; row < rows; row++) {
		for (guint column = 0; column < table->columns; column++) {
			const char *cell = g_ptr_array_index(table->cells, row * table->columns + column);
			glong blanks = widths[column] - cell_width(table, row, column);

			if (table->right[column])
				append_blanks(text, blanks);
			g_string_append(text, cell);
			if (!table->right[column])
				append_blanks(text, blanks);
			append_blanks(text, COLUMN_GAP);
		}
		while (text->len > 0 && text->str[text->len - 1] == ' ')
			g_string_truncate(text, text->len - 1);
		g_string_append_c(text, '\n');
	}
	g_free(widths);
	return g_string_free(text, FALSE);
}
