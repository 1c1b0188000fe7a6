/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_guests.c - drives real guests by a rival policy, and samples what they take of the host's memory
 *
 * Usage: resize_guests static|mom|probe|watch SECONDS SPEED FLOOR_MIB HOST_FREE_PERCENT NAME:PID:AGENT_SOCKET...
 *
 * Prints a line for each guest twice a second: seconds since the start, name, resident MiB of its QEMU, MiB of
 * its balloon; tabs in between. static and watch touch nothing (watch is for guests that somebody else
 * resizes, and leaves their agents alone). The policies are those of tests/sim/rival_policies.h.
 *
 * Theory of operation
 *
 * Each guest has a thread and a connection to libvirt of its own, so that one that hangs holds up no other. A
 * turn is half a second: sample, and what the policy has to do by then. Everything goes SPEED times as fast
 * as the policies' authors meant it, as a run has minutes; vmheat's times are shortened alike by who calls
 * this. The probe gets the guest's stalls from vmheat-guest, once in three of its ticks; a scan of it is what
 * that costs, as it does for vmheat.
 *
 * MOM's rule asks how much of the host is free. Here that is one number, so that the rule is judged by what it
 * does to guests and not by how large the emulated host happens to be.
 */
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "accuracy_guest.h"
#include "measure.h"
#include "rival_policies.h"

#define TURN_US	       500000.0
#define PAGES_PER_MIB  256u
#define KIB_PER_PAGE   4u
#define GUESTS_MOST    3
#define TICKS_OF_PROBE 3u

enum policy { POLICY_STATIC, POLICY_MOM, POLICY_PROBE, POLICY_WATCH, POLICIES };

static const char *const policy_names[] = { "static", "mom", "probe", "watch" };
_Static_assert(sizeof(policy_names) / sizeof(policy_names[0]) == POLICIES, "every policy has a name");

/* What holds for all guests; read-only once the threads run. */
static struct {
	enum policy policy;
	double end_us;
	double start_us;
	double speed;
	double host_free;
	uint64_t floor_pages;
} run;

struct guest {
	char *name;
	pid_t pid;
	pthread_t thread;
	virDomainPtr domain;
	struct accuracy_guest agent;
	uint64_t maximum_pages;
	uint64_t balloon_pages;
	uint64_t unused_pages;
	double next_sample_us, next_decision_us;
	struct mom_guest mom;
	struct probe_guest probe;
	uint64_t stall_us; /* as the agent said last */
};

/* A number of at most @most; ends the program if @text is none. */
static double number(const char *text, double most)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno != 0 || end == text || *end != '\0' || !(value >= 0 && value <= most)) {
		errno = 0;
		die(text);
	}
	return value;
}

/* An error of libvirt is one of the run: say it, and end. */
static void need(bool done, const struct guest *guest, const char *what)
{
	if (done)
		return;
	(void)fprintf(stderr, "%s: %s: %s\n", guest->name, what, virGetLastErrorMessage());
	exit(EXIT_FAILURE);
}

/* The second number of statm. */
static uint64_t resident_pages(const struct guest *guest)
{
	char path[64], line[128];
	FILE *file;
	char *second;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)guest->pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		die(path);
	(void)fclose(file);
	second = strchr(line, ' ');
	if (!second)
		die(path);
	return strtoull(second, NULL, 10);
}

static void read_balloon(struct guest *guest)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	int count = virDomainMemoryStats(guest->domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);

	need(count >= 0, guest, "its memory");
	for (int i = 0; i < count; i++) {
		if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON)
			guest->balloon_pages = stats[i].val / KIB_PER_PAGE;
		else if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_UNUSED)
			guest->unused_pages = stats[i].val / KIB_PER_PAGE;
	}
}

static void set_balloon(const struct guest *guest, uint64_t pages)
{
	if (pages != guest->balloon_pages)
		need(virDomainSetMemoryFlags(guest->domain, pages * KIB_PER_PAGE, VIR_DOMAIN_AFFECT_LIVE) ==
			     0,
		     guest, "its balloon");
}

/* Whether @next is due; if so, it is due again after @seconds as the policy's author counts them. */
static bool is_due(double *next_us, double now_us, double seconds)
{
	if (now_us < *next_us)
		return false;
	*next_us += seconds / run.speed * 1e6;
	if (*next_us < now_us)
		*next_us = now_us;
	return true;
}

