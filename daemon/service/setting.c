/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * setting.c - text to value and back, one pair of functions a type
 *
 * A size or a time must carry its unit, for a bare number is what people get wrong; only 0 may go without.
 */
#include "setting.h"
#include <math.h>
#include <string.h>

G_DEFINE_QUARK(vmheat_setting_error, setting_error)

/* A unit and what it is worth in bytes or seconds, smallest first. */
struct unit {
	const char *name;
	double worth;
};

static const struct unit size_units[] = {
	{ "B", 1.0 },
	{ "KiB", 1024.0 },
	{ "MiB", 1024.0 * 1024.0 },
	{ "GiB", 1024.0 * 1024.0 * 1024.0 },
	{ "TiB", 1024.0 * 1024.0 * 1024.0 * 1024.0 },
};

static const struct unit time_units[] = {
	{ "ms", 0.001 },
	{ "s", 1.0 },
	{ "min", 60.0 },
	{ "h", 3600.0 },
};

static const char *const mode_names[] = {
	[VM_MODE_OBSERVE] = "observe",
	[VM_MODE_DRY_RUN] = "dry-run",
	[VM_MODE_ACT] = "act",
};
G_STATIC_ASSERT(G_N_ELEMENTS(mode_names) == VM_MODES);

const char *vm_mode_name(enum vm_mode mode)
{
	return (unsigned int)mode < VM_MODES ? mode_names[mode] : "?";
}

/* A number and a unit of @units, or 0 without one. */
static gboolean parse_quantity(const char *text, const struct unit *units, gsize unit_count, double *value)
{
	char *end;
	double number;

	/* strtod would take a sign, blanks, "inf" and hexadecimal too. */
	if (!g_ascii_isdigit(text[0]) || text[1] == 'x' || text[1] == 'X')
		return FALSE;
	number = g_ascii_strtod(text, &end);
	if (!isfinite(number))
		return FALSE;
	if (*end == '\0' && number == 0.0) {
		*value = 0.0;
		return TRUE;
	}
	while (*end == ' ')
		end++;
	for (gsize i = 0; i < unit_count; i++) {
		if (strcmp(end, units[i].name) == 0) {
			*value = number * units[i].worth;
			return TRUE;
		}
	}
	return FALSE;
}

/* In the largest unit that divides @value without a remainder; "0" stays without one. */
static char *format_quantity(double value, const struct unit *units, gsize unit_count)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	gsize best = 0;

	if (value == 0.0)
		return g_strdup("0");
	for (gsize i = 1; i < unit_count; i++) {
		double quotient = value / units[i].worth;

		if (quotient == floor(quotient))
			best = i;
	}
	/* Nine digits: a quotient by 0.001 is not exact, and nobody writes more. */
	g_ascii_formatd(number, sizeof(number), "%.9g", value / units[best].worth);
	return g_strconcat(number, units[best].name, NULL);
}

/* A whole number in decimal digits alone, with @suffix or without. */
static gboolean parse_whole(const char *text, const char *suffix, double *value)
{
	g_autofree char *digits = g_strdup(text);
	guint64 number;

	if (suffix != NULL && g_str_has_suffix(digits, suffix))
		digits[strlen(digits) - strlen(suffix)] = '\0';
	if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT, &number, NULL))
		return FALSE;
	*value = (double)number;
	return TRUE;
}

