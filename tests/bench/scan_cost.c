// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan_cost.c - what scanning a guest costs, to the host by the guest's size, and to the guest
 *
 * Runs where KVM and kvm_idle.ko are, with the test VMM beside it. A scan is to read the idle bits of all the
 * guest's pages and to mark all of them again, by /proc/PID/idle_bitmap. "Active" scans find every page
 * accessed by the guest since the last one, "idle" scans none; that they do is checked each time.
 * /proc/PID/pagemap of the same pages is read in the same round. Time is elapsed time on a host with nothing else
 * to do: the emulated host's processor clocks go by its timer interrupt, which is too coarse.
 *
 * Output, tab-separated:
 *   cost  SIZE-MIB  4K|2M  HUGE-MIB  ROUND  ACTIVE-READ  ACTIVE-MARK  IDLE-READ  IDLE-MARK  PAGEMAP     in us
 *   guest SCANS-A-SECOND  ROUND  US-A-LAP  LAPS
 * HUGE-MIB is how much of the guest's memory the process has under leaves of 2 MiB. A lap is one touch of each of
 * 65536 pages by the guest; the time is the VMM's processor time, which the guest's is part of.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "vmm_client.h"

#define SLOT_PAGES    65536UL /* 256 MiB: the test VMM's largest */
#define MAX_SLOTS     4
#define PAGES_A_MIB   256UL
#define ROUNDS	      9
#define GUEST_ROUNDS  5
#define GUEST_SECONDS 3.0
#define WORDS(pages)  ((pages) / VMHEAT_IDLE_BITMAP_WORD_PAGES)
#define WORD_BYTES    sizeof(uint64_t)

/* struct guest - the VMM, its slots, and the files that tell about them */
struct guest {
	struct vmm_client vmm;
	unsigned int slots;
	size_t slot_pages;
	uint64_t first_page[MAX_SLOTS];
	int idle_map;
	int pagemap;
};

