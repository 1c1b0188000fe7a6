// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * damon.c - the kernel's DAMON, watching a process's address space, by its files in sysfs and its trace event
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <vmheat/idle_bitmap.h>
#include "damon.h"
#include "measure.h"

#define DAMON	   "/sys/kernel/mm/damon/admin/kdamonds"
#define TRACING	   "/sys/kernel/debug/tracing"
#define PAGE_SHIFT VMHEAT_IDLE_BITMAP_PAGE_SHIFT

/* Write a line of text to a file below @root. */
__attribute__((format(printf, 3, 4))) static void put(const char *root, const char *name, const char *format,
						      ...)
{
	char path[160];
	va_list arguments;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	if (!file)
		die(path);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	if (fclose(file))
		die(path);
}

/* The target's regions shall be these pages. */
static void set_regions(uint64_t first_page, size_t pages)
{
	char root[96];
	size_t page;

	put(DAMON, "0/contexts/0/targets/0/regions/nr_regions", "%zu", pages);
	for (page = 0; page < pages; page++) {
		snprintf(root, sizeof(root), DAMON "/0/contexts/0/targets/0/regions/%zu", page);
		put(root, "start", "%lu", (unsigned long)(first_page + page) << PAGE_SHIFT);
		put(root, "end", "%lu", (unsigned long)(first_page + page + 1) << PAGE_SHIFT);
	}
}

pid_t damon_start(const struct damon_settings *settings, pid_t pid, uint64_t first_page, size_t pages)
{
	char line[32];
	FILE *file;

	put(DAMON, "nr_kdamonds", "1");
	put(DAMON, "0/contexts/nr_contexts", "1");
	put(DAMON, "0/contexts/0/operations", "vaddr");
	put(DAMON, "0/contexts/0/targets/nr_targets", "1");
	put(DAMON, "0/contexts/0/targets/0/pid_target", "%d", (int)pid);
	if (settings->pages)
		set_regions(first_page, pages);
	put(DAMON, "0/contexts/0/monitoring_attrs/intervals/sample_us", "%u", settings->sample);
	put(DAMON, "0/contexts/0/monitoring_attrs/intervals/aggr_us", "%u", settings->aggregate);
	put(DAMON, "0/contexts/0/monitoring_attrs/intervals/update_us", "%u", settings->update);
	put(DAMON, "0/contexts/0/monitoring_attrs/nr_regions/max", "%u", settings->max_regions);
	put(DAMON, "0/contexts/0/monitoring_attrs/nr_regions/min", "%u", settings->min_regions);
	put(DAMON, "0/state", "on");
	file = fopen(DAMON "/0/pid", "r");
	if (!file || !fgets(line, sizeof(line), file))
		die(DAMON "/0/pid");
	fclose(file);
	return (pid_t)strtol(line, NULL, 10);
}

void damon_stop(void)
{
	put(DAMON, "0/state", "off");
	put(DAMON, "nr_kdamonds", "0");
}

void damon_trace_start(void)
{
	put(TRACING, "buffer_size_kb", "16384");
	put(TRACING, "trace", "\n");
	put(TRACING, "events/damon/damon_aggregated/enable", "1");
}

void damon_trace_stop(void)
{
	put(TRACING, "events/damon/damon_aggregated/enable", "0");
}

FILE *damon_open_trace(void)
{
	FILE *file = fopen(TRACING "/trace", "r");

	if (!file)
		die(TRACING "/trace");
	return file;
}

/* "... nr_regions=REGIONS START-END: ACCESSES AGE". */
bool damon_parse_region(const char *line, struct damon_region *region)
{
	static const char key[] = "nr_regions=";
	const char *text = strstr(line, key);
	char *end;

	if (!text)
		return false;
	region->regions = strtoul(text + strlen(key), &end, 10);
	region->start = strtoul(end, &end, 10);
	if (*end != '-')
		return false;
	region->end = strtoul(end + 1, &end, 10);
	if (*end != ':')
		return false;
	region->accesses = strtoul(end + 1, &end, 10);
	return true;
}
