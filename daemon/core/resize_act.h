/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_act.h - the life of one act on a VM, and how a resize that was begun ends
 *
 * Theory of operation
 *
 * Every act goes through these states; each is on disk before the daemon goes on:
 *
 *	proposed ----> applied ----> verified
 *	    |             |
 *	    +-------------+--------> rolled-back
 *
 * proposed: about to be done; whoever finds only this does not know whether it was. applied: the device was
 * told. verified: the guest stands where it was told to. rolled-back: it was undone, another act took its
 * place, or the VM is gone and there is nothing left to undo.
 *
 * A resize is open for as long as the guest is on its way. Once a window resize_act_judge() says what to do.
 * Of an act that was cut off - the daemon died, or libvirt did not say what became of the call - nobody knows
 * how far it came. It ends at the larger of its two sizes: a shrink goes back, a growth is asked for again.
 * So what is cut off never costs a guest memory, and judging twice does the same as judging once: what undoes
 * an act is a growth, which asked for again asks for the same.
 *
 * Invariants: nothing here makes a guest smaller than it was before the act, nor than its floor. What is
 * judged VERIFIED or GONE needs no further look.
 */
#ifndef VMHEAT_CORE_RESIZE_ACT_H
#define VMHEAT_CORE_RESIZE_ACT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Windows that a guest has to arrive, counted while it runs. More than the planner's own patience
 * (RESIZE_FLIGHT_WINDOWS), which comes first wherever it may act: then it replaces the act by another.
 */
#define RESIZE_ACT_WINDOWS 8u

enum act_state { ACT_PROPOSED, ACT_APPLIED, ACT_VERIFIED, ACT_ROLLED_BACK, ACT_STATES };

/** act_state_name() - a word for people and files; never NULL. */
const char *act_state_name(enum act_state state);

/** act_state_is_open() - whether something is still to be done or seen. */
bool act_state_is_open(enum act_state state);

/** What is known of an open resize, and of the guest. Sizes in pages: what the device that is told gives the guest, so that
 * it does not matter what others do meanwhile. */
struct resize_act_view {
	enum act_state state;
	bool cut_off;	   /* it was begun by a daemon that has ended, or the call failed */
	bool same_process; /* the VM is still the process that it was begun on */
	bool paused;	   /* the guest cannot answer */
	uint64_t from_pages;
	uint64_t to_pages;
	uint64_t current_pages; /* what the guest has of it now */
	uint64_t floor_pages;	/* what it must have of it for its own floor */
	uint64_t maximum_pages;
	unsigned int windows; /* since it was applied, without those in which the guest was paused */
};

enum resize_act_verdict {
	RESIZE_ACT_WAIT,     /* the guest is on its way */
	RESIZE_ACT_VERIFIED, /* it stands where it should */
	RESIZE_ACT_GRANTED, /* it has long had leave to grow, and does not: it may still. Nothing is left to do */
	RESIZE_ACT_GONE,      /* the VM was started anew: nothing is left to undo */
	RESIZE_ACT_ASK_AGAIN, /* tell the device once more */
	RESIZE_ACT_UNDO,      /* tell it the size in @undo_pages, as an act of its own */
	RESIZE_ACT_VERDICTS
};

/**
 * resize_act_judge() - what to do about an open resize
 * @undo_pages: set with RESIZE_ACT_UNDO
 *
 * Pure.
 */
enum resize_act_verdict resize_act_judge(const struct resize_act_view *view, uint64_t *undo_pages);

#endif /* VMHEAT_CORE_RESIZE_ACT_H */
