/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flat_view.c - parsers of QEMU's `info mtree -f` and `gpa2hva`, see flat_view.h
 */
#include "flat_view.h"
#include <string.h>
#include "host_error.h"
#include "page_map.h"

/* Largest guest-physical address and block offset that are believed: 52 bits, what x86 can have. */
#define ADDRESS_END (G_GUINT64_CONSTANT(1) << 52)

/* One line of a view, as it stands there. */
struct view_line {
	guint64 first, last; /* guest-physical bytes */
	guint64 offset;	     /* in the block */
	const char *block;
};

/* Step over @expected at *@cursor. */
static gboolean take(const char **cursor, const char *expected)
{
	gsize length = strlen(expected);

	if (strncmp(*cursor, expected, length) != 0)
		return FALSE;
	*cursor += length;
	return TRUE;
}

/* Read 1 to 16 hexadecimal digits at *@cursor and step over them. */
static gboolean take_hex(const char **cursor, guint64 *value)
{
	gsize digits = 0;

	*value = 0;
	for (; g_ascii_isxdigit(**cursor); (*cursor)++) {
		if (++digits > 16)
			return FALSE;
		*value = *value << 4 | (guint64)g_ascii_xdigit_value(**cursor);
	}
	return digits > 0;
}

/* Step over a priority, which may be negative: "(prio -1, ". */
static gboolean take_priority(const char **cursor)
{
	if (!take(cursor, " (prio "))
		return FALSE;
	*cursor += strspn(*cursor, "-0123456789");
	return take(cursor, ", ");
}

/*
 * Step over one of @blocks. An old machine type names a memory backend by its path. Names of blocks have no
 * spaces, so a device's region with a longer name is not taken for one.
 */
static const char *take_block(const char **cursor, const char *const *blocks)
{
	gsize length;

	take(cursor, "/objects/");
	length = strcspn(*cursor, " ");
	for (; *blocks != NULL; blocks++) {
		if (strlen(*blocks) == length && strncmp(*cursor, *blocks, length) == 0) {
			*cursor += length;
			return *blocks;
		}
	}
	return NULL;
}

/* Whether @text is a line of a view that shows RAM of one of @blocks. */
static gboolean parse_line(const char *text, const char *const *blocks, struct view_line *line)
{
	if (!take(&text, "  ") || !take_hex(&text, &line->first) || !take(&text, "-") ||
	    !take_hex(&text, &line->last) || !take_priority(&text))
		return FALSE;
	if (!take(&text, "ram): ") && !take(&text, "rom): "))
		return FALSE;
	line->block = take_block(&text, blocks);
	if (line->block == NULL)
		return FALSE;
	line->offset = 0;
	return !take(&text, " @") || take_hex(&text, &line->offset);
}

/* The whole pages of @line; FALSE if there are none that KVM could map. */
static gboolean whole_pages(const struct view_line *line, struct flat_range *range)
{
	const guint64 mask = PAGE_MAP_PAGE_SIZE - 1;
	guint64 first = (line->first + mask) & ~mask;
	guint64 end = (line->last + 1) & ~mask;

	if (((line->first - line->offset) & mask) != 0 || first >= end)
		return FALSE;
	range->gfn = first / PAGE_MAP_PAGE_SIZE;
	range->pages = (end - first) / PAGE_MAP_PAGE_SIZE;
	range->offset = line->offset + (first - line->first);
	range->block = line->block;
	return TRUE;
}

/* Append @line's pages to @ranges, to the last one where they go on from it. */
static gboolean add_line(GArray *ranges, const struct view_line *line, GError **error)
{
	struct flat_range range;
	struct flat_range *last = NULL;

	if (line->last < line->first || line->last >= ADDRESS_END || line->offset >= ADDRESS_END) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "QEMU's memory map has an absurd range at 0x%" G_GINT64_MODIFIER "x",
			    line->first);
		return FALSE;
	}
	if (!whole_pages(line, &range))
		return TRUE;
	if (ranges->len > 0)
		last = &g_array_index(ranges, struct flat_range, ranges->len - 1);
	if (last != NULL && range.gfn < last->gfn + last->pages) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "QEMU's memory map goes back at 0x%" G_GINT64_MODIFIER "x", line->first);
		return FALSE;
	}
	if (last != NULL && last->block == range.block && last->gfn + last->pages == range.gfn &&
	    last->offset + last->pages * PAGE_MAP_PAGE_SIZE == range.offset)
		last->pages += range.pages;
	else
		g_array_append_val(ranges, range);
	return TRUE;
}

/* The first line of the view of the address space "memory"; NULL if there is none. */
static char **find_memory_view(char **lines)
{
	for (; *lines != NULL; lines++)
		if (strcmp(*lines, " AS \"memory\", root: system") == 0)
			return lines;
	return NULL;
}

GArray *flat_view_parse(const char *text, const char *const *blocks, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct flat_range));
	char **view;

	for (char **line = lines; *line != NULL; line++)
		g_strchomp(*line); /* the monitor ends its lines with CR LF */
	view = find_memory_view(lines);
	if (view == NULL) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "QEMU's memory map does not show the address space \"memory\"");
		return NULL;
	}
	for (; *view != NULL && !g_str_has_prefix(*view, "FlatView #"); view++) {
		struct view_line line;

		if (parse_line(*view, blocks, &line) && !add_line(ranges, &line, error))
			return NULL;
	}
	if (ranges->len == 0) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "QEMU's memory map shows none of the guest's RAM");
		return NULL;
	}
	return g_steal_pointer(&ranges);
}

gboolean flat_view_parse_hva(const char *text, guint64 gpa, const char *block, guint64 *hva, GError **error)
{
	const char *const blocks[] = { block, NULL };
	g_autofree char *reply = g_strndup(text, strcspn(text, "\r\n"));
	g_autofree char *shown = NULL;
	char *close = strchr(reply, ')');
	const char *cursor = reply;
	guint64 address;

	/* "Host virtual address for 0x100000 (pc.ram) is 0x7f1403f00000": take_block() ends names at a space.
	 */
	if (close != NULL)
		*close = ' ';
	if (take(&cursor, "Host virtual address for 0x") && take_hex(&cursor, &address) && address == gpa &&
	    take(&cursor, " (") && take_block(&cursor, blocks) != NULL && take(&cursor, "  is 0x") &&
	    take_hex(&cursor, hva) && *cursor == '\0' && *hva != 0 && *hva % PAGE_MAP_PAGE_SIZE == 0)
		return TRUE;
	if (close != NULL)
		*close = ')';
	shown = g_strescape(reply, NULL);
	g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
		    "QEMU does not say where %s at 0x%" G_GINT64_MODIFIER "x lies, but '%.200s'", block, gpa,
		    shown);
	return FALSE;
}
