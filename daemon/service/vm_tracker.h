/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_tracker.h - tracks one VM: a tick each interval, requests in between
 *
 * Theory of operation
 *
 * Two threads meet here. The main loop's owns the tracker; it never blocks and never touches page data. What
 * blocks runs as a job in a thread of GTask's pool, and owns the VM's worker (vm_worker.h) while it runs.
 *
 * Invariants
 * - At most one job of a VM runs at a time; the others wait in the tracker's queue. So a worker needs no
 *   locks, and a VM whose libvirt, guest or kernel side hangs takes one thread and stops no other VM.
 * - A tick that is still running or waiting when the next is due is not queued a second time.
 * - A job gets what it needs by value (settings) or by reference count (the domain's handle), and gives back
 *   a snapshot that nobody changes afterwards. The main loop shows the last snapshot at any time.
 * - Whoever asked for a job is answered exactly once, in the main loop, also when the VM ends before.
 * - The last job closes the worker; then the tracker frees itself.
 */
#ifndef VMHEAT_SERVICE_VM_TRACKER_H
#define VMHEAT_SERVICE_VM_TRACKER_H

#include <glib.h>
#include <libvirt/libvirt.h>
#include "act_journal.h"
#include "config.h"
#include "vm_plan.h"
#include "vm_snapshot.h"

/** Most runs that a map, or a plan, is told in: 8 MiB of D-Bus message each, together half of what the bus takes. */
#define VM_TRACKER_RUNS_MAX 262144u

struct vm_tracker;

/** What the tracker tells. Called in the main loop. */
struct vm_tracker_callbacks {
	/* The snapshot's metadata is another than before. */
	void (*metadata)(struct vm_tracker *tracker, gpointer data);
	/* A tick found the VM gone: stop the tracker. */
	void (*ended)(struct vm_tracker *tracker, gpointer data);
	/* After vm_tracker_stop(): all is closed, and the tracker freed after the call. */
	void (*closed)(struct vm_tracker *tracker, gpointer data);
};

/** What a request brought. Owned by the tracker; valid during the call that gets it. */
struct vm_reply {
	struct vm_snapshot *snapshot; /* vm_tracker_act() */
	GArray *runs;		      /* vm_tracker_map(): struct vm_run */
	GArray *windows;	      /* likewise: double, newest first */
	GArray *placement;	      /* likewise: struct vm_run, see vm_moves_runs() */
	const GError *error;	      /* of VM_ERROR; NULL on success */
};
typedef void vm_reply_func(const struct vm_reply *reply, gpointer data);

/**
 * vm_tracker_new() - start tracking @domain
 * @config:   a reference is taken
 * @journal:  outlives the tracker
 * @settings: copied
 * @data:     for the callbacks
 */
struct vm_tracker *vm_tracker_new(virDomainPtr domain, const char *name, const char *uuid,
				  struct config *config, struct act_journal *journal,
				  const struct vm_settings *settings,
				  const struct vm_tracker_callbacks *callbacks, gpointer data);

/**
 * vm_tracker_stop() - no tick any more, close everything. closed() comes once, later.
 * @gone: because the VM has ended, so that nothing that was done to it is open any more
 */
void vm_tracker_stop(struct vm_tracker *tracker, gboolean gone);

const char *vm_tracker_name(const struct vm_tracker *tracker);
const char *vm_tracker_uuid(const struct vm_tracker *tracker);

/** vm_tracker_snapshot() - the last one; never NULL. Owned by the tracker. */
const struct vm_snapshot *vm_tracker_snapshot(const struct vm_tracker *tracker);

const struct vm_settings *vm_tracker_settings(const struct vm_tracker *tracker);

/** vm_tracker_use_config() - the daemon's settings from the next tick on; a reference is taken. What was learnt stays. */
void vm_tracker_use_config(struct vm_tracker *tracker, struct config *config);

/** vm_tracker_settings_problem() - why its owner's settings are not used; NULL: they are. */
const char *vm_tracker_settings_problem(const struct vm_tracker *tracker);

/** vm_tracker_set() - use @settings from the next tick on. @problem as above; copied. */
void vm_tracker_set(struct vm_tracker *tracker, const struct vm_settings *settings, const char *problem);

/** vm_tracker_set_host_part() - plan with this part of the host's memory from the next tick on. */
void vm_tracker_set_host_part(struct vm_tracker *tracker, const struct vm_host_part *part);

/** vm_tracker_use_handle() - libvirt was reconnected: the old handle is dead. */
void vm_tracker_use_handle(struct vm_tracker *tracker, virDomainPtr domain);

/** vm_tracker_check_map() - the memory layout may have changed. */
void vm_tracker_check_map(struct vm_tracker *tracker);

/** vm_tracker_check_metadata() - its owner's settings may have changed. */
void vm_tracker_check_metadata(struct vm_tracker *tracker);

/** vm_tracker_tick() - do not wait for the next interval: the VM may be gone. */
void vm_tracker_tick(struct vm_tracker *tracker);

/** vm_tracker_act() - carry out the present plan once. */
void vm_tracker_act(struct vm_tracker *tracker, vm_reply_func *done, gpointer data);

/** vm_tracker_map() - the pages as runs. */
void vm_tracker_map(struct vm_tracker *tracker, vm_reply_func *done, gpointer data);

#endif /* VMHEAT_SERVICE_VM_TRACKER_H */
