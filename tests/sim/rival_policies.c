/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rival_policies.c - how others would resize a guest, see rival_policies.h
 */
#include <math.h>
#include "rival_policies.h"

/* MOM's constants. */
#define HOST_PRESSURE 0.20
#define HOST_CRITICAL 0.05
#define GUEST_FREE    0.20
#define CHANGE_MOST   0.05
#define CHANGE_LEAST  0.0025

/* The probe's: it is fiercest at a tenth of the stalls that it strives for, and mildest at twenty times. */
#define PROBE_MOST	0.01
#define BACK_OFF_MOST	1.0
#define PROBE_STEEPNESS 10.0
#define BACK_OFF_RANGE	20.0

static double average(const uint64_t *samples, unsigned int count)
{
	unsigned int valid = count < MOM_SAMPLES ? count : MOM_SAMPLES;
	double sum = 0;

	for (unsigned int i = 0; i < valid; i++)
		sum += (double)samples[i];
	return sum / valid;
}

void mom_sample(struct mom_guest *guest, uint64_t balloon_pages, uint64_t unused_pages)
{
	guest->balloon[guest->samples % MOM_SAMPLES] = balloon_pages;
	guest->unused[guest->samples % MOM_SAMPLES] = unused_pages;
	guest->samples++;
	if (guest->samples == 2 * MOM_SAMPLES)
		guest->samples = MOM_SAMPLES;
}

/* What MOM lets a guest have free of its memory, as a part of it. */
static double guest_free_of(double host_free)
{
	if (host_free <= HOST_CRITICAL)
		return host_free - HOST_CRITICAL;
	if (host_free < HOST_PRESSURE)
		return GUEST_FREE * host_free / HOST_PRESSURE;
	return GUEST_FREE;
}

uint64_t mom_target(const struct mom_guest *guest, double host_free, uint64_t balloon_pages,
		    uint64_t floor_pages, uint64_t maximum_pages)
{
	double current = (double)balloon_pages;
	double used = average(guest->balloon, guest->samples) - average(guest->unused, guest->samples);
	double least = fmax((double)floor_pages, used + guest_free_of(host_free) * current);
	double target;

	if (host_free < HOST_PRESSURE)
		target = fmin(fmax(current * (1 - CHANGE_MOST), least), current);
	else
		target = fmin(fmax(current * (1 + CHANGE_MOST), least), (double)maximum_pages);
	return fabs(target - current) > CHANGE_LEAST * current ? (uint64_t)target : balloon_pages;
}

uint64_t probe_target(struct probe_guest *guest, unsigned int ticks, double tick_seconds,
		      double stall_seconds, uint64_t balloon_pages, uint64_t floor_pages,
		      uint64_t maximum_pages)
{
	double wanted = PROBE_STALL_SECONDS * tick_seconds / PROBE_TICK_SECONDS;
	double change, target;

	guest->ticks += ticks;
	guest->stall_seconds += stall_seconds;
	if (guest->stall_seconds > wanted) {
		double error = guest->stall_seconds / wanted / BACK_OFF_RANGE;

		change = fmin(error * error * BACK_OFF_MOST, BACK_OFF_MOST);
	} else if (guest->ticks >= PROBE_INTERVAL_TICKS) {
		double error = wanted / fmax(guest->stall_seconds, 1e-6) / PROBE_STEEPNESS;

		change = -fmin(error * error * PROBE_MOST, PROBE_MOST);
	} else {
		return balloon_pages;
	}
	guest->ticks = 0;
	guest->stall_seconds = 0;
	target = (double)balloon_pages * (1 + change);
	return (uint64_t)fmin(fmax(target, (double)floor_pages), (double)maximum_pages);
}
