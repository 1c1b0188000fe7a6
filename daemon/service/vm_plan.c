/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_plan.c - settings into policies, decisions into sentences
 */
#include "vm_plan.h"
#include <string.h>
#include "page_units.h"

static guint64 since(guint64 last, guint64 now)
{
	return now > last ? now - last : 0;
}

struct guest_pressure vm_pressure_meter_update(struct vm_pressure_meter *meter,
					       const struct vm_pressure_meter *now)
{
	double seconds = now->time_seconds - meter->time_seconds;
	struct guest_pressure pressure = { 0 };

	if (meter->started) {
		pressure.swap_in_pages = since(meter->swap_in_pages, now->swap_in_pages);
		pressure.refault_pages = since(meter->refault_pages, now->refault_pages);
		pressure.oom_kills = since(meter->oom_kills, now->oom_kills);
		if (seconds > 0.0)
			pressure.memory_stall_share =
				(double)since(meter->memory_stall_us, now->memory_stall_us) / 1e6 / seconds;
		pressure.memory_stall_share = CLAMP(pressure.memory_stall_share, 0.0, 1.0);
	}
	*meter = *now;
	meter->started = TRUE;
	return pressure;
}

static struct resize_policy resize_policy_of(const struct vm_settings *settings, guint64 maximum_pages)
{
	return (struct resize_policy){
		.floor_pages = MIN(to_pages(settings->floor), maximum_pages),
		.headroom_pages = to_pages(settings->headroom),
		.headroom_percent = settings->headroom_percent,
		.kept_percent = settings->kept_percent,
		.shrink_step_pages = MAX(to_pages(settings->shrink_step), 1),
		.dead_band_pages = to_pages(settings->dead_band),
		.settle_windows = settings->settle_windows,
		.backoff_seconds = settings->backoff,
		.backoff_max_seconds = settings->backoff_max,
	};
}

static struct pressure_limits pressure_limits_of(const struct vm_settings *settings)
{
	return (struct pressure_limits){
		.swap_in_pages = to_pages(settings->pressure_swap_in),
		.refault_pages = to_pages(settings->pressure_refault),
		.memory_stall_share = settings->pressure_stall / 100.0,
	};
}

/* Why a wait began. */
static const char *wait_cause(enum resize_reason reason)
{
	if (reason == RESIZE_REFUSED)
		return "the guest did not give what it was asked for";
	if (reason == RESIZE_SQUEEZE)
		return "the last squeeze gained less than half of what it took";
	return "the guest was under pressure";
}

/* Append why the decision is what it is. @after: what is to be remembered of it. */
static void explain_reason(GString *text, const struct vm_plan_input *input,
			   const struct resize_decision *decision, const struct resize_state *after)
{
	const struct guest_pressure *pressure = &input->resize.pressure;

	switch (decision->reason) {
	case RESIZE_KEEP_DEAD_BAND:
		g_string_append_printf(text, "the goal is within the dead band of %.0f MiB",
				       to_mib(to_pages(input->settings->dead_band)));
		break;
	case RESIZE_KEEP_SETTLING:
		g_string_append_printf(text, "only %u of %u windows seen", input->resize.windows,
				       input->settings->settle_windows);
		break;
	case RESIZE_KEEP_IN_FLIGHT:
		g_string_append(text, "the guest is still on its way");
		break;
	case RESIZE_KEEP_BACKOFF:
		/* The wait may have begun in this very window. */
		g_string_append_printf(text, "waiting %.0f s more before the next step down: %s",
				       MAX(after->shrink_after - input->resize.now_seconds, 0),
				       wait_cause(after->wait_reason));
		break;
	case RESIZE_KEEP_STRAINED:
		g_string_append_printf(
			text, "the guest misses memory already (swap-in %.1f MiB, refaults %.1f MiB)",
			to_mib(pressure->swap_in_pages), to_mib(pressure->refault_pages));
		break;
	case RESIZE_YIELD:
		g_string_append_printf(
			text,
			"the host is short of %.0f MiB, and leaves it %.0f MiB by its %u shares and "
			"%.0f MiB of idle memory",
			to_mib(input->host.short_pages), to_mib(input->host.limit_pages), input->host.shares,
			to_mib(input->host.idle_pages));
		break;
	case RESIZE_SHRINK:
		g_string_append(text, "one step towards the goal");
		break;
	case RESIZE_SQUEEZE:
		g_string_append_printf(
			text,
			"for one window, so that its coldest memory goes: of the headroom only "
			"%.0f MiB are free",
			to_mib(input->resize.usable_pages));
		break;
	case RESIZE_GROW:
		g_string_append(text, "the goal is larger");
		break;
	case RESIZE_VETO:
		g_string_append_printf(text,
				       "the guest is under pressure (swap-in %.1f MiB, refaults %.1f MiB, "
				       "OOM kills %" G_GUINT64_FORMAT ", stalled %.0f %%)",
				       to_mib(pressure->swap_in_pages), to_mib(pressure->refault_pages),
				       (guint64)pressure->oom_kills, pressure->memory_stall_share * 100.0);
		break;
	case RESIZE_REFUSED:
		g_string_append(text, "the guest does not give more");
		break;
	default:
		g_string_append(text, resize_reason_name(decision->reason));
		break;
	}
}

