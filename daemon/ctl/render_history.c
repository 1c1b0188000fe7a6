/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_history.c - one row an act
 */
#include "render_history.h"
#include "format.h"
#include "lookup.h"

/* What was done: "balloon 384.0 MiB -> 320.0 MiB", "moved 12.0 MiB". */
static char *describe(GVariant *act)
{
	g_autofree char *from = size_of(act, "from"), *to = size_of(act, "to"),
			*moved = size_of(act, "moved");

	if (from != NULL && to != NULL)
		return g_strdup_printf("%s %s -> %s",
				       text_of(act, "kind") != NULL ? text_of(act, "kind") : "?", from, to);
	return moved != NULL ? g_strdup_printf("moved %s", moved) : NULL;
}

static char *when(GVariant *act)
{
	g_autoptr(GDateTime) time = NULL;
	double seconds;

	if (!g_variant_lookup(act, "begun", "d", &seconds) || !(seconds >= 0.0 && seconds < 1e11))
		return NULL;
	time = g_date_time_new_from_unix_local((gint64)seconds);
	return time == NULL ? NULL : g_date_time_format(time, "%F %T");
}

char *render_history(GVariant *acts)
{
	static const char *const headings[] = { ">ACT", "BEGUN", "VM", "WHAT", "STATE", "WHY" };
	struct text_table *table = text_table_new(headings, G_N_ELEMENTS(headings));
	GVariantIter iter;
	GVariant *act;
	char *lines;

	g_variant_iter_init(&iter, acts);
	while ((act = g_variant_iter_next_value(&iter)) != NULL) {
		g_autofree char *what = describe(act), *begun = when(act), *number = NULL, *why = NULL;
		const char *note = text_of(act, "note");
		guint64 value;

		if (g_variant_lookup(act, "act", "t", &value))
			number = g_strdup_printf("%" G_GUINT64_FORMAT, value);
		if (note != NULL && text_of(act, "why") != NULL)
			why = g_strdup_printf("%s (%s)", text_of(act, "why"), note);
		text_table_add(table, (const char *const[]){ number, begun, text_of(act, "vm"), what,
							     text_of(act, "state"),
							     why != NULL ? why : text_of(act, "why") });
		g_variant_unref(act);
	}
	lines = text_table_render(table);
	text_table_free(table);
	return lines;
}
