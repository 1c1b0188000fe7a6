/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget.h - how much of something the agent may use in the long run
 *
 * Theory of operation
 *
 * Units flow in at a steady rate up to what a while of rest may save; work takes out what it used when it is done, even if
 * that is more than there is. Work may begin whenever the level is not below zero. So one scan always runs to its end, and
 * after a costly one there is a pause that makes up for it. It knows no clock: times are handed in.
 */
#ifndef VMHEAT_GUEST_BUDGET_H
#define VMHEAT_GUEST_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/** What a rest may save: as much as flows in in this time. */
#define BUDGET_SAVED_SECONDS 10.0

/** A rate of 0 is no limit. Set the rate, zero the rest. */
struct budget {
	double rate;	  /* units a second */
	double level;	  /* units that may be used */
	uint64_t last_ns; /* when the level was computed; 0: never, and it is full */
};

/** budget_allows() - whether work may begin at @now_ns, of a monotonic clock, not 0. */
bool budget_allows(struct budget *budget, uint64_t now_ns);

/** budget_spend() - so many units were used. */
void budget_spend(struct budget *budget, double units);

#endif /* VMHEAT_GUEST_BUDGET_H */
