/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon.h - the kernel's DAMON, watching a process's address space, by its files in sysfs and its trace event
 *
 * Each function ends the program with a message if it fails.
 */
#ifndef BENCH_DAMON_H
#define BENCH_DAMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct damon_settings - DAMON's, times in us
 * @pages: give it each page as a region of its own, instead of the whole process
 */
struct damon_settings {
	const char *name;
	unsigned int sample;
	unsigned int aggregate;
	unsigned int update;
	unsigned int min_regions;
	unsigned int max_regions;
	bool pages;
};

/** damon_start() - @first_page, @pages: which, for @settings->pages. Return: DAMON's thread. */
pid_t damon_start(const struct damon_settings *settings, pid_t pid, uint64_t first_page, size_t pages);
void damon_stop(void);

/** damon_trace_start(), damon_trace_stop() - what DAMON finds in between is in the trace, and nothing else */
void damon_trace_start(void);
void damon_trace_stop(void);

/** damon_open_trace() - the trace, for reading line by line; the caller closes it. */
FILE *damon_open_trace(void);

/**
 * struct damon_region - what a line of the trace says: so many there are in all, this one was accessed so often
 *
 * Addresses are in bytes.
 */
struct damon_region {
	unsigned long regions;
	unsigned long start;
	unsigned long end;
	unsigned long accesses;
};

/** damon_parse_region() - Return: false if the line is none of DAMON's. */
bool damon_parse_region(const char *line, struct damon_region *region);

#endif /* BENCH_DAMON_H */