/* Say what is done, and by which device. */
static void explain_step(GString *text, const struct vm_plan_input *input, const struct vm_plan *plan)
{
	guint64 target = plan->resize.target_pages, current = input->resize.current_pages;

	if (target == current)
		g_string_printf(text, "keep %.0f MiB", to_mib(target));
	else
		g_string_printf(text, "%s from %.0f to %.0f MiB", target < current ? "shrink" : "grow",
				to_mib(current), to_mib(target));
	if (plan->step_valid)
		g_string_append_printf(text, " by the %s", resize_device_name(plan->step.device));
	if (plan->step_valid && plan->step.device == RESIZE_VIRTIO_MEM)
		g_string_append_printf(text, " (%.0f to %.0f MiB of it)", to_mib(plan->step.from_pages),
				       to_mib(plan->step.to_pages));
	g_string_append(text, ": ");
	if (!plan->step_valid && resize_reason_is_act(plan->resize.reason))
		g_string_append(text, "no device can do what is wanted; ");
}

static char *explain_resize(const struct vm_plan_input *input, const struct vm_plan *plan)
{
	const struct resize_decision *decision = &plan->resize;
	GString *text = g_string_new(NULL);
	guint64 floor = MIN(to_pages(input->settings->floor), input->resize.maximum_pages);

	explain_step(text, input, plan);
	explain_reason(text, input, decision, &plan->resize_next);
	g_string_append_printf(text,
			       "; goal %.0f MiB = working set %.1f + kept %.1f + headroom %.1f, between the "
			       "floor of %.0f and the maximum of %.0f MiB",
			       to_mib(decision->goal_pages), to_mib(input->resize.working_set_pages),
			       to_mib(decision->kept_pages), to_mib(decision->headroom_pages), to_mib(floor),
			       to_mib(input->resize.maximum_pages));
	if (input->host.limited)
		g_string_append_printf(text, ", and at most the %.0f MiB that the host leaves it",
				       to_mib(input->host.limit_pages));
	if (input->free_page_reporting)
		g_string_append_printf(
			text,
			"; free page reporting: %.1f MiB of what it has are not on the host, so at "
			"its goal the host has %.1f MiB more",
			to_mib(input->reported_pages), to_mib(plan->frees_pages));
	return g_string_free(text, FALSE);
}

guint64 vm_reported_pages(guint64 holes, guint64 size, guint64 maximum)
{
	return since(since(size, maximum), holes);
}

/* Which device carries the decision out, and how far it comes: that is the target then. */
static void choose_step(const struct vm_plan_input *input, struct vm_plan *plan)
{
	const struct vm_settings *settings = input->settings;
	struct resize_devices devices = input->devices;

	if (!resize_reason_is_act(plan->resize.reason))
		return;
	devices.balloon_usable = devices.balloon_usable && settings->balloon;
	devices.virtio_mem_usable = settings->virtio_mem;
	devices.least_pages = MIN(to_pages(settings->floor), devices.boot_pages);
	devices.ceiling_pages = input->host.limited ? MAX(input->host.limit_pages, plan->resize.target_pages)
						    : input->resize.maximum_pages;
	plan->step_valid = resize_step_choose(&devices, plan->resize.target_pages, &plan->step);
	if (plan->step_valid) {
		plan->resize.target_pages = plan->step.guest_pages;
		plan->resize_next.target_pages = plan->step.guest_pages;
	} else {
		plan->resize.target_pages = input->resize.current_pages;
		plan->resize_next.target_pages = input->resize.current_pages;
	}
}

