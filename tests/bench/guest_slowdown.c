// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest_slowdown.c - what a guest's work takes longer, and how many instructions more, while it is scanned
 *
 * Runs where KVM and kvm_idle.ko are, with the test VMM beside it. The guest's work is laps, each one touch of
 * each of 65536 pages. It is measured without scans, and with a scan of all these pages once and ten times a
 * second. The guest has processor 1 for itself, this program processor 0.
 *
 * Output, tab-separated, a line a round:
 *   guest  SCANS-A-SECOND  ROUND  US  LAPS  SCANS
 * The time is the VMM's processor time, which the guest's is part of. insn_count.so, if there, notes the counts
 * of instructions at the round's beginning, after the last scan, and at the end of the guest's last lap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "bench_guest.h"
#include "insn_count.h"
#include "measure.h"

#define MIB	      (BENCH_SLOT_PAGES / BENCH_PAGES_A_MIB)
#define ROUNDS	      11
#define ROUND_SECONDS 3

static void pin(pid_t pid, int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(pid, sizeof(set), &set))
		die("sched_setaffinity");
}

static unsigned long laps_done(struct bench_guest *guest)
{
	return strtoul(vmm_command(&guest->vmm, "rounds"), NULL, 10);
}

/* Wait until the guest begins another lap. Return: how many are done. */
static unsigned long next_lap(struct bench_guest *guest)
{
	unsigned long now = laps_done(guest), before = now;

	while (now == before)
		now = laps_done(guest);
	return now;
}

static void mark_instructions(void)
{
	__asm__ volatile(MARK_ASM);
}

static void sleep_until(double us)
{
	struct timespec time = { .tv_sec = (time_t)(us / 1e6) };

	time.tv_nsec = (long)((us - 1e6 * (double)time.tv_sec) * 1e3);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

/* Scan so often a second, for a round. Return: how often in all. */
static unsigned int scan_for_a_round(struct bench_guest *guest, int idle_map, unsigned int frequency)
{
	double start = clock_us(CLOCK_MONOTONIC);
	unsigned int scan;

	for (scan = 0; scan < frequency * ROUND_SECONDS; scan++) {
		bench_guest_scan(guest, idle_map);
		sleep_until(start + 1e6 * (scan + 1) / frequency);
	}
	sleep_until(start + 1e6 * ROUND_SECONDS);
	return scan;
}

static void measure(struct bench_guest *guest, int idle_map, unsigned int frequency, unsigned int round)
{
	clockid_t clock = process_clock(guest->vmm.pid);
	unsigned long laps = next_lap(guest);
	double time = clock_us(clock);
	unsigned int scans;

	mark_instructions();
	scans = scan_for_a_round(guest, idle_map, frequency);
	mark_instructions();
	laps = next_lap(guest) - laps;
	mark_instructions();
	time = clock_us(clock) - time;
	printf("guest\t%u\t%u\t%.0f\t%lu\t%u\n", frequency, round, time, laps, scans);
	fflush(stdout);
}

int main(void)
{
	static const unsigned int frequencies[] = { 0, 1, 10 };
	struct bench_guest guest;
	unsigned int round, i;
	int idle_map;

	bench_guest_start(&guest, MIB, false);
	pin(0, 0);
	pin(guest.vmm.pid, 1);
	idle_map = open_of_process(guest.vmm.pid, VMHEAT_IDLE_BITMAP_NAME, O_RDWR);
	bench_guest_touch(&guest, "touch", 'w', NULL);
	bench_guest_touch(&guest, "loop", 'r', NULL);
	for (round = 1; round <= ROUNDS; round++)
		for (i = 0; i < sizeof(frequencies) / sizeof(frequencies[0]); i++)
			measure(&guest, idle_map, frequencies[i], round);
	vmm_command(&guest.vmm, "stop");
	close(idle_map);
	bench_guest_stop(&guest);
	return 0;
}
