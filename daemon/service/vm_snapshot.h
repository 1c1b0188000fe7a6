/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_snapshot.h - what is known of one VM at one moment, for people
 *
 * Made by the VM's job at its end, never changed afterwards, and shared by reference: this is all that
 * crosses from the job's thread to the main loop's.
 */
#ifndef VMHEAT_SERVICE_VM_SNAPSHOT_H
#define VMHEAT_SERVICE_VM_SNAPSHOT_H

#include <glib.h>
#include <sys/types.h>
#include "actuator.h"
#include "config.h"
#include "domain.h"
#include "guest_stream.h"
#include "merge.h"
#include "resize_device.h"
#include "resize_plan.h"
#include "working_set.h"

/** Where the tracking of a VM stands. */
enum vm_state {
	VM_STATE_STARTING, /* nothing tried yet */
	VM_STATE_WAITING,  /* something is missing, tried again each interval; state_reason says what */
	VM_STATE_MARKED,   /* pages are marked, the first window runs */
	VM_STATE_TRACKING, /* there is data */
	VM_STATE_ENDED,	   /* the VM is gone */
	VM_STATES
};

/** vm_state_name() - a word for people and JSON; never NULL. */
const char *vm_state_name(enum vm_state state);

/** Ages of mapped pages. */
#define VM_FIGURES_AGES PAGE_AGE_HOLE

/** What the last window of data said. */
struct vm_figures {
	gint64 monotonic_us; /* when it ended */
	double window_seconds;
	double scan_seconds; /* what the scan took */
	guint windows;
	double working_set_age;
	guint64 working_set_pages;
	guint64 working_set_host_only_pages;
	guint64 working_set_estimate_pages;
	struct merge_counts counts;
	struct class_counts classes;
	struct age_histogram histogram;
	double watched_seconds;	 /* the windows that are remembered, together: no age lasts longer */
	guint64 untouched_pages; /* mapped in all windows, accessed in none */
	double age_seconds[VM_FIGURES_AGES]; /* how long each age has lasted at least, and its pages */
	guint64 age_pages[VM_FIGURES_AGES];
};

/** What the guest's agent said, and how well it said it. */
struct vm_agent_report {
	gboolean channel; /* the domain has a channel for it, or a vsock */
	gboolean used;	  /* its bytes were merged in the last window */
	double window_seconds;
	struct guest_stream_counts counts;
	gboolean answered; /* end is valid: the last answer */
	struct vmheat_scan_end end;
	guint32 capabilities; /* VMHEAT_GUEST_HAS_...; 0 before it has said anything */
	GArray *cgroups; /* struct guest_cgroup, of the last answer about pages; NULL before. Shared, never changed */
};

/** What was done, or tried, last. */
struct vm_act {
	gint64 real_us; /* when; 0: nothing was done yet */
	gboolean resize_asked;
	struct resize_step step; /* which device was told what */
	gboolean moves_done;
	struct page_move_result moves;
	char *failure; /* what failed; NULL if nothing did */
};

struct vm_snapshot {
	char *name;
	char *uuid;
	pid_t pid; /* 0 until it is known */
	enum vm_state state;
	char *state_reason; /* may be NULL */
	char *metadata;	    /* what its owner has set, as XML; NULL: nothing, or not known yet */

	guint64 maximum_pages; /* with all that virtio-mem could plug; 0: not known yet */
	gboolean has_balloon;
	gboolean free_page_reporting;
	guint64 reported_pages; /* see vm_reported_pages(); 0 without free page reporting */
	gboolean memory_valid;
	struct domain_memory memory;

	gboolean figures_valid; /* there has been a window of data */
	struct vm_figures figures;
	const char *host_source; /* NULL: none is open */
	struct vm_agent_report agent;
	char *quality; /* one sentence; may be NULL */

	char *resize_sentence; /* why the plan is what it is; may be NULL, like the next */
	char *placement_sentence;
	gboolean resize_valid;
	struct resize_decision resize;
	guint64 frees_pages; /* what the host would get of the guest at its goal */
	gboolean step_valid;
	struct resize_step step; /* which device does it */
	gboolean pressure_valid; /* the guest has told of its pressure */
	struct guest_pressure pressure;
	gboolean placement_valid;
	struct placement_policy policy; /* the ages in windows that count as hot and cold */
	struct page_move_nodes nodes;
	struct page_move_result placement; /* where the pages lie; of the moves only what is wanted */
	struct vm_act last_act;
};

/** vm_snapshot_new() - everything zero but the identity. */
struct vm_snapshot *vm_snapshot_new(const char *name, const char *uuid);
struct vm_snapshot *vm_snapshot_ref(struct vm_snapshot *snapshot);
void vm_snapshot_unref(struct vm_snapshot *snapshot);

#endif /* VMHEAT_SERVICE_VM_SNAPSHOT_H */
