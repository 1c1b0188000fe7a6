/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_plan.h - what should be done to a VM this window, and a sentence that says why
 *
 * The planners of core/ count in pages and windows; settings come in bytes and seconds. This is the bridge,
 * and pure: it decides, and does nothing.
 */
#ifndef VMHEAT_SERVICE_VM_PLAN_H
#define VMHEAT_SERVICE_VM_PLAN_H

#include <glib.h>
#include "config.h"
#include "page_ages.h"
#include "placement_plan.h"
#include "resize_device.h"
#include "resize_plan.h"

/** A guest's pressure counters at the last window; they run since its boot. Zero it to start. */
struct vm_pressure_meter {
	gboolean started;
	double time_seconds; /* when, monotonic */
	guint64 swap_in_pages;
	guint64 refault_pages;
	guint64 oom_kills;
	guint64 memory_stall_us;
};

/**
 * vm_pressure_meter_update() - the pressure since the last update
 * @now: the counters now, and when that is; started is ignored
 *
 * The first update, and a counter that ran backwards (the guest has rebooted), count as no pressure.
 */
struct guest_pressure vm_pressure_meter_update(struct vm_pressure_meter *meter,
					       const struct vm_pressure_meter *now);

/** What the host leaves a VM, and why; see memory_tax.h. Zero: as much as it likes. */
struct vm_host_part {
	gboolean limited;
	guint64 limit_pages;
	guint64 short_pages; /* by so much the host is short of memory; 0: it is not, but has no more to spare */
	guint shares;	     /* the VM's */
	guint64 idle_pages; /* likewise: what it has beyond its working set */
};

/** What a plan is made from. */
struct vm_plan_input {
	const struct vm_settings *settings;
	const struct window_ring *ring;
	const struct resize_state *resize_state; /* as it was left by the last plan carried out */
	const char *no_resize;			 /* why the VM cannot be resized now, NULL if it can */
	const char *no_placement;		 /* why its pages cannot be moved, NULL if they can */
	struct vm_host_part host;		 /* overrides what resize says of a limit */
	gboolean numa_balancing;		 /* runs on the host: see numa_balancing.h */
	struct resize_input resize;		 /* sizes are of the guest, by devices; so is its maximum */
	struct resize_devices devices; /* by which it is resized; what may be told follows the settings */
	gboolean free_page_reporting;
	guint64 reported_pages; /* see vm_reported_pages() */
};

/**
 * vm_reported_pages() - of what the guest has, what is not on the host
 * @holes:   pages of its memory that are not mapped
 * @size:    what it has
 * @maximum: what it can have
 *
 * Memory that was ballooned or unplugged is a hole, too, but is not the guest's any more. With free page reporting the rest
 * is what the guest has freed, or never used: it is its to use, and costs the host nothing until then.
 */
guint64 vm_reported_pages(guint64 holes, guint64 size, guint64 maximum);

struct vm_plan {
	gboolean resize_valid;
	struct resize_decision resize;
	struct resize_state resize_next; /* what to remember once the decision is carried out */
	gboolean step_valid;		 /* a device is to be told */
	struct resize_step step;
	guint64 frees_pages; /* what the host would get of a guest at its goal */
	gboolean placement_valid;
	struct placement_policy placement;
	char *resize_sentence; /* why, with its numbers; owned, like the next */
	char *placement_sentence;
};

/** vm_plan_make() - decide. Clear @plan with vm_plan_clear(). */
void vm_plan_make(const struct vm_plan_input *input, struct vm_plan *plan);

void vm_plan_clear(struct vm_plan *plan);

#endif /* VMHEAT_SERVICE_VM_PLAN_H */
