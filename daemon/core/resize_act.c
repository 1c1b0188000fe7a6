/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_act.c - how a resize that was begun ends, see resize_act.h
 */
#include "resize_act.h"

static const char *const state_names[] = {
	[ACT_PROPOSED] = "proposed",
	[ACT_APPLIED] = "applied",
	[ACT_VERIFIED] = "verified",
	[ACT_ROLLED_BACK] = "rolled-back",
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == ACT_STATES, "every state has a name");

const char *act_state_name(enum act_state state)
{
	return (unsigned int)state < ACT_STATES ? state_names[state] : "unknown";
}

bool act_state_is_open(enum act_state state)
{
	return state == ACT_PROPOSED || state == ACT_APPLIED;
}

/** Where an act ends that must not go on: the larger of its sizes, as far as the floor and the maximum let it. */
static uint64_t safe_size(const struct resize_act_view *view)
{
	uint64_t floor = view->floor_pages < view->maximum_pages ? view->floor_pages : view->maximum_pages;
	uint64_t size = view->from_pages > view->to_pages ? view->from_pages : view->to_pages;

	if (size < floor)
		size = floor;
	return size < view->maximum_pages ? size : view->maximum_pages;
}

enum resize_act_verdict resize_act_judge(const struct resize_act_view *view, uint64_t *undo_pages)
{
	bool cut_off = view->cut_off || view->state == ACT_PROPOSED;
	uint64_t safe = safe_size(view);
	bool above_floor = view->to_pages >= view->floor_pages || view->to_pages >= view->maximum_pages;

	*undo_pages = 0;
	if (!view->same_process)
		return RESIZE_ACT_GONE;
	if (view->current_pages == view->to_pages && above_floor)
		return RESIZE_ACT_VERIFIED;
	if (!cut_off && (view->paused || view->windows <= RESIZE_ACT_WINDOWS))
		return RESIZE_ACT_WAIT;
	if (safe == view->to_pages)
		return cut_off ? RESIZE_ACT_ASK_AGAIN : RESIZE_ACT_GRANTED;
	*undo_pages = safe;
	return RESIZE_ACT_UNDO;
}