/* Why the settings, or the guest, leave nothing to resize it by; NULL if there is something. */
static const char *no_device(const struct vm_plan_input *input)
{
	const struct vm_settings *settings = input->settings;
	const struct resize_devices *devices = &input->devices;

	if (devices->virtio_mem_count > 0 && settings->virtio_mem)
		return NULL;
	if (devices->balloon_usable)
		return settings->balloon ? NULL : "balloon = no";
	return devices->virtio_mem_count > 0 ? "virtio-mem = no"
					     : "the domain has no balloon, nor virtio-mem";
}

static void plan_resize(const struct vm_plan_input *input, struct vm_plan *plan)
{
	struct resize_policy policy = resize_policy_of(input->settings, input->resize.maximum_pages);
	struct pressure_limits limits = pressure_limits_of(input->settings);
	struct resize_input resize = input->resize;

	const char *why = input->no_resize != NULL ? input->no_resize : no_device(input);

	if (why != NULL) {
		plan->resize_sentence = g_strdup_printf("no resizing: %s", why);
		return;
	}
	plan->resize_next = *input->resize_state;
	resize.limited = input->host.limited;
	resize.limit_pages = input->host.limit_pages;
	plan->resize = resize_plan(&policy, &limits, &resize, &plan->resize_next);
	plan->resize_valid = TRUE;
	choose_step(input, plan);
	plan->frees_pages =
		since(input->reported_pages, since(plan->resize.goal_pages, resize.current_pages));
	plan->resize_sentence = explain_resize(input, plan);
}

/*
 * Ages in seconds become ages in windows. A page of age n has been idle for all of the last n windows, so hot
 * are the ages below the first that has lasted hot-age. Nothing is placed before the windows have lasted that
 * long: all pages would look hot.
 */
static void plan_placement(const struct vm_plan_input *input, struct vm_plan *plan)
{
	const struct vm_settings *settings = input->settings;
	const char *why = input->no_placement;
	guint hot, cold;

	if (!settings->moves)
		why = "moves = no";
	else if (why == NULL && window_ring_seconds(input->ring, input->ring->count) < settings->hot_age)
		why = "the windows so far are shorter than hot-age";
	if (why != NULL) {
		plan->placement_sentence = g_strdup_printf("no page moves: %s", why);
		return;
	}
	hot = window_ring_age_of(input->ring, settings->hot_age);
	cold = window_ring_age_of(input->ring, settings->cold_age);
	plan->placement.hot_age = hot > 0 ? hot - 1 : 0;
	plan->placement.cold_age = MAX(cold, plan->placement.hot_age + 1);
	plan->placement_valid = TRUE;
	plan->placement_sentence = g_strdup_printf(
		"pages idle for %g s (%u windows) or more belong on the far node, pages accessed in the last "
		"%g s (%u windows) on the near one%s",
		settings->cold_age, plan->placement.cold_age, settings->hot_age, plan->placement.hot_age + 1,
		input->numa_balancing
			? "; the kernel's NUMA balancing keeps most cold pages from being moved: "
			  "set kernel.numa_balancing = 0"
			: "");
}

void vm_plan_make(const struct vm_plan_input *input, struct vm_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	if (input->settings->mode == VM_MODE_OBSERVE) {
		plan->resize_sentence = g_strdup("no resizing: mode = observe");
		plan->placement_sentence = g_strdup("no page moves: mode = observe");
		return;
	}
	plan_resize(input, plan);
	plan_placement(input, plan);
}

void vm_plan_clear(struct vm_plan *plan)
{
	g_free(plan->resize_sentence);
	g_free(plan->placement_sentence);
	memset(plan, 0, sizeof(*plan));
}
