/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_map.c - guest-physical addresses by rows, a slice of memory a cell, hot to cold
 *
 * Theory of operation
 *
 * A cell is a power of two of pages, the smallest with which the rows that hold memory are not more than
 * asked for; rows without any memory are left out. Ages become levels: level 0 was accessed in the last
 * window, the others are spaced evenly in the logarithm of seconds from one window to all of the time
 * observed. A cell shows the mean level of its mapped pages, so that a few hot pages among many cold ones
 * look neither hot nor cold; it is a hole where more than half of its pages are not mapped.
 */
#include "render_map.h"
#include <math.h>
#include "format.h"

#define PAGE_SIZE 4096u
#define LEVELS	  7u

/* "0x" + 10 digits + 2 blanks */
#define ADDRESS_WIDTH 14u
#define COLUMNS_MAX   128u
#define COLUMNS_MIN   16u

/* What a cell can be besides one of the levels. */
enum {
	CELL_HOLE = LEVELS, /* not mapped */
	CELL_NONE,	    /* not the VM's memory */
	CELL_KINDS
};

static const char cell_signs[] = { '#', '%', '*', '+', '=', '-', '.', '_', ' ' };
G_STATIC_ASSERT(G_N_ELEMENTS(cell_signs) == CELL_KINDS);

/* Red over yellow and green to blue; a hole is dark grey. -1: the terminal's own background. */
static const int cell_colors[] = { 196, 208, 220, 112, 43, 33, 19, 236, -1 };
G_STATIC_ASSERT(G_N_ELEMENTS(cell_colors) == CELL_KINDS);

/* The pages of a cell by what they are. */
struct cell {
	guint64 mapped;
	guint64 holes;
	guint64 level_sum; /* of the mapped ones */
};

struct grid {
	guint columns;
	guint64 cell_pages;
};

/* Where the levels begin: level i > 0 is idle for from[i] seconds or longer. */
struct scale {
	double from[LEVELS];
	guint8 levels[256]; /* by age in windows */
};

static void scale_init(struct scale *scale, const struct map_picture *picture)
{
	double window = picture->windows[0], total = 0.0;
	gsize age;

	for (gsize i = 0; i < picture->window_count; i++)
		total += picture->windows[i];
	scale->from[0] = 0.0;
	for (guint level = 1; level < LEVELS; level++)
		scale->from[level] = window * pow(total / window, (double)(level - 1) / (double)(LEVELS - 2));
	scale->from[LEVELS - 1] = total;

	scale->levels[0] = 0;
	total = 0.0;
	for (age = 1; age < G_N_ELEMENTS(scale->levels); age++) {
		guint level = LEVELS - 1;

		if (age <= picture->window_count)
			total += picture->windows[age - 1];
		while (level > 1 && total < scale->from[level])
			level--;
		scale->levels[age] = (guint8)level;
	}
}

/* How many rows of @row_pages hold memory. */
static guint64 count_rows(const struct map_picture *picture, guint64 row_pages)
{
	guint64 rows = 0, next = 0;

	for (gsize i = 0; i < picture->run_count; i++) {
		const struct map_run *run = &picture->runs[i];
		guint64 first = MAX(run->gfn / row_pages, next);
		guint64 last = (run->gfn + run->pages - 1) / row_pages;

		if (last >= first) {
			rows += last - first + 1;
			next = last + 1;
		}
	}
	return rows;
}

static struct grid choose_grid(const struct map_picture *picture)
{
	struct grid grid = { .columns = COLUMNS_MIN, .cell_pages = 1 };

	while (grid.columns * 2 <= COLUMNS_MAX && grid.columns * 2 + ADDRESS_WIDTH <= picture->width)
		grid.columns *= 2;
	/* Far apart ranges take a row each, however large: the limit is for pages, and 2^40 of them is all.
	 */
	while (grid.cell_pages < (G_GUINT64_CONSTANT(1) << 40) &&
	       count_rows(picture, grid.cell_pages * grid.columns) > picture->rows)
		grid.cell_pages *= 2;
	return grid;
}

static guint cell_kind(const struct cell *cell)
{
	if (cell->mapped + cell->holes == 0)
		return CELL_NONE;
	if (cell->holes > cell->mapped)
		return CELL_HOLE;
	return (guint)((cell->level_sum + cell->mapped / 2) / cell->mapped);
}

static void append_cell(GString *text, guint kind, guint last_kind, gboolean color)
{
	if (!color) {
		g_string_append_c(text, cell_signs[kind]);
		return;
	}
	if (kind != last_kind && cell_colors[kind] < 0)
		g_string_append(text, "\033[0m");
	else if (kind != last_kind)
		g_string_append_printf(text, "\033[48;5;%dm", cell_colors[kind]);
	g_string_append_c(text, ' ');
}