static void run_mom(struct guest *guest, double now_us)
{
	if (is_due(&guest->next_sample_us, now_us, MOM_SAMPLE_SECONDS))
		mom_sample(&guest->mom, guest->balloon_pages, guest->unused_pages);
	if (is_due(&guest->next_decision_us, now_us, MOM_DECISION_SECONDS))
		set_balloon(guest, mom_target(&guest->mom, run.host_free, guest->balloon_pages,
					      run.floor_pages, guest->maximum_pages));
}

static void run_probe(struct guest *guest, double now_us)
{
	uint64_t before = guest->stall_us;
	uint64_t target;

	if (!is_due(&guest->next_decision_us, now_us, TICKS_OF_PROBE * PROBE_TICK_SECONDS))
		return;
	accuracy_guest_scan(&guest->agent);
	guest->stall_us = guest_stream_end(guest->agent.stream)->memory_stall_us;
	if (before == 0)
		return;
	target = probe_target(&guest->probe, TICKS_OF_PROBE, PROBE_TICK_SECONDS / run.speed,
			      (double)(guest->stall_us - before) / 1e6, guest->balloon_pages, run.floor_pages,
			      guest->maximum_pages);
	set_balloon(guest, target);
}

static void *drive(void *data)
{
	struct guest *guest = data;
	double turn_us = run.start_us;
	double now_us;

	while (turn_us < run.end_us) {
		read_balloon(guest);
		(void)printf("%.3f\t%s\t%.2f\t%.2f\n", (turn_us - run.start_us) / 1e6, guest->name,
			     (double)resident_pages(guest) / PAGES_PER_MIB,
			     (double)guest->balloon_pages / PAGES_PER_MIB);
		if (run.policy == POLICY_MOM)
			run_mom(guest, turn_us);
		else if (run.policy == POLICY_PROBE)
			run_probe(guest, turn_us);
		now_us = clock_us(CLOCK_MONOTONIC);
		turn_us += TURN_US;
		if (now_us < turn_us)
			usleep((useconds_t)(turn_us - now_us));
		else
			turn_us = now_us;
	}
	return NULL;
}

/* From NAME:PID:AGENT_SOCKET. */
static void open_guest(struct guest *guest, char *argument)
{
	char *rest, *pid, *agent;
	virConnectPtr connection = virConnectOpen("qemu:///system");
	virDomainInfo info;

	guest->name = strtok_r(argument, ":", &rest);
	pid = strtok_r(NULL, ":", &rest);
	agent = strtok_r(NULL, ":", &rest);
	if (!guest->name || !pid || !agent) {
		errno = 0;
		die("a guest is NAME:PID:AGENT_SOCKET");
	}
	guest->pid = (pid_t)number(pid, 1e9);
	need(connection != NULL, guest, "libvirt");
	guest->domain = virDomainLookupByName(connection, guest->name);
	need(guest->domain && virDomainGetInfo(guest->domain, &info) == 0, guest, "libvirt");
	guest->maximum_pages = info.maxMem / KIB_PER_PAGE;
	if (run.policy == POLICY_PROBE)
		accuracy_guest_open(&guest->agent, NULL, agent, 0, guest->maximum_pages);
	guest->next_sample_us = guest->next_decision_us = run.start_us;
}

int main(int argc, char **argv)
{
	static struct guest guests[GUESTS_MOST];
	int count = argc - 6;

	while (argc > 1 && run.policy < POLICIES && strcmp(argv[1], policy_names[run.policy]) != 0)
		run.policy++;
	if (count < 1 || count > GUESTS_MOST || run.policy == POLICIES) {
		(void)fputs("Usage: resize_guests static|mom|probe|watch SECONDS SPEED FLOOR_MIB "
			    "HOST_FREE_PERCENT "
			    "NAME:PID:AGENT_SOCKET...\n",
			    stderr);
		return 2;
	}
	run.start_us = clock_us(CLOCK_MONOTONIC);
	run.end_us = run.start_us + number(argv[2], 1e6) * 1e6;
	run.speed = number(argv[3], 100);
	run.floor_pages = (uint64_t)(number(argv[4], 1e6) * PAGES_PER_MIB);
	run.host_free = number(argv[5], 100) / 100;
	for (int i = 0; i < count; i++)
		open_guest(&guests[i], argv[6 + i]);
	for (int i = 0; i < count; i++) {
		errno = pthread_create(&guests[i].thread, NULL, drive, &guests[i]);
		if (errno != 0)
			die("a thread");
	}
	for (int i = 0; i < count; i++)
		(void)pthread_join(guests[i].thread, NULL);
	return EXIT_SUCCESS;
}
