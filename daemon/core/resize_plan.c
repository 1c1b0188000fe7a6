/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_plan.c - how large a guest should be, see resize_plan.h
 */
#include "resize_plan.h"

static const char *const reason_names[] = {
	[RESIZE_KEEP_DEAD_BAND] = "dead-band",
	[RESIZE_KEEP_SETTLING] = "settling",
	[RESIZE_KEEP_IN_FLIGHT] = "in-flight",
	[RESIZE_KEEP_BACKOFF] = "backoff",
	[RESIZE_KEEP_STRAINED] = "strained",
	[RESIZE_SHRINK] = "shrink",
	[RESIZE_YIELD] = "yield",
	[RESIZE_SQUEEZE] = "squeeze",
	[RESIZE_GROW] = "grow",
	[RESIZE_VETO] = "veto",
	[RESIZE_REFUSED] = "refused",
};
_Static_assert(sizeof(reason_names) / sizeof(reason_names[0]) == RESIZE_REASONS, "every reason has a name");

const char *resize_reason_name(enum resize_reason reason)
{
	return (unsigned int)reason < RESIZE_REASONS ? reason_names[reason] : "unknown";
}

bool resize_reason_is_act(enum resize_reason reason)
{
	return reason == RESIZE_SHRINK || reason == RESIZE_YIELD || reason == RESIZE_SQUEEZE ||
	       reason == RESIZE_GROW || reason == RESIZE_VETO || reason == RESIZE_REFUSED;
}