static void append_row(GString *text, const struct map_picture *picture, const struct grid *grid, guint64 row,
		       const struct cell *cells)
{
	guint64 address = row * grid->columns * grid->cell_pages * PAGE_SIZE;
	guint last_kind = CELL_NONE, end = grid->columns;

	while (end > 0 && cell_kind(&cells[end - 1]) == CELL_NONE)
		end--;
	g_string_append_printf(text, "0x%010" G_GINT64_MODIFIER "x  ", address);
	for (guint i = 0; i < end; i++) {
		guint kind = cell_kind(&cells[i]);

		append_cell(text, kind, last_kind, picture->color);
		last_kind = kind;
	}
	g_string_append(text, picture->color ? "\033[0m\n" : "\n");
}

/* Add the part of @run that lies in the row; TRUE if the run goes on in the next one. */
static gboolean add_run(const struct map_run *run, const struct scale *scale, const struct grid *grid,
			guint64 row, struct cell *cells)
{
	guint64 row_first = row * grid->columns * grid->cell_pages;
	guint64 row_end = row_first + grid->columns * grid->cell_pages;
	guint64 gfn = MAX(run->gfn, row_first);
	guint64 end = MIN(run->gfn + run->pages, row_end);

	while (gfn < end) {
		guint64 column = (gfn - row_first) / grid->cell_pages;
		guint64 next = MIN(end, row_first + (column + 1) * grid->cell_pages);
		struct cell *cell = &cells[column];

		if (run->age == MAP_AGE_HOLE) {
			cell->holes += next - gfn;
		} else {
			cell->mapped += next - gfn;
			cell->level_sum += (next - gfn) * scale->levels[run->age];
		}
		gfn = next;
	}
	return run->gfn + run->pages > row_end;
}

static void append_rows(GString *text, const struct map_picture *picture, const struct scale *scale,
			const struct grid *grid)
{
	guint64 row_pages = grid->columns * grid->cell_pages;
	struct cell *cells = g_new(struct cell, grid->columns);
	gsize run = 0;
	guint64 row = 0;

	while (run < picture->run_count) {
		row = MAX(row, picture->runs[run].gfn / row_pages);
		for (guint i = 0; i < grid->columns; i++)
			cells[i] = (struct cell){ 0 };
		while (run < picture->run_count && picture->runs[run].gfn / row_pages <= row) {
			if (add_run(&picture->runs[run], scale, grid, row, cells))
				break;
			run++;
		}
		append_row(text, picture, grid, row, cells);
		row++;
	}
	g_free(cells);
}

static void append_legend_entry(GString *text, guint kind, gboolean color, const char *meaning)
{
	g_string_append(text, "  ");
	append_cell(text, kind, CELL_NONE, color);
	g_string_append_printf(text, "%s %s\n", color ? "\033[0m" : "", meaning);
}

static void append_legend(GString *text, const struct map_picture *picture, const struct scale *scale)
{
	g_autofree char *window = format_seconds(picture->windows[0]);
	g_autofree char *accessed = g_strdup_printf("accessed in the last window (%s)", window);

	append_legend_entry(text, 0, picture->color, accessed);
	for (guint level = 1; level < LEVELS; level++) {
		g_autofree char *from = format_seconds(scale->from[level]);
		g_autofree char *meaning =
			g_strdup_printf("idle for %s%s", from, level + 1 < LEVELS ? "" : " or longer");

		/* As long as few windows have passed, some levels are the same. */
		if (level + 1 == LEVELS || scale->from[level + 1] > scale->from[level])
			append_legend_entry(text, level, picture->color, meaning);
	}
	append_legend_entry(text, CELL_HOLE, picture->color, "not mapped: never touched, or given back");
}

char *render_map(const struct map_picture *picture)
{
	struct grid grid = choose_grid(picture);
	g_autofree char *cell = format_size(grid.cell_pages * PAGE_SIZE);
	g_autofree char *row = format_size(grid.cell_pages * grid.columns * PAGE_SIZE);
	GString *text = g_string_new(NULL);
	struct scale scale;

	scale_init(&scale, picture);
	g_string_append_printf(text,
			       "guest-physical address; a cell is %s, a row %s; a cell shows the mean age of "
			       "its pages\n",
			       cell, row);
	append_rows(text, picture, &scale, &grid);
	append_legend(text, picture, &scale);
	return g_string_free(text, FALSE);
}
