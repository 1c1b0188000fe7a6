/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_plan.h - how large a guest should be
 *
 * Theory of operation
 *
 * goal = clamp(working set + kept + headroom, floor, maximum). Kept is memory that the guest does not use and
 * still cannot give: its kernel's own, and anonymous memory beyond its swap space. Without it the headroom
 * would be eaten up, and a guest whose goal looks comfortable would thrash. It rests on the guest's word, so
 * only so much of it counts (kept_percent): a guest that lies hoards no more than that. When the host is short
 * of memory, what it leaves the guest (limit; memory_tax.h) cuts the goal, but never below the floor. The plan
 * keeps a target: where the balloon should stand, or what it and virtio-mem should give together (resize_device.h); what is
 * said of the balloon below holds for both. The guest stands at its target, or is on its way to it (in
 * flight). Once a window, the first line that is true decides:
 *
 *	what is so                                         reason      target becomes
 *	the guest is under pressure                        veto        last good size, or more; see below
 *	and has been spared for long (below)               yield       limit, but at most one step down
 *	goal above the target by more than the dead band   grow        goal
 *	the target is below the floor                      grow        floor
 *	a shrink has not arrived in time                   refused     what the guest has
 *	the guest is on its way above its limit            yield       limit, or what it has
 *	the guest is on its way                            in-flight
 *	too few windows of data                            settling
 *	it has more than its limit and the dead band       yield       limit, but at most one step down
 *	no squeeze is due (below)                          dead-band
 *	a wait is not over                                 backoff
 *	the guest misses some of its memory                strained
 *	goal below by more than the dead band              shrink      goal, but at most one step down
 *	else                                               squeeze     what the guest has, less what it lacks
 *
 * - Growing goes to the goal at once: a guest that needs its memory must not wait. No wait and no step in
 *   flight holds it up; a shrink in flight is turned around. Only data of too few windows does: all that is
 *   not yet known to be old counts as working set, and every start of the daemon would blow up its guests.
 *   A guest in need is helped by its pressure even then.
 * - Shrinking goes step by step. The size that a step leaves is the last good size: the guest stood there and
 *   was not under pressure.
 * - Where swap space is slow a guest that thrashes brings little in, and as it does not get to its other memory
 *   that looks unused. So a guest that swaps in, or refaults, more than a RESIZE_STRAIN_PART of what counts as
 *   pressure is not shrunk in that window. To yield to the host this is no excuse.
 * - While a shrink is in flight, stalls are not pressure: the balloon's own allocations wait for reclaim then,
 *   and PSI does not tell whose stalls it counts. What was taken too much shows as swap-in and refaults.
 * - Headroom is memory that a guest can use at once. But a guest fills what it has with memory that it does not
 *   use any more, and must first swap that out when it grows. So where it says how much it can use without
 *   (usable), and stands at its goal with less than the headroom, it is squeezed: by what it lacks, at most a
 *   step, so that its coldest memory goes; the next window's growing back to the goal leaves the room free. A
 *   squeeze that gained less than half of what it took was in vain, and counts as a step that failed.
 * - The host's need does not wait: a guest yields though a wait is not over. Pressure spares it, but not for
 *   ever, as it rests on the guest's word: after RESIZE_SPARED_WINDOWS windows it yields a step all the same,
 *   unless its OOM killer has just been at work; the others pay meanwhile. What it gets back is cut by the limit,
 *   too; it then just keeps what it has. Nothing but the floor protects it for good.
 * - Pressure is a veto: the target becomes the largest of the last good size, the goal, the target and what
 *   the guest has. A guest that stood at all that for the whole window needs more, and gets a step.
 * - A step fails if it is vetoed, or does not arrive within RESIZE_FLIGHT_WINDOWS (a balloon driver that is
 *   gone or stops half way, somebody else who sets the size). Then shrinking waits for backoff_seconds; each
 *   further step that fails doubles the wait, up to backoff_max_seconds. Pressure without a step in between
 *   begins the same wait again. Once a wait is over, quiet time counts: as much of it as the wait was long
 *   halves the wait, and below backoff_seconds it is forgotten.
 * - Growth that does not arrive in time is asked for anew, if it is still wanted.
 * - A maximum that sinks cuts the target and the last good size; one that rises only leaves room.
 *
 * Invariants: the target is never below floor_pages nor above maximum_pages, nor rises above the limit. With a
 * veto it never falls (but with a falling maximum or limit) and is never below what the guest has. Nothing that
 * the balloon is told takes more than one step of what the guest has.
 */
#ifndef VMHEAT_CORE_RESIZE_PLAN_H
#define VMHEAT_CORE_RESIZE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/** Windows that a guest has to reach a new target, counted from the one that begins with it. */
#define RESIZE_FLIGHT_WINDOWS 4u

/** Windows for which pressure spares a guest that should yield, before each step. */
#define RESIZE_SPARED_WINDOWS 4u