static void die(const char *what)
{
	fprintf(stderr, "scan_cost: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
	exit(1);
}

static int open_of_process(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void guest_start(struct guest *guest, size_t mib, bool huge)
{
	size_t pages = mib * PAGES_A_MIB;
	unsigned int i;

	vmm_start(&guest->vmm);
	guest->slot_pages = pages < SLOT_PAGES ? pages : SLOT_PAGES;
	guest->slots = pages / guest->slot_pages;
	for (i = 0; i < guest->slots; i++)
		guest->first_page[i] = vmm_slot_add(&guest->vmm, i, guest->slot_pages,
						    huge ? BACKING_HUGE : BACKING_SMALL, 0) >>
				       VMHEAT_IDLE_BITMAP_PAGE_SHIFT;
	guest->idle_map = open_of_process(guest->vmm.pid, VMHEAT_IDLE_BITMAP_NAME, O_RDWR);
	guest->pagemap = open_of_process(guest->vmm.pid, "pagemap", O_RDONLY);
}

static void guest_stop(struct guest *guest)
{
	close(guest->idle_map);
	close(guest->pagemap);
	vmm_end(&guest->vmm, false);
}

static void guest_touch_all(struct guest *guest, char mode)
{
	unsigned int i;

	for (i = 0; i < guest->slots; i++)
		vmm_command(&guest->vmm, "touch %c %u 0-%zu", mode, i, guest->slot_pages - 1);
}

static double microseconds(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		die("clock_gettime");
	return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

static void transferred(ssize_t done, size_t bytes, const char *what)
{
	if (done < 0 || (size_t)done != bytes) {
		errno = done < 0 ? errno : 0;
		die(what);
	}
}

/* Mark all pages idle. Return: microseconds. */
static double mark_all(const struct guest *guest)
{
	static uint64_t ones[WORDS(SLOT_PAGES)];
	size_t bytes = WORDS(guest->slot_pages) * WORD_BYTES;
	double start;
	unsigned int i;

	memset(ones, 0xff, sizeof(ones));
	start = microseconds(CLOCK_MONOTONIC);
	for (i = 0; i < guest->slots; i++)
		transferred(pwrite(guest->idle_map, ones, bytes, (off_t)WORDS(guest->first_page[i]) * 8),
			    bytes, "marking");
	return microseconds(CLOCK_MONOTONIC) - start;
}

/* Read all idle bits. Return: microseconds; @idle: how many pages are idle. */
static double read_all(const struct guest *guest, size_t *idle)
{
	static uint64_t words[MAX_SLOTS][WORDS(SLOT_PAGES)];
	size_t count = WORDS(guest->slot_pages), word;
	double start = microseconds(CLOCK_MONOTONIC), time;
	unsigned int i;

	for (i = 0; i < guest->slots; i++)
		transferred(pread(guest->idle_map, words[i], count * WORD_BYTES,
				  (off_t)WORDS(guest->first_page[i]) * 8),
			    count * WORD_BYTES, "reading");
	time = microseconds(CLOCK_MONOTONIC) - start;
	*idle = 0;
	for (i = 0; i < guest->slots; i++)
		for (word = 0; word < count; word++)
			*idle += __builtin_popcountll(words[i][word]);
	return time;
}

/* Read the pagemap of all pages. Return: microseconds. */
static double read_pagemap(const struct guest *guest)
{
	static uint64_t entries[SLOT_PAGES];
	size_t bytes = guest->slot_pages * WORD_BYTES;
	double start = microseconds(CLOCK_MONOTONIC);
	unsigned int i;

	for (i = 0; i < guest->slots; i++)
		transferred(pread(guest->pagemap, entries, bytes, (off_t)(guest->first_page[i] * WORD_BYTES)),
			    bytes, "pagemap");
	return microseconds(CLOCK_MONOTONIC) - start;
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

static void expect_idle(size_t idle, size_t expected)
{
	if (idle != expected) {
		fprintf(stderr, "scan_cost: %zu pages idle instead of %zu\n", idle, expected);
		exit(1);
	}
}

static void measure_cost(size_t mib, bool huge)
{
	double active_read, active_mark, idle_read, idle_mark, pagemap;
	size_t pages = mib * PAGES_A_MIB, idle;
	struct guest guest;
	unsigned int round;

	guest_start(&guest, mib, huge);
	guest_touch_all(&guest, 'w');
	mark_all(&guest);
	for (round = 1; round <= ROUNDS; round++) {
		guest_touch_all(&guest, 'r');
		active_read = read_all(&guest, &idle);
		expect_idle(idle, 0);
		active_mark = mark_all(&guest);
		idle_read = read_all(&guest, &idle);
		expect_idle(idle, pages);
		idle_mark = mark_all(&guest);
		pagemap = read_pagemap(&guest);
		printf("cost\t%zu\t%s\t%lu\t%u\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", mib, huge ? "2M" : "4K",
		       huge_mib(guest.vmm.pid), round, active_read, active_mark, idle_read, idle_mark,
		       pagemap);
	}
	fflush(stdout);
	guest_stop(&guest);
}

/* Scan so often a second, for a while. */
static void scan_for_a_while(const struct guest *guest, unsigned int frequency)
{
	double end = microseconds(CLOCK_MONOTONIC) + 1e6 * GUEST_SECONDS, now, next;
	size_t idle;

	for (next = microseconds(CLOCK_MONOTONIC); (now = microseconds(CLOCK_MONOTONIC)) < end;) {
		if (frequency && now >= next) {
			read_all(guest, &idle);
			mark_all(guest);
			next += 1e6 / frequency;
		}
		usleep(5000);
	}
}

static unsigned long guest_laps(struct guest *guest)
{
	return strtoul(vmm_command(&guest->vmm, "rounds"), NULL, 10);
}

static void measure_guest(void)
{
	static const unsigned int frequencies[] = { 0, 1, 10 };
	unsigned int round, i;
	struct guest guest;
	clockid_t clock;

	guest_start(&guest, SLOT_PAGES / PAGES_A_MIB, false);
	if (clock_getcpuclockid(guest.vmm.pid, &clock))
		die("clock_getcpuclockid");
	guest_touch_all(&guest, 'w');
	vmm_command(&guest.vmm, "loop r 0 0-%zu", guest.slot_pages - 1);
	for (round = 1; round <= GUEST_ROUNDS; round++) {
		for (i = 0; i < sizeof(frequencies) / sizeof(frequencies[0]); i++) {
			double time = microseconds(clock);
			unsigned long laps = guest_laps(&guest);

			scan_for_a_while(&guest, frequencies[i]);
			laps = guest_laps(&guest) - laps;
			time = microseconds(clock) - time;
			printf("guest\t%u\t%u\t%.1f\t%lu\n", frequencies[i], round, time / (double)laps,
			       laps);
		}
	}
	vmm_command(&guest.vmm, "stop");
	guest_stop(&guest);
}

int main(void)
{
	static const size_t sizes[] = { 64, 128, 256, 512, 1024 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		measure_cost(sizes[i], false);
		measure_cost(sizes[i], true);
	}
	measure_guest();
	return 0;
}
