// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_limits.c - a scan holds nobody up: neither its caller, nor who wants to kill it, nor the guest
 *
 * Times are those of an emulated host, on processors that it shares with others; so medians are judged, with
 * room to spare.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "idle_check.h"
#include "idle_map.h"
#include "page_scan.h"
#include "toucher.h"
#include "vmm_client.h"

#define PROCESS_PAGES 131072 /* 512 MiB: a scan takes many times the budget */
#define BUDGET_US     500
#define SLOT	      0
#define GUEST_PAGES   2048
#define KILLS	      20
#define FAULT_ROUNDS  41

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare_seconds(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_seconds);
	return values[count / 2];
}

static void start_toucher(struct toucher *toucher)
{
	bool *all = malloc(PROCESS_PAGES);

	toucher_start(toucher, PROCESS_PAGES, false);
	if (!all)
		exit(1);
	memset(all, true, PROCESS_PAGES);
	toucher_touch(toucher, 'w', all);
	free(all);
}

static int scan_once(int fd, uint64_t start, uint64_t end, uint64_t budget_us, uint64_t *next)
{
	struct vmheat_idle_scan scan = {
		.size = sizeof(scan), .start = start, .end = end, .budget_us = budget_us
	};
	int ret = ioctl(fd, VMHEAT_IDLE_IOC_SCAN, &scan) ? -errno : 0;

	*next = scan.next;
	return ret;
}

/* Scan a process to its end by calls with a budget. Return: their median time, 0 if one failed. */
static double call_time(int fd, uint64_t start, uint64_t budget_us, size_t *calls)
{
	double times[PROCESS_PAGES / SCAN_BLOCK_PAGES] = { 0 };
	uint64_t end = start + PROCESS_PAGES * IDLE_PAGE_SIZE;

	for (*calls = 0; start < end; ++*calls) {
		double started = seconds_now();

		if (scan_once(fd, start, end, budget_us, &start))
			return 0;
		times[*calls] = seconds_now() - started;
	}
	return median(times, *calls);
}

/*
 * A call with a budget takes at most twice the budget longer than one that does the least that is possible: a
 * single block, and flushing the TLBs, which an emulator is slow at.
 */
static bool limits_budget(void)
{
	struct toucher toucher;
	double least, limited;
	size_t calls;
	int fd;

	start_toucher(&toucher);
	fd = idle_map_open(toucher.pid);
	least = call_time(fd, toucher.address, 1, &calls);
	EXPECT(least > 0 && calls == PROCESS_PAGES / SCAN_BLOCK_PAGES, "%zu calls", calls);
	limited = call_time(fd, toucher.address, BUDGET_US, &calls);
	printf("%.0f us by a budget of 1 us; %.0f us by one of %d us, %zu calls\n", least * 1e6,
	       limited * 1e6, BUDGET_US, calls);
	EXPECT(limited > 0 && calls > 1 && limited < least + 2 * BUDGET_US / 1e6);
	close(fd);
	toucher_end(&toucher);
	return true;
}

/* A child that does nothing but scan. */
static pid_t start_scanner(pid_t pid, uint64_t start, uint64_t end)
{
	pid_t scanner = fork();
	uint64_t next;
	int fd;

	if (scanner)
		return scanner;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = idle_map_open(pid);
	while (!scan_once(fd, start, end, 0, &next))
		;
	_exit(1);
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A scanner that is killed, most likely in the middle of a scan, is gone at once. */
static bool limits_killed(void)
{
	double times[KILLS], started;
	struct toucher toucher;
	size_t i;

	start_toucher(&toucher);
	for (i = 0; i < KILLS; i++) {
		pid_t scanner = start_scanner(toucher.pid, toucher.address,
					      toucher.address + PROCESS_PAGES * IDLE_PAGE_SIZE);

		usleep(20000 + random_below(5000));
		EXPECT(waitpid(scanner, NULL, WNOHANG) == 0, "the scanner has ended by itself");
		started = seconds_now();
		end_child(scanner);
		times[i] = seconds_now() - started;
	}
	printf("gone after %.1f ms, at most %.1f ms\n", median(times, KILLS) * 1e3, times[KILLS - 1] * 1e3);
	EXPECT(median(times, KILLS) < 0.02);
	toucher_end(&toucher);
	return true;
}

/* How long the guest takes to fault all its pages in again: the median. */
static double fault_time(struct vmm_client *vmm)
{
	double times[FAULT_ROUNDS];
	unsigned int round;
	bool all[GUEST_PAGES];

	memset(all, true, sizeof(all));
	for (round = 0; round < FAULT_ROUNDS; round++) {
		double started;

		vmm_touch(vmm, "host", 'u', SLOT, all, GUEST_PAGES);
		started = seconds_now();
		vmm_touch(vmm, "touch", 'w', SLOT, all, GUEST_PAGES);
		times[round] = seconds_now() - started;
	}
	return median(times, FAULT_ROUNDS);
}

/* While somebody scans without a pause, the guest's page faults take at most three times as long. */
static bool limits_faults(void)
{
	struct vmm_client vmm;
	double alone, scanned;
	uintptr_t address;
	pid_t scanner;

	vmm_start(&vmm);
	address = vmm_slot_add(&vmm, SLOT, GUEST_PAGES, BACKING_SMALL, 0);
	alone = fault_time(&vmm);
	scanner = start_scanner(vmm.pid, address, address + GUEST_PAGES * IDLE_PAGE_SIZE);
	scanned = fault_time(&vmm);
	EXPECT(waitpid(scanner, NULL, WNOHANG) == 0, "the scanner has ended by itself");
	end_child(scanner);
	printf("%d faults: %.1f ms alone, %.1f ms while it is scanned\n", GUEST_PAGES, alone * 1e3,
	       scanned * 1e3);
	EXPECT(scanned < 3 * alone);
	vmm_end(&vmm, false);
	return true;
}

const struct check limits_checks[] = {
	{ "limits-budget", limits_budget },
	{ "limits-killed", limits_killed },
	{ "limits-faults", limits_faults },
	{ NULL, NULL },
};
