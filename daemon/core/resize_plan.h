/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_plan.h - how large a guest should be
 *
 * Theory of operation
 *
 * goal = clamp(working set + headroom, floor, maximum). Growing goes to the goal at once: a guest that needs
 * its memory must not wait. Shrinking goes in steps of at most shrink_step_pages a window, only when the goal
 * lies below the present size by more than the dead band, only when the last step has arrived (the balloon
 * stands at its target), and only with data of enough windows. Guest pressure is a veto: the last size
 * without pressure returns at once, and the next attempt to shrink waits, each time twice as long, up to
 * backoff_max_seconds; a quiet time of the same length halves the wait again.
 *
 * Invariants: the target is never below floor_pages nor above maximum_pages; it never falls while there is
 * pressure.
 */
#ifndef VMHEAT_CORE_RESIZE_PLAN_H
#define VMHEAT_CORE_RESIZE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/** Settings of one VM. Sizes in pages. */
struct resize_policy {
	uint64_t floor_pages;	 /* never smaller; at most the maximum */
	uint64_t headroom_pages; /* free memory that a guest keeps above its working set, at least ... */
	unsigned int
		headroom_percent; /* ... and at least this share of the working set; the larger one counts */
	uint64_t shrink_step_pages;  /* at most so much less a window; above 0 */
	uint64_t dead_band_pages;    /* smaller differences are left alone */
	unsigned int settle_windows; /* windows of data before the first shrink */
	double backoff_seconds;	     /* first wait after a veto; above 0 */
	double backoff_max_seconds;
};

/** What the guest says of its own pressure since the last window. All may be 0 where it is not known. */
struct guest_pressure {
	uint64_t swap_in_pages;
	uint64_t refault_pages;
	uint64_t oom_kills;
	double memory_stall_share; /* PSI some: 0 to 1, of the window */
};

/** From what pressure on the plan gives memory back. */
struct pressure_limits {
	uint64_t swap_in_pages; /* more than so many in a window is pressure */
	uint64_t refault_pages;
	double memory_stall_share;
};

struct resize_input {
	double now_seconds; /* monotonic */
	uint64_t working_set_pages;
	uint64_t current_pages; /* what the guest has now (balloon actual) */
	uint64_t maximum_pages; /* what it can have */
	unsigned int windows;	/* windows of data so far */
	struct guest_pressure pressure;
};

/** Memory of the plan between windows. Zero it to start. */
struct resize_state {
	uint64_t target_pages;	  /* last target given; 0: none yet */
	uint64_t last_good_pages; /* size before the last shrink step that was followed by no pressure */
	double shrink_after;	  /* no shrinking before this time */
	double backoff;		  /* the next wait */
	double calm_since;	  /* last time of pressure, or start */
};

enum resize_reason {
	RESIZE_KEEP_DEAD_BAND, /* the goal is close enough */
	RESIZE_KEEP_SETTLING,  /* not enough windows yet */
	RESIZE_KEEP_IN_FLIGHT, /* the guest has not reached the last target yet */
	RESIZE_KEEP_BACKOFF,   /* waiting after a veto */
	RESIZE_SHRINK,	       /* one step towards the goal */
	RESIZE_GROW,	       /* the goal is larger */
	RESIZE_VETO,	       /* pressure: back to the last good size */
	RESIZE_REASONS
};

/** resize_reason_name() - a word for logs and JSON; never NULL. */
const char *resize_reason_name(enum resize_reason reason);

struct resize_decision {
	enum resize_reason reason;
	uint64_t target_pages; /* where the balloon should stand now; current_pages when nothing changes */
	uint64_t goal_pages;   /* working set + headroom, clamped */
	uint64_t headroom_pages;
};

/** resize_plan() - decide for this window, and remember in @state. Pure: same inputs, same decision. */
struct resize_decision resize_plan(const struct resize_policy *policy, const struct pressure_limits *limits,
				   const struct resize_input *input, struct resize_state *state);

#endif /* VMHEAT_CORE_RESIZE_PLAN_H */
