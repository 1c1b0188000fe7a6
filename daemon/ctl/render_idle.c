/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_idle.c - sorting, summing up, and two ways to show it
 */
#include "render_idle.h"
#include "format.h"
#include "vmheat/idle_bitmap.h"

/* Many mappings at once. */
struct sum {
	guint64 size, resident, idle, coarse; /* in bytes */
};

static guint64 bytes_of(guint64 pages)
{
	return pages << VMHEAT_IDLE_BITMAP_PAGE_SHIFT;
}

static void sum_add(struct sum *sum, const struct process_mapping *mapping)
{
	sum->size += mapping->end - mapping->start;
	sum->resident += bytes_of(mapping->resident);
	sum->idle += bytes_of(mapping->idle);
	sum->coarse += bytes_of(mapping->coarse);
}

static gint compare_falling(guint64 a, guint64 b)
{
	return (a < b) - (a > b);
}

static gint compare_mappings(gconstpointer a, gconstpointer b)
{
	const struct process_mapping *first = *(const struct process_mapping *const *)a;
	const struct process_mapping *second = *(const struct process_mapping *const *)b;
	gint order = compare_falling(first->resident - first->idle, second->resident - second->idle);

	if (order == 0)
		order = compare_falling(first->resident, second->resident);
	return order != 0 ? order : compare_falling(second->start, first->start);
}

/* Pointers to the mappings, in the order in which they are shown. */
static GPtrArray *sort_mappings(const struct process_report *report)
{
	GPtrArray *sorted = g_ptr_array_new();

	for (guint i = 0; i < report->mappings->len; i++)
		g_ptr_array_add(sorted, &g_array_index(report->mappings, struct process_mapping, i));
	g_ptr_array_sort(sorted, compare_mappings);
	return sorted;
}

static struct sum sum_all(const struct process_report *report)
{
	struct sum sum = { 0 };

	for (guint i = 0; i < report->mappings->len; i++)
		sum_add(&sum, &g_array_index(report->mappings, struct process_mapping, i));
	return sum;
}

/* A copy of @name that does nothing to a terminal. */
static char *printable(const char *name)
{
	g_autofree char *valid = g_utf8_make_valid(name, -1);
	GString *text = g_string_new(NULL);

	for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);

		g_string_append_unichar(text, g_unichar_isprint(character) ? character : '?');
	}
	return g_string_free(text, FALSE);
}

static char *address_range(const struct process_mapping *mapping)
{
	return g_strdup_printf("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", mapping->start,
			       mapping->end);
}

static void add_row(struct text_table *table, const struct sum *sum, const char *permissions,
		    const char *addresses, const char *name)
{
	g_autofree char *referenced = format_size(sum->resident - sum->idle), *idle = format_size(sum->idle);
	g_autofree char *resident = format_size(sum->resident), *size = format_size(sum->size);

	text_table_add(table, (const char *const[]){ referenced, idle, resident, size, permissions, addresses,
						     name });
}

static void add_mapping(struct text_table *table, const struct process_mapping *mapping)
{
	g_autofree char *addresses = address_range(mapping), *name = printable(mapping->name);
	struct sum sum = { 0 };

	sum_add(&sum, mapping);
	add_row(table, &sum, mapping->permissions, addresses, name[0] != '\0' ? name : "(anonymous)");
}

static char *render_table(const struct process_report *report, const struct sum *total, guint top)
{
	static const char *const headings[] = { ">REFERENCED", ">IDLE",	    ">RESIDENT", ">SIZE",
						"PERM",	       "ADDRESSES", "MAPPING" };
	struct text_table *table = text_table_new(headings, G_N_ELEMENTS(headings));
	g_autoptr(GPtrArray) sorted = sort_mappings(report);
	struct sum others = { 0 };
	guint other_count = 0;
	char *text;

	for (guint i = 0; i < sorted->len; i++) {
		const struct process_mapping *mapping = g_ptr_array_index(sorted, i);

		if (i < top && mapping->resident > 0) {
			add_mapping(table, mapping);
		} else {
			sum_add(&others, mapping);
			other_count++;
		}
	}
	if (other_count > 0) {
		g_autofree char *name = g_strdup_printf("(%u more)", other_count);

		add_row(table, &others, "", "", name);
	}
	add_row(table, total, "", "", "(all)");
	text = text_table_render(table);
	text_table_free(table);
	return text;
}

char *render_idle(const struct process_report *report, guint top)
{
	struct sum total = sum_all(report);
	g_autofree char *name = printable(report->name);
	g_autofree char *referenced = format_size(total.resident - total.idle);
	g_autofree char *resident = format_size(total.resident), *coarse = format_size(total.coarse);
	GString *text = g_string_new(NULL);
	g_autofree char *table = render_table(report, &total, top);

	g_string_printf(text, "process %d (%s): %s of %s were referenced in %.3f s\n", (int)report->pid, name,
			referenced, resident, report->window);
	if (report->window_longest - report->window >= 0.001)
		g_string_append_printf(
			text, "(the process was looked at piece by piece: some of it for up to %.3f s)\n",
			report->window_longest);
	if (total.coarse > 0)
		g_string_append_printf(text, "(%s of it in huge pages, of which it may have been any part)\n",
				       coarse);
	g_string_append_printf(text, "\n%s", table);
	return g_string_free(text, FALSE);
}

/* The five figures, under the same names for a mapping and for all. */
static void insert_sum(GVariantDict *dict, const struct sum *sum)
{
	g_variant_dict_insert(dict, "referenced", "t", sum->resident - sum->idle);
	g_variant_dict_insert(dict, "coarse", "t", sum->coarse);
	g_variant_dict_insert(dict, "idle", "t", sum->idle);
	g_variant_dict_insert(dict, "resident", "t", sum->resident);
	g_variant_dict_insert(dict, "size", "t", sum->size);
}

static GVariant *mapping_data(const struct process_mapping *mapping)
{
	g_autofree char *addresses = address_range(mapping), *name = g_utf8_make_valid(mapping->name, -1);
	struct sum sum = { 0 };
	GVariantDict dict;

	sum_add(&sum, mapping);
	g_variant_dict_init(&dict, NULL);
	insert_sum(&dict, &sum);
	g_variant_dict_insert(&dict, "permissions", "s", mapping->permissions);
	g_variant_dict_insert(&dict, "addresses", "s", addresses);
	g_variant_dict_insert(&dict, "name", "s", name);
	return g_variant_dict_end(&dict);
}

GVariant *render_idle_data(const struct process_report *report, guint top)
{
	g_autoptr(GPtrArray) sorted = sort_mappings(report);
	g_autofree char *name = g_utf8_make_valid(report->name, -1);
	struct sum total = sum_all(report);
	GVariantBuilder mappings;
	GVariantDict dict;

	g_variant_builder_init(&mappings, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < MIN(sorted->len, top); i++)
		g_variant_builder_add_value(&mappings, mapping_data(g_ptr_array_index(sorted, i)));
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "pid", "i", (gint32)report->pid);
	g_variant_dict_insert(&dict, "name", "s", name);
	g_variant_dict_insert(&dict, "window", "d", report->window);
	g_variant_dict_insert(&dict, "window-longest", "d", report->window_longest);
	insert_sum(&dict, &total);
	g_variant_dict_insert_value(&dict, "mappings", g_variant_builder_end(&mappings));
	return g_variant_dict_end(&dict);
}