static gboolean parse_mode(const char *text, double *value)
{
	for (guint i = 0; i < VM_MODES; i++) {
		if (strcmp(text, mode_names[i]) == 0) {
			*value = i;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean parse_boolean(const char *text, double *value)
{
	*value = strcmp(text, "yes") == 0;
	return *value == 1.0 || strcmp(text, "no") == 0;
}

static gboolean parse_number(enum setting_type type, const char *text, double *value)
{
	switch (type) {
	case SETTING_SIZE:
		return parse_quantity(text, size_units, G_N_ELEMENTS(size_units), value);
	case SETTING_TIME:
		return parse_quantity(text, time_units, G_N_ELEMENTS(time_units), value);
	case SETTING_COUNT:
		return parse_whole(text, NULL, value);
	case SETTING_PERCENT:
		return parse_whole(text, "%", value);
	case SETTING_BOOLEAN:
		return parse_boolean(text, value);
	case SETTING_MODE:
		return parse_mode(text, value);
	case SETTING_NODE:
		*value = SETTING_NODE_AUTO;
		return strcmp(text, "auto") == 0 || parse_whole(text, NULL, value);
	default:
		return FALSE;
	}
}

/* What may stand there, for people. */
static char *describe_allowed(const struct setting *setting)
{
	g_autofree char *least = NULL, *most = NULL;

	switch (setting->type) {
	case SETTING_SIZE:
		least = format_quantity(setting->least, size_units, G_N_ELEMENTS(size_units));
		most = format_quantity(setting->most, size_units, G_N_ELEMENTS(size_units));
		return g_strdup_printf("a size from %s to %s with its unit (B, KiB, MiB, GiB, TiB)", least,
				       most);
	case SETTING_TIME:
		least = format_quantity(setting->least, time_units, G_N_ELEMENTS(time_units));
		most = format_quantity(setting->most, time_units, G_N_ELEMENTS(time_units));
		return g_strdup_printf("a time from %s to %s with its unit (ms, s, min, h)", least, most);
	case SETTING_COUNT:
		return g_strdup_printf("a whole number from %.0f to %.0f", setting->least, setting->most);
	case SETTING_PERCENT:
		return g_strdup_printf("a whole number of percent from %.0f%% to %.0f%%", setting->least,
				       setting->most);
	case SETTING_BOOLEAN:
		return g_strdup("yes or no");
	case SETTING_MODE:
		return g_strdup("observe, dry-run or act");
	case SETTING_NODE:
		return g_strdup_printf("a NUMA node's number up to %.0f, or auto", setting->most);
	default:
		return g_strdup("a text that is not empty");
	}
}

static gboolean refuse(const struct setting *setting, const char *text, GError **error)
{
	g_autofree char *allowed = describe_allowed(setting);

	g_set_error(error, SETTING_ERROR, SETTING_ERROR_VALUE, "%s = \"%s\": allowed is %s", setting->key,
		    text, allowed);
	return FALSE;
}

gboolean setting_parse(const struct setting *setting, const char *text, void *structure, GError **error)
{
	void *field = (char *)structure + setting->offset;
	double value = 0.0;

	if (setting->type == SETTING_TEXT) {
		if (text[0] == '\0')
			return refuse(setting, text, error);
		g_free(*(char **)field);
		*(char **)field = g_strdup(text);
		return TRUE;
	}
	if (!parse_number(setting->type, text, &value))
		return refuse(setting, text, error);
	if (setting->most > setting->least && (value < setting->least || value > setting->most))
		return refuse(setting, text, error);

	switch (setting->type) {
	case SETTING_SIZE:
		*(guint64 *)field = (guint64)value;
		break;
	case SETTING_TIME:
		*(double *)field = value;
		break;
	case SETTING_MODE:
		*(enum vm_mode *)field = (enum vm_mode)value;
		break;
	case SETTING_BOOLEAN:
	case SETTING_NODE:
		*(int *)field = (int)value;
		break;
	default:
		*(guint *)field = (guint)value;
		break;
	}
	return TRUE;
}

char *setting_format(const struct setting *setting, const void *structure)
{
	const void *field = (const char *)structure + setting->offset;

	switch (setting->type) {
	case SETTING_SIZE:
		return format_quantity((double)*(const guint64 *)field, size_units, G_N_ELEMENTS(size_units));
	case SETTING_TIME:
		return format_quantity(*(const double *)field, time_units, G_N_ELEMENTS(time_units));
	case SETTING_PERCENT:
		return g_strdup_printf("%u%%", *(const guint *)field);
	case SETTING_BOOLEAN:
		return g_strdup(*(const gboolean *)field ? "yes" : "no");
	case SETTING_MODE:
		return g_strdup(vm_mode_name(*(const enum vm_mode *)field));
	case SETTING_NODE:
		if (*(const int *)field == SETTING_NODE_AUTO)
			return g_strdup("auto");
		return g_strdup_printf("%d", *(const int *)field);
	case SETTING_TEXT:
		return g_strdup(*(char *const *)field);
	default:
		return g_strdup_printf("%u", *(const guint *)field);
	}
}

const struct setting *setting_find(const struct setting *table, gsize count, const char *key)
{
	for (gsize i = 0; i < count; i++)
		if (strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}

void setting_set_standards(const struct setting *table, gsize count, void *structure)
{
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GError) error = NULL;

		if (!setting_parse(&table[i], table[i].standard, structure, &error))
			g_error("wrong default: %s", error->message);
	}
}
