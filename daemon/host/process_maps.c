/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_maps.c - the parser of /proc/PID/maps, see proc(5)
 *
 * A line is "7f0000000000-7f0010000000 rw-s 00000000 00:01 1037    /memfd:a name (deleted)". The name is all that
 * follows the blanks after the inode, and may be missing.
 */
#include "process_maps.h"
#include <string.h>
#include "vmheat/idle_bitmap.h"

#define PAGE_SIZE (G_GUINT64_CONSTANT(1) << VMHEAT_IDLE_BITMAP_PAGE_SHIFT)

/* Addresses from here on are the kernel's. */
#define KERNEL_START (G_GUINT64_CONSTANT(1) << 63)

/* A hexadecimal address that @stop follows; *text goes behind that. */
static gboolean parse_address(const char **text, char stop, guint64 *address)
{
	const char *start = *text;
	char *end;

	if (!g_ascii_isxdigit(*start))
		return FALSE;
	*address = g_ascii_strtoull(start, &end, 16);
	*text = end + 1;
	return *end == stop && end - start <= 16 && *address % PAGE_SIZE == 0;
}

static gboolean parse_permissions(const char **text, char *permissions)
{
	if (strspn(*text, "rwxps-") != 4 || (*text)[4] != ' ')
		return FALSE;
	g_strlcpy(permissions, *text, 5);
	*text += 5;
	return TRUE;
}

/* Go behind @count words and the blanks after them. */
static gboolean skip_words(const char **text, guint count)
{
	while (count-- > 0) {
		gsize length = strcspn(*text, " ");

		if (length == 0)
			return FALSE;
		*text += length;
		*text += strspn(*text, " ");
	}
	return TRUE;
}

static gboolean parse_line(const char *line, struct process_mapping *mapping)
{
	*mapping = (struct process_mapping){ 0 };
	if (!parse_address(&line, '-', &mapping->start) || !parse_address(&line, ' ', &mapping->end) ||
	    mapping->start >= mapping->end || !parse_permissions(&line, mapping->permissions) ||
	    !skip_words(&line, 3)) /* offset, device, inode */
		return FALSE;
	mapping->name = g_strdup(line);
	return TRUE;
}

static void clear_mapping(gpointer mapping)
{
	g_free(((struct process_mapping *)mapping)->name);
}

GArray *process_maps_parse(const char *text, GError **error)
{
	g_autoptr(GArray) mappings = g_array_new(FALSE, FALSE, sizeof(struct process_mapping));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	guint64 last_end = 0;

	g_array_set_clear_func(mappings, clear_mapping);
	for (gsize i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
		struct process_mapping mapping;

		if (!parse_line(lines[i], &mapping) || mapping.start < last_end) {
			g_autofree char *shown = g_strescape(lines[i], NULL);

			clear_mapping(&mapping);
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "not a line of maps: \"%s\"",
				    shown);
			return NULL;
		}
		last_end = mapping.end;
		if (mapping.start < KERNEL_START)
			g_array_append_val(mappings, mapping);
		else
			clear_mapping(&mapping);
	}
	return g_steal_pointer(&mappings);
}
