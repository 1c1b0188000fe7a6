/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rival_policies.h - how others would resize a guest: as pure functions, to be compared with resize_plan.h
 *
 * Theory of operation
 *
 * Two policies that people use today, written anew from what their authors published. Neither knows which
 * pages are used; both are given what they ask for, and drive the same balloon as vmheat does.
 *
 * - MOM: the balloon rule of oVirt's Memory Overcommitment Manager (doc/balloon.rules), with its constants. It
 *   shrinks all guests while less than 20 % of the host's memory are free, each towards what it uses and a
 *   share of free memory that sinks with the host's, by at most 5 % at a time, and else lets them grow by as
 *   much. "Used" is all that is not in the guest's free lists, as an average of ten samples. At 5 % and below
 *   it makes guests swap on purpose.
 * - The probe: senpai's (Facebook, 2019), with its constants, the balloon in the place of a cgroup's
 *   memory.high. As long as the guest stalls for memory for less than a little it is made smaller, by at most
 *   1 % an interval; when it stalls for longer it gets memory back, the more the longer, at most as much
 *   again as it has.
 *
 * Sizes in pages. A target is where the balloon should stand: what it is now, if nothing is to be done.
 */
#ifndef VMHEAT_TESTS_RIVAL_POLICIES_H
#define VMHEAT_TESTS_RIVAL_POLICIES_H

#include <stdint.h>

/** Samples of which MOM takes the average, and how many seconds lie between them and between decisions. */
#define MOM_SAMPLES	     10u
#define MOM_SAMPLE_SECONDS   5.0
#define MOM_DECISION_SECONDS 10.0

/** What MOM remembers of a guest. Zero it to start. */
struct mom_guest {
	uint64_t balloon[MOM_SAMPLES];
	uint64_t unused[MOM_SAMPLES];
	unsigned int samples; /* so far; the oldest is overwritten */
};

/** mom_sample() - take note of the balloon, and of what is in the guest's free lists. */
void mom_sample(struct mom_guest *guest, uint64_t balloon_pages, uint64_t unused_pages);

/**
 * mom_target() - MOM's decision
 * @host_free: the free part of the host's memory, 0 to 1
 *
 * There must have been a sample.
 */
uint64_t mom_target(const struct mom_guest *guest, double host_free, uint64_t balloon_pages,
		    uint64_t floor_pages, uint64_t maximum_pages);

/** Of the probe: stalls that it strives for, in each interval of so many ticks. */
#define PROBE_TICK_SECONDS   1.0
#define PROBE_INTERVAL_TICKS 6u
#define PROBE_STALL_SECONDS  0.01

/** What the probe remembers of a guest. Zero it to start. */
struct probe_guest {
	double stall_seconds; /* since it last changed the size */
	unsigned int ticks;   /* likewise */
};

/**
 * probe_target() - the probe's decision after @ticks ticks
 * @stall_seconds: stalled for memory (PSI some) in them
 * @tick_seconds:  what a tick takes: PROBE_TICK_SECONDS, or less where everything goes faster
 */
uint64_t probe_target(struct probe_guest *guest, unsigned int ticks, double tick_seconds,
		      double stall_seconds, uint64_t balloon_pages, uint64_t floor_pages,
		      uint64_t maximum_pages);

#endif /* VMHEAT_TESTS_RIVAL_POLICIES_H */