/** The part of what counts as pressure from which on a guest is not shrunk any further. */
#define RESIZE_STRAIN_PART 4u

/** Settings of one VM. Sizes in pages. */
struct resize_policy {
	uint64_t floor_pages;	       /* never smaller; a floor above the maximum counts as the maximum */
	uint64_t headroom_pages;       /* free memory a guest keeps above its working set, at least ... */
	unsigned int headroom_percent; /* ... and at least this share of the working set; the larger counts */
	unsigned int kept_percent;     /* more than this share of the maximum is not believed to be kept */
	uint64_t shrink_step_pages;    /* at most so much less a window; above 0 */
	uint64_t dead_band_pages;      /* smaller differences are left alone; best below the headroom */
	unsigned int settle_windows;   /* windows of data before the working set is believed */
	double backoff_seconds;	       /* first wait after a step that failed; above 0 */
	double backoff_max_seconds;    /* no wait is longer */
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

/** What is known of a VM at the end of a window. */
struct resize_input {
	double now_seconds;	    /* monotonic */
	uint64_t working_set_pages; /* the estimate */
	uint64_t kept_pages;	/* idle, but not to be had, by the guest's word; 0 where it is not known */
	uint64_t current_pages; /* what the guest has now; above 0 */
	uint64_t maximum_pages; /* what it can have; a current size above it counts as the maximum */
	bool limited;		/* the host is short of memory, and ... */
	uint64_t limit_pages;	/* ... leaves the guest so much */
	bool usable_known;
	uint64_t usable_pages; /* what the guest could use without swapping (MemAvailable) */
	unsigned int windows;  /* windows of data so far */
	struct guest_pressure pressure;
};

/** Why. The first ones leave the balloon alone, see resize_reason_is_act(). */
enum resize_reason {
	RESIZE_KEEP_DEAD_BAND, /* the goal is close enough */
	RESIZE_KEEP_SETTLING,  /* not enough windows yet */
	RESIZE_KEEP_IN_FLIGHT, /* the guest has not reached the last target yet */
	RESIZE_KEEP_BACKOFF,   /* waiting after a step that failed */
	RESIZE_KEEP_STRAINED,  /* the guest misses some of its memory already */
	RESIZE_SHRINK,	       /* one step towards the goal */
	RESIZE_YIELD,	       /* one step towards what a host that is short of memory leaves the guest */
	RESIZE_SQUEEZE,	       /* below the goal for a window, so that the headroom gets free */
	RESIZE_GROW,	       /* the goal is larger */
	RESIZE_VETO,	       /* pressure: back to the last good size */
	RESIZE_REFUSED,	       /* the guest does not give it: the balloon stays where it is */
	RESIZE_REASONS
};

/**
 * Memory of the plan between windows. Zero it to start.
 *
 * A caller that does not carry a decision out (a dry run, a balloon that cannot be reached) keeps the state
 * from before the decision. An actuator that must round writes the size that it really asked for into
 * target_pages.
 */
struct resize_state {
	uint64_t target_pages;	  /* where the balloon should stand; 0: not known, take what the guest has */
	uint64_t last_good_pages; /* the size that the last shrink step left */
	double shrink_after;	  /* no shrinking before this time */
	double backoff;		  /* the last wait, as far as it is not forgotten; 0: none */
	double calm_since;	  /* quiet time counts from here: the end of the last wait */
	unsigned int flight_windows; /* since the target was set; 0: the guest has reached it */
	uint64_t squeezed_pages; /* by so much in the last squeeze; 0: there was none, or all is well since */
	uint64_t usable_before;	 /* what the guest could use before it */
	unsigned int spared_windows;	/* under pressure, since it last yielded or owed nothing */
	bool tried;			/* there was a shrink step since the last wait began */
	enum resize_reason wait_reason; /* why that began: RESIZE_VETO, _REFUSED, or _SQUEEZE, in vain */
};

/** resize_reason_name() - a word for logs and JSON; never NULL. */
const char *resize_reason_name(enum resize_reason reason);

/**
 * resize_reason_is_act() - whether the balloon is to be set to the target
 *
 * Even if the guest has just that size: after RESIZE_REFUSED it does, and the balloon still strives for less.
 */
bool resize_reason_is_act(enum resize_reason reason);

struct resize_decision {
	enum resize_reason reason;
	uint64_t target_pages; /* where the balloon should stand; with KEEP the last target */
	uint64_t goal_pages;   /* working set + kept + headroom, cut by the limit, clamped */
	uint64_t kept_pages;   /* as far as it counts */
	uint64_t headroom_pages;
};

/**
 * resize_plan() - decide for this window, and remember in @state
 *
 * Pure: same inputs, same decision. Once a window; windows may differ in length.
 */
struct resize_decision resize_plan(const struct resize_policy *policy, const struct pressure_limits *limits,
				   const struct resize_input *input, struct resize_state *state);

#endif /* VMHEAT_CORE_RESIZE_PLAN_H */
