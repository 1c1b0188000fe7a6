/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_memory.c - /proc/meminfo and /proc/pressure/memory
 */
#include "host_memory.h"
#include <string.h>
#include "host_error.h"

/* The number behind @name, which stands at the beginning of a line or behind a blank. */
static gboolean number_after(const char *text, const char *name, guint64 *number)
{
	for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
		const char *digits = at + strlen(name);

		if (at != text && at[-1] != '\n' && at[-1] != ' ')
			continue;
		digits += strspn(digits, " ");
		if (!g_ascii_isdigit(*digits))
			return FALSE;
		*number = g_ascii_strtoull(digits, NULL, 10);
		return TRUE;
	}
	return FALSE;
}

/* Anonymous memory that nobody maps; see host_memory.h. 0 where a figure is missing. */
static guint64 unmapped_kib(const char *text)
{
	guint64 active, inactive, mapped, shared, swap_cached;

	if (!number_after(text, "Active(anon):", &active) ||
	    !number_after(text, "Inactive(anon):", &inactive) || !number_after(text, "AnonPages:", &mapped) ||
	    !number_after(text, "Shmem:", &shared) || !number_after(text, "SwapCached:", &swap_cached))
		return 0;
	mapped += shared + swap_cached;
	return active + inactive > mapped ? active + inactive - mapped : 0;
}

gboolean host_memory_parse(const char *text, struct host_memory *memory)
{
	if (!number_after(text, "MemTotal:", &memory->total_kib) ||
	    !number_after(text, "MemAvailable:", &memory->available_kib))
		return FALSE;
	memory->available_kib = MIN(memory->available_kib + unmapped_kib(text), memory->total_kib);
	return TRUE;
}

gboolean host_memory_parse_pressure(const char *text, struct host_memory *memory)
{
	return g_str_has_prefix(text, "some ") && number_after(text, "total=", &memory->stall_us);
}

gboolean host_memory_read(struct host_memory *memory, GError **error)
{
	g_autofree char *text = NULL, *pressure = NULL;

	memset(memory, 0, sizeof(*memory));
	if (!g_file_get_contents("/proc/meminfo", &text, NULL, error))
		return FALSE;
	if (!host_memory_parse(text, memory)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "/proc/meminfo: no MemTotal or no MemAvailable");
		return FALSE;
	}
	/* Reading it fails where PSI is built in and switched off. */
	if (g_file_get_contents("/proc/pressure/memory", &pressure, NULL, NULL) &&
	    !host_memory_parse_pressure(pressure, memory)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "/proc/pressure/memory: no total of \"some\"");
		return FALSE;
	}
	return TRUE;
}
