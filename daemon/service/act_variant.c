/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_variant.c - records as dictionaries; sizes in bytes, times in seconds
 */
#include "act_variant.h"
#include "act_record.h"

/* Records are read as UTF-8 alone, so are their texts. */
static void add_text(GVariantDict *dict, const char *key, const char *text)
{
	if (text != NULL)
		g_variant_dict_insert(dict, key, "s", text);
}

static GVariant *act(const struct act_record *record)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "act", "t", record->number);
	add_text(&dict, "vm", record->vm);
	add_text(&dict, "uuid", record->uuid);
	add_text(&dict, "kind", act_kind_name(record->kind));
	add_text(&dict, "state", act_state_name(record->state));
	g_variant_dict_insert(&dict, "begun", "d", (double)record->begun_us / 1e6);
	g_variant_dict_insert(&dict, "time", "d", (double)record->time_us / 1e6);
	add_text(&dict, "device", record->device);
	if (act_kind_is_resize(record->kind)) {
		g_variant_dict_insert(&dict, "from", "t", record->from);
		g_variant_dict_insert(&dict, "to", "t", record->to);
	} else {
		g_variant_dict_insert(&dict, "limit", "t", record->limit);
		g_variant_dict_insert(&dict, "moved", "t", record->moved);
	}
	if (record->replaces != 0)
		g_variant_dict_insert(&dict, "replaces", "t", record->replaces);
	add_text(&dict, "why", record->why);
	add_text(&dict, "note", record->note);
	return g_variant_dict_end(&dict);
}

GVariant *act_variant_history(const GArray *records)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < records->len; i++)
		g_variant_builder_add_value(&builder, act(&g_array_index(records, struct act_record, i)));
	return g_variant_builder_end(&builder);
}
