/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * working_sets.c - the working set at any age, from what the service says of a VM
 */
#include "working_sets.h"
#include "format.h"

gboolean working_sets_at(GVariant *vm, double seconds, struct working_set_at *answer)
{
	g_autoptr(GVariant) ages = g_variant_lookup_value(vm, "ages", G_VARIANT_TYPE("a(dt)"));
	GVariantIter iter;
	double watched, idle;
	guint64 bytes;

	if (ages == NULL || !g_variant_lookup(vm, "watched", "d", &watched))
		return FALSE;
	*answer = (struct working_set_at){ .seconds = seconds, .known = watched >= seconds };
	g_variant_iter_init(&iter, ages);
	while (g_variant_iter_next(&iter, "(dt)", &idle, &bytes))
		if (idle < seconds)
			answer->bytes += bytes;
	return TRUE;
}

GVariant *working_sets_data(const struct working_set_at *answers, gsize count)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (gsize i = 0; i < count; i++) {
		GVariantDict dict;

		g_variant_dict_init(&dict, NULL);
		g_variant_dict_insert(&dict, "age", "d", answers[i].seconds);
		g_variant_dict_insert(&dict, "bytes", "t", answers[i].bytes);
		g_variant_dict_insert(&dict, "known", "b", answers[i].known);
		g_variant_builder_add_value(&builder, g_variant_dict_end(&dict));
	}
	return g_variant_builder_end(&builder);
}

char *working_sets_render(const struct working_set_at *answers, gsize count)
{
	static const char *const headings[] = { ">IDLE FOR LESS THAN", ">WORKING SET", "" };
	struct text_table *table = text_table_new(headings, G_N_ELEMENTS(headings));
	char *text;

	for (gsize i = 0; i < count; i++) {
		g_autofree char *age = format_seconds(answers[i].seconds);
		g_autofree char *size = format_size(answers[i].bytes);

		text_table_add(table, (const char *const[]){
					      age, size,
					      answers[i].known ? "" : "at most: not watched for so long" });
	}
	text = text_table_render(table);
	text_table_free(table);
	return text;
}
