// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vs_damon.c - a scan of a guest by kvm_idle.ko beside the kernel's DAMON, on the VMM's process
 *
 * Runs in a host that has KVM and CONFIG_DAMON_VADDR, with the test VMM beside it. The guest uses a known set
 * of pages all the time, scattered over its memory. Both watch it for a second at a time and say which pages
 * are hot: the scan those that were accessed since the scan before, DAMON those in regions that were
 * found accessed at least once in an aggregation interval. What each costs is the processor time of its
 * thread; what it says is read from its trace event, in a second of its own.
 *
 * DAMON is measured with the module loaded and without it: whatever the module adds to the kernel cannot make
 * DAMON slower there.
 *
 * Output, tab-separated, a line a round:
 *   scan|damon-SETTINGS  loaded|unloaded  ROUND  TIME  REGIONS  FOUND  RIGHT  HOT     in us for each second watched
 * FOUND pages were called hot, RIGHT ones of them are, HOT ones all are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "bench_guest.h"
#include "damon.h"
#include "measure.h"

#define MIB	    128
#define PAGES	    (MIB * BENCH_PAGES_A_MIB)
#define HOT_PERCENT 5
#define ROUNDS	    3
#define WARM_UP	    3 /* seconds until DAMON has adapted its regions */
#define WATCHED	    4 /* seconds over which DAMON's cost is measured */
#define PAGE_SHIFT  VMHEAT_IDLE_BITMAP_PAGE_SHIFT
#define WORD_PAGES  VMHEAT_IDLE_BITMAP_WORD_PAGES

/* struct host - what is measured; @hot: a byte a page: the guest uses it all the time */
struct host {
	struct bench_guest guest;
	bool hot[PAGES];
	int idle_map;
	bool loaded;
};

/*
 * The kernel's own defaults; more regions at the same intervals; and what finds single pages at the least cost: one
 * look at each page a second. Regions as small as a page are neither split nor merged.
 */
static const struct damon_settings all_settings[] = {
	{ "default", 5000, 100000, 1000000, 10, 1000, false },
	{ "regions", 5000, 100000, 1000000, 1000, 10000, false },
	{ "pages", 1000000, 1000000, 1000000000, PAGES, 2 * PAGES, true },
};

/* The pages called hot by one observation, and how many regions told so. */
struct found {
	bool page[PAGES];
	unsigned int regions;
};

static void add_region(const struct bench_guest *guest, struct found *found, unsigned long start,
		       unsigned long end)
{
	uint64_t first = guest->first_page[0], page;

	for (page = start >> PAGE_SHIFT; page < end >> PAGE_SHIFT; page++)
		if (page >= first && page - first < PAGES)
			found->page[page - first] = true;
}

/* What DAMON said in the last aggregation that the trace has all regions of. They come in order of address. */
static void read_trace(const struct bench_guest *guest, struct found *found)
{
	static struct found pass; /* large */
	unsigned long previous = ~0UL;
	FILE *file = damon_open_trace();
	struct damon_region region;
	char line[256];

	*found = (struct found){ 0 };
	while (fgets(line, sizeof(line), file)) {
		if (!damon_parse_region(line, &region))
			continue;
		if (region.start <= previous)
			pass = (struct found){ 0 };
		previous = region.start;
		if (region.accesses)
			add_region(guest, &pass, region.start, region.end);
		if (++pass.regions == region.regions)
			*found = pass;
	}
	fclose(file);
	if (!found->regions)
		die("no aggregation is in the trace as a whole");
}

static void trace_damon(const struct bench_guest *guest, const struct damon_settings *settings,
			struct found *found)
{
	damon_trace_start();
	usleep(2 * settings->aggregate + 1000000);
	damon_trace_stop();
	read_trace(guest, found);
}

static void report(const struct host *host, const char *what, unsigned int round, double time,
		   const struct found *found)
{
	size_t page, hot = 0, called = 0, right = 0;

	for (page = 0; page < PAGES; page++) {
		hot += host->hot[page];
		called += found->page[page];
		right += host->hot[page] && found->page[page];
	}
	printf("%s\t%s\t%u\t%.0f\t%u\t%zu\t%zu\t%zu\n", what, host->loaded ? "loaded" : "unloaded", round,
	       time, found->regions, called, right, hot);
	fflush(stdout);
}

static void measure_damon(const struct host *host, const struct damon_settings *settings, unsigned int round)
{
	static struct found found; /* large */
	clockid_t clock =
		process_clock(damon_start(settings, host->guest.vmm.pid, host->guest.first_page[0], PAGES));
	char name[32];
	double time;

	sleep(WARM_UP);
	time = clock_us(clock);
	sleep(WATCHED);
	time = clock_us(clock) - time;
	trace_damon(&host->guest, settings, &found);
	damon_stop();
	snprintf(name, sizeof(name), "damon-%s", settings->name);
	report(host, name, round, time / WATCHED, &found);
}

static void measure_scan(struct host *host, unsigned int round)
{
	static uint64_t idle[PAGES / WORD_PAGES];
	static struct found found; /* large */
	double time;
	size_t page;

	bench_guest_scan(&host->guest, host->idle_map);
	sleep(1);
	time = clock_us(CLOCK_THREAD_CPUTIME_ID);
	bench_guest_scan(&host->guest, host->idle_map);
	time = clock_us(CLOCK_THREAD_CPUTIME_ID) - time;
	bench_guest_scanned(&host->guest, idle);
	for (page = 0; page < PAGES; page++)
		found.page[page] = !(idle[page / WORD_PAGES] >> page % WORD_PAGES & 1);
	report(host, "scan", round, time, &found);
}

static void measure_all(struct host *host)
{
	unsigned int round, i;

	for (round = 1; round <= ROUNDS; round++) {
		for (i = 0; i < sizeof(all_settings) / sizeof(all_settings[0]); i++)
			measure_damon(host, &all_settings[i], round);
		if (host->loaded)
			measure_scan(host, round);
	}
}

int main(int argc, char **argv)
{
	static struct host host; /* large */
	size_t page;

	if (argc != 2) {
		fprintf(stderr, "usage: vs_damon MODULE\n");
		return 2;
	}
	bench_guest_start(&host.guest, MIB, false);
	bench_guest_touch(&host.guest, "touch", 'w', NULL);
	for (page = 0; page < PAGES; page++)
		host.hot[page] = random() % 100 < HOT_PERCENT;
	bench_guest_touch(&host.guest, "loop", 'r', host.hot);
	measure_all(&host);
	load_module(argv[1]);
	host.loaded = true;
	host.idle_map = open_of_process(host.guest.vmm.pid, VMHEAT_IDLE_BITMAP_NAME, O_RDWR);
	measure_all(&host);
	vmm_command(&host.guest.vmm, "stop");
	bench_guest_stop(&host.guest);
	return 0;
}
