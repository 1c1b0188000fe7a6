// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan_cost.c - what scanning costs by the size of what is scanned: a guest, or an ordinary process's memory
 *
 * Runs where KVM and kvm_idle.ko are, with the test VMM beside it. A scan is one ioctl on
 * /proc/PID/idle_bitmap. "Active" scans find every page accessed since the last one, "idle" scans none; that
 * they do is checked each time, and so is the size of the leaves. /proc/PID/pagemap of the same pages is read
 * in the same round.
 *
 * Output, tab-separated:
 *   cost  guest|process  MIB  4K|2M  ROUND  ACTIVE  IDLE  PAGEMAP
 * with processor time in us, nearly all of it the kernel's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "bench_guest.h"
#include "measure.h"

#define ROUNDS	   9
#define LEAST_MIB  64
#define MOST_MIB   2048
#define WORD_PAGES VMHEAT_IDLE_BITMAP_WORD_PAGES

/*
 * struct scanned - what is scanned
 * @by: "touch" if the guest uses the memory, "host" if the process itself does
 */
struct scanned {
	struct bench_guest guest;
	const char *by;
	int idle_map;
	int pagemap;
};

/* Scan; so many pages must be idle. Return: microseconds. */
static double scan_all(struct scanned *scanned, size_t expected)
{
	static uint64_t words[BENCH_MAX_PAGES / WORD_PAGES];
	double start = clock_us(CLOCK_THREAD_CPUTIME_ID), time;
	size_t word, idle = 0;

	bench_guest_scan(&scanned->guest, scanned->idle_map);
	time = clock_us(CLOCK_THREAD_CPUTIME_ID) - start;
	bench_guest_scanned(&scanned->guest, words);
	for (word = 0; word < scanned->guest.pages / WORD_PAGES; word++)
		idle += __builtin_popcountll(words[word]);
	if (idle != expected) {
		fprintf(stderr, "scan_cost: %zu pages idle instead of %zu\n", idle, expected);
		exit(1);
	}
	return time;
}

/* Read the pagemap of all pages. Return: microseconds. */
static double read_pagemap(const struct scanned *scanned)
{
	static uint64_t entries[BENCH_MAX_PAGES];
	double start = clock_us(CLOCK_THREAD_CPUTIME_ID);

	bench_guest_pagemap(&scanned->guest, scanned->pagemap, entries);
	return clock_us(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* How much of a process is under leaves of 2 MiB, in MiB. */
static unsigned long huge_mib(pid_t pid)
{
	FILE *file = fdopen(open_of_process(pid, "smaps_rollup", O_RDONLY), "r");
	unsigned long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "AnonHugePages:", strlen("AnonHugePages:")))
			kib = strtoul(line + strlen("AnonHugePages:"), NULL, 10);
	if (file)
		fclose(file);
	return kib >> 10;
}

static void scanned_start(struct scanned *scanned, size_t mib, bool huge, bool by_guest)
{
	bench_guest_start(&scanned->guest, mib, huge);
	scanned->by = by_guest ? "touch" : "host";
	scanned->idle_map = open_of_process(scanned->guest.vmm.pid, VMHEAT_IDLE_BITMAP_NAME, O_RDWR);
	scanned->pagemap = open_of_process(scanned->guest.vmm.pid, "pagemap", O_RDONLY);
	bench_guest_touch(&scanned->guest, scanned->by, 'w', NULL);
	scan_all(scanned, 0);
}

static void scanned_stop(struct scanned *scanned)
{
	close(scanned->idle_map);
	close(scanned->pagemap);
	bench_guest_stop(&scanned->guest);
}

static void measure(size_t mib, bool huge, bool by_guest)
{
	double active, idle, pagemap;
	struct scanned scanned;
	unsigned int round;

	scanned_start(&scanned, mib, huge, by_guest);
	if (huge_mib(scanned.guest.vmm.pid) != (huge ? mib : 0)) {
		errno = 0;
		die("the size of leaves");
	}
	for (round = 1; round <= ROUNDS; round++) {
		bench_guest_touch(&scanned.guest, scanned.by, 'r', NULL);
		active = scan_all(&scanned, 0);
		idle = scan_all(&scanned, scanned.guest.pages);
		pagemap = read_pagemap(&scanned);
		printf("cost\t%s\t%zu\t%s\t%u\t%.0f\t%.0f\t%.0f\n", by_guest ? "guest" : "process", mib,
		       huge ? "2M" : "4K", round, active, idle, pagemap);
	}
	fflush(stdout);
	scanned_stop(&scanned);
}

int main(void)
{
	size_t mib;

	for (mib = LEAST_MIB; mib <= MOST_MIB; mib *= 2) {
		measure(mib, false, true);
		measure(mib, true, true);
		measure(mib, false, false);
		measure(mib, true, false);
	}
	return 0;
}
