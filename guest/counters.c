/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.c - what the guest's kernel counts of its memory, for SCAN_END
 */
#include "counters.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "text_file.h"

/* A name, as it stands in the file up to its value, and the field that its value is added to. */
struct counter {
	const char *name;
	size_t offset;
};

static const struct counter vmstat_counters[] = {
	{ "pswpin ", offsetof(struct vmheat_scan_end, swap_in_pages) },
	{ "pswpout ", offsetof(struct vmheat_scan_end, swap_out_pages) },
	{ "pgmajfault ", offsetof(struct vmheat_scan_end, major_faults) },
	{ "oom_kill ", offsetof(struct vmheat_scan_end, oom_kills) },
	{ "workingset_refault_anon ", offsetof(struct vmheat_scan_end, refault_pages) },
	{ "workingset_refault_file ", offsetof(struct vmheat_scan_end, refault_pages) },
};

static const struct counter meminfo_counters[] = {
	{ "MemTotal:", offsetof(struct vmheat_scan_end, memory_total_kib) },
	{ "MemFree:", offsetof(struct vmheat_scan_end, memory_free_kib) },
	{ "MemAvailable:", offsetof(struct vmheat_scan_end, memory_usable_kib) },
	{ "SwapFree:", offsetof(struct vmheat_scan_end, swap_free_kib) },
};

static void add_line(struct vmheat_scan_end *end, const char *line, const struct counter *counters,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(counters[i].name);

		if (strncmp(line, counters[i].name, length) == 0) {
			uint64_t *field = (uint64_t *)((char *)end + counters[i].offset);

			*field += strtoull(line + length, NULL, 10);
			return;
		}
	}
}

void counters_add_vmstat_line(struct vmheat_scan_end *end, const char *line)
{
	add_line(end, line, vmstat_counters, sizeof(vmstat_counters) / sizeof(vmstat_counters[0]));
}

void counters_add_meminfo_line(struct vmheat_scan_end *end, const char *line)
{
	add_line(end, line, meminfo_counters, sizeof(meminfo_counters) / sizeof(meminfo_counters[0]));
}

void counters_add_pressure_line(struct vmheat_scan_end *end, const char *line)
{
	static const char kind[] = "some ";
	static const char name[] = " total=";
	const char *total = strstr(line, name);

	if (strncmp(line, kind, sizeof(kind) - 1) == 0 && total)
		end->memory_stall_us = strtoull(total + sizeof(name) - 1, NULL, 10);
}

static void take_vmstat_line(const char *line, void *context)
{
	counters_add_vmstat_line(context, line);
}

static void take_meminfo_line(const char *line, void *context)
{
	counters_add_meminfo_line(context, line);
}

static void take_pressure_line(const char *line, void *context)
{
	counters_add_pressure_line(context, line);
}

void counters_read(struct vmheat_scan_end *end, const struct guest_paths *paths)
{
	(void)text_file_read(paths->vmstat, take_vmstat_line, end);
	(void)text_file_read(paths->meminfo, take_meminfo_line, end);
	(void)text_file_read(paths->memory_pressure, take_pressure_line, end);
}
