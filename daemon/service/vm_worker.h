/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_worker.h - one VM's loop: what a job does in its thread
 *
 * Theory of operation
 *
 * A tick is one turn of the loop:
 *
 *	attach     who the domain is, its page map, its sources, as far as they are not there yet; as soon as it is
 *	           known, what was begun on it is looked after (vm_acts.h)
 *	scan       vm_scan.h: the agent asked, the host harvested, both merged, the pages one window older
 *	measure    histogram, working set, estimate, balloon, pressure
 *	plan       vm_plan.h
 *	act        in mode act; in dry-run the plan is only shown
 *
 * Each step that fails ends the tick; the next tick tries again from there, and what was learnt before stays.
 * So a module that is not loaded, a guest without agent or a libvirtd that restarts need no code of their
 * own: they are steps that fail for a while. Only a VM that is gone is not tried again.
 *
 * The memory layout is asked for again every VM_WORKER_MAP_TICKS ticks, when a device was added or removed,
 * and after a scan that failed. When it has changed, the sources are opened anew and ages carried over.
 *
 * All of this may block, on libvirt as on the guest, and is called by one job at a time (vm_tracker.h); a
 * worker has no locks. A snapshot is what others see of it.
 */
#ifndef VMHEAT_SERVICE_VM_WORKER_H
#define VMHEAT_SERVICE_VM_WORKER_H

#include <glib.h>
#include <libvirt/libvirt.h>
#include "act_journal.h"
#include "config.h"
#include "vm_pages.h"
#include "vm_plan.h"
#include "vm_snapshot.h"

#define VM_WORKER_MAP_TICKS 20u

/** Why a request about one VM failed. */
enum vm_error {
	VM_ERROR_NOT_READY, /* no data, or no plan, yet */
	VM_ERROR_FAILED,    /* tried, and failed */
};
#define VM_ERROR (vm_error_quark())
GQuark vm_error_quark(void);

struct vm_worker;

/** vm_worker_new() - does nothing yet. @journal must outlive the worker. */
struct vm_worker *vm_worker_new(const char *name, const char *uuid, struct act_journal *journal);

/** vm_worker_free() - close its sources. May block like the others. */
void vm_worker_free(struct vm_worker *worker);

/** vm_worker_use_daemon() - the daemon's settings from now on. They must outlive their use. */
void vm_worker_use_daemon(struct vm_worker *worker, const struct daemon_settings *daemon);

/** vm_worker_gone() - the VM has ended: nothing that was done to it is open any more. */
void vm_worker_gone(struct vm_worker *worker);

/**
 * vm_worker_use_handle() - from now on ask libvirt about the domain by @handle
 *
 * A reference is taken. The old handle may be dead (libvirtd was restarted); ages and figures are kept if the
 * domain is still the same process.
 */
void vm_worker_use_handle(struct vm_worker *worker, virDomainPtr handle);

/** vm_worker_check_map() - ask for the memory layout in the next tick. */
void vm_worker_check_map(struct vm_worker *worker);

/** vm_worker_check_metadata() - ask for its owner's settings in the next tick. */
void vm_worker_check_metadata(struct vm_worker *worker);

/** vm_worker_set_host_part() - plan with this part of the host's memory from the next tick on. */
void vm_worker_set_host_part(struct vm_worker *worker, const struct vm_host_part *part);

/** vm_worker_tick() - one turn of the loop. Returns the new snapshot. */
struct vm_snapshot *vm_worker_tick(struct vm_worker *worker, const struct vm_settings *settings);

/** vm_worker_act() - carry out the plan of the last tick, whatever the mode. NULL if there is none or it
 * fails. */
struct vm_snapshot *vm_worker_act(struct vm_worker *worker, const struct vm_settings *settings,
				  GError **error);

/**
 * vm_worker_map() - the pages as runs, see vm_pages_runs()
 * @windows: where an array of double goes, the lengths of the last windows, newest first
 */
GArray *vm_worker_map(const struct vm_worker *worker, guint limit, GArray **windows, GArray **placement,
		      GError **error);

#endif /* VMHEAT_SERVICE_VM_WORKER_H */