static uint64_t minimum(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t maximum(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** Whether @a is above @b by more than @distance. Settings are anybody's: no sum here may wrap. */
static bool exceeds(uint64_t a, uint64_t b, uint64_t distance)
{
	return a > b && a - b > distance;
}

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/** @percent of @pages. */
static uint64_t share_of(uint64_t pages, unsigned int percent)
{
	return percent == 0 || pages <= UINT64_MAX / percent ? pages * percent / 100 : UINT64_MAX;
}

static uint64_t headroom_of(const struct resize_policy *policy, uint64_t working_set)
{
	return maximum(policy->headroom_pages, share_of(working_set, policy->headroom_percent));
}

/** The guest lacks memory. @shrinking: for a part of the window at least the balloon was taking some. */
static bool is_under_pressure(const struct guest_pressure *pressure, const struct pressure_limits *limits,
			      bool shrinking)
{
	return pressure->oom_kills > 0 || pressure->swap_in_pages > limits->swap_in_pages ||
	       pressure->refault_pages > limits->refault_pages ||
	       (!shrinking && pressure->memory_stall_share > limits->memory_stall_share);
}

/** The guest misses some of its memory: less than counts as pressure, but a part of that. */
static bool is_strained(const struct guest_pressure *pressure, const struct pressure_limits *limits)
{
	return pressure->swap_in_pages > limits->swap_in_pages / RESIZE_STRAIN_PART ||
	       pressure->refault_pages > limits->refault_pages / RESIZE_STRAIN_PART;
}

static void set_target(struct resize_state *state, uint64_t target)
{
	if (target == state->target_pages)
		return;
	state->target_pages = target;
	state->flight_windows = 1;
}

/** Take note of where the guest is. Returns whether it has stood at its target for the whole window. */
static bool follow_flight(struct resize_state *state, uint64_t current, uint64_t limit)
{
	bool stood = state->flight_windows == 0;

	if (state->target_pages == 0) {
		state->target_pages = current;
		state->last_good_pages = current;
	}
	state->target_pages = minimum(state->target_pages, limit);
	state->last_good_pages = minimum(state->last_good_pages, limit);
	if (current == state->target_pages) {
		state->flight_windows = 0;
		return stood;
	}
	state->flight_windows++;
	return false;
}

/** Shrinking has failed, or would: begin a wait. */
static void begin_wait(struct resize_state *state, const struct resize_policy *policy, double now,
		       enum resize_reason why)
{
	state->wait_reason = why;
	if (state->backoff <= 0)
		state->backoff = policy->backoff_seconds;
	else if (state->tried)
		state->backoff *= 2;
	if (state->backoff > policy->backoff_max_seconds)
		state->backoff = policy->backoff_max_seconds;
	state->tried = false;
	state->squeezed_pages = 0;
	state->shrink_after = now + state->backoff;
	state->calm_since = state->shrink_after;
}

/** Halve the wait for every quiet time of its own length since it was over. */
static void ease_wait(struct resize_state *state, const struct resize_policy *policy, double now)
{
	while (state->backoff > 0 && now - state->calm_since >= state->backoff) {
		state->calm_since += state->backoff;
		state->backoff /= 2;
		if (state->backoff < policy->backoff_seconds)
			state->backoff = 0;
	}
}

/** One step from @current towards @goal: upwards all the way, downwards as far as the policy allows. */
static uint64_t step_towards(const struct resize_policy *policy, uint64_t current, uint64_t goal)
{
	return exceeds(current, goal, policy->shrink_step_pages) ? current - policy->shrink_step_pages : goal;
}

/** Take memory: towards the goal, or at it for a window. */
static enum resize_reason take(const struct resize_policy *policy, const struct resize_input *input,
			       struct resize_state *state, uint64_t goal, uint64_t current, uint64_t squeeze)
{
	state->last_good_pages = current;
	state->tried = true;
	state->squeezed_pages = squeeze;
	state->usable_before = input->usable_pages;
	state->spared_windows = 0;
	set_target(state, squeeze > 0 ? current - squeeze : step_towards(policy, current, goal));
	return squeeze > 0 ? RESIZE_SQUEEZE : RESIZE_SHRINK;
}

/** The most that the guest is to have now. */
static uint64_t ceiling_of(const struct resize_policy *policy, const struct resize_input *input)
{
	uint64_t floor = minimum(policy->floor_pages, input->maximum_pages);

	return input->limited ? maximum(floor, minimum(input->limit_pages, input->maximum_pages))
			      : input->maximum_pages;
}

/** Under pressure: give memory back. @stood: the guest lacks memory though it has had all of its target for the
 * whole window. */
static enum resize_reason plan_under_pressure(const struct resize_policy *policy,
					      const struct resize_input *input, struct resize_state *state,
					      uint64_t goal, uint64_t current, bool stood)
{
	uint64_t target =
		maximum(maximum(state->last_good_pages, goal), maximum(state->target_pages, current));
	uint64_t ceiling = ceiling_of(policy, input);
	bool owes = exceeds(current, ceiling, policy->dead_band_pages);

	state->spared_windows = owes ? state->spared_windows + 1 : 0;
	if (state->spared_windows > RESIZE_SPARED_WINDOWS && input->pressure.oom_kills == 0 &&
	    input->windows >= policy->settle_windows) {
		begin_wait(state, policy, input->now_seconds, RESIZE_VETO);
		(void)take(policy, input, state, ceiling, current, 0);
		return RESIZE_YIELD;
	}
	if (target == current && stood)
		target += minimum(policy->shrink_step_pages, input->maximum_pages - current);
	set_target(state, maximum(minimum(target, ceiling), current));
	begin_wait(state, policy, input->now_seconds, RESIZE_VETO);
	return RESIZE_VETO;
}

/** What a guest at its goal should be squeezed by, and has the memory for above its floor; 0: nothing. */
static uint64_t squeeze_of(const struct resize_policy *policy, const struct resize_input *input,
			   uint64_t current, uint64_t floor)
{
	uint64_t headroom = headroom_of(policy, input->working_set_pages);
	uint64_t above_floor = current > floor ? current - floor : 0;

	if (!input->usable_known || !exceeds(headroom, input->usable_pages, policy->dead_band_pages))
		return 0;
	return minimum(minimum(headroom - input->usable_pages, policy->shrink_step_pages), above_floor);
}

/** Whether the last squeeze has gained less than half of what it took. */
static bool squeezed_in_vain(const struct resize_state *state, const struct resize_input *input)
{
	return state->squeezed_pages > 0 &&
	       !exceeds(input->usable_pages, state->usable_before, state->squeezed_pages / 2);
}

/** Without pressure: towards the goal. */
static enum resize_reason plan_in_quiet(const struct resize_policy *policy,
					const struct pressure_limits *limits,
					const struct resize_input *input, struct resize_state *state,
					uint64_t goal, uint64_t current)
{
	uint64_t floor = minimum(policy->floor_pages, input->maximum_pages);
	uint64_t ceiling = ceiling_of(policy, input);
	bool settled = input->windows >= policy->settle_windows;
	bool refused = false;
	uint64_t squeeze = 0;

	ease_wait(state, policy, input->now_seconds);
	if (state->flight_windows > RESIZE_FLIGHT_WINDOWS) {
		refused = current > state->target_pages;
		if (refused)
			begin_wait(state, policy, input->now_seconds, RESIZE_REFUSED);
		state->target_pages = current;
		state->flight_windows = 0;
	}
	if (settled && exceeds(goal, state->target_pages, policy->dead_band_pages)) {
		set_target(state, step_towards(policy, current, goal));
		return RESIZE_GROW;
	}
	if (state->target_pages < floor) {
		set_target(state, step_towards(policy, current, floor));
		return RESIZE_GROW;
	}
	if (refused)
		return RESIZE_REFUSED;
	if (state->target_pages > maximum(current, ceiling)) {
		set_target(state, maximum(current, ceiling));
		return RESIZE_YIELD;
	}
	if (current != state->target_pages)
		return RESIZE_KEEP_IN_FLIGHT;
	if (!settled)
		return RESIZE_KEEP_SETTLING;
	if (exceeds(current, ceiling, policy->dead_band_pages)) {
		(void)take(policy, input, state, ceiling, current, 0);
		return RESIZE_YIELD;
	}
	if (!exceeds(current, goal, policy->dead_band_pages)) {
		/* A goal that the limit has cut leaves no room for headroom. */
		if (!input->limited || goal < ceiling)
			squeeze = squeeze_of(policy, input, current, floor);
		if (squeeze == 0) {
			state->squeezed_pages = 0;
			return RESIZE_KEEP_DEAD_BAND;
		}
		if (squeezed_in_vain(state, input))
			begin_wait(state, policy, input->now_seconds, RESIZE_SQUEEZE);
	}
	if (input->now_seconds < state->shrink_after)
		return RESIZE_KEEP_BACKOFF;
	if (is_strained(&input->pressure, limits))
		return RESIZE_KEEP_STRAINED;
	return take(policy, input, state, goal, current, squeeze);
}

struct resize_decision resize_plan(const struct resize_policy *policy, const struct pressure_limits *limits,
				   const struct resize_input *input, struct resize_state *state)
{
	uint64_t headroom = headroom_of(policy, input->working_set_pages);
	uint64_t current = minimum(input->current_pages, input->maximum_pages);
	uint64_t kept = minimum(input->kept_pages, share_of(input->maximum_pages, policy->kept_percent));
	uint64_t goal = saturating_add(saturating_add(input->working_set_pages, kept), headroom);
	struct resize_decision decision = { .kept_pages = kept, .headroom_pages = headroom };
	bool shrinking = state->flight_windows > 0 && state->target_pages < state->last_good_pages;
	bool stood = follow_flight(state, current, input->maximum_pages);

	goal = minimum(maximum(goal, policy->floor_pages), ceiling_of(policy, input));
	if (is_under_pressure(&input->pressure, limits, shrinking))
		decision.reason = plan_under_pressure(policy, input, state, goal, current, stood);
	else
		decision.reason = plan_in_quiet(policy, limits, input, state, goal, current);
	decision.goal_pages = goal;
	decision.target_pages = state->target_pages;
	return decision;
}
