/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * id_set.c - sets of CPUs or NUMA nodes, see id_set.h
 */
#include "id_set.h"
#include <string.h>

/* Read one decimal id at *@cursor and step over it. */
static gboolean take_id(const char **cursor, guint *id)
{
	guint value = 0;

	if (!g_ascii_isdigit(**cursor))
		return FALSE;
	for (; g_ascii_isdigit(**cursor); (*cursor)++) {
		value = value * 10 + (guint)g_ascii_digit_value(**cursor);
		if (value >= ID_SET_END)
			return FALSE;
	}
	*id = value;
	return TRUE;
}

gboolean id_set_parse(const char *text, struct id_set *set)
{
	memset(set, 0, sizeof(*set));
	text += strspn(text, " \t\n");
	while (*text != '\0') {
		guint first, last;

		if (!take_id(&text, &first))
			return FALSE;
		last = first;
		if (*text == '-') {
			text++;
			if (!take_id(&text, &last) || last < first)
				return FALSE;
		}
		for (guint id = first; id <= last; id++)
			set->words[id / 64] |= G_GUINT64_CONSTANT(1) << id % 64;
		if (*text == ',' && g_ascii_isdigit(text[1]))
			text++;
		else
			break;
	}
	return text[strspn(text, " \t\n")] == '\0';
}

gboolean id_set_has(const struct id_set *set, int id)
{
	if (id < 0 || id >= (int)ID_SET_END)
		return FALSE;
	return set->words[id / 64] >> id % 64 & 1;
}
