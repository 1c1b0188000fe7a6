/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_observer.h - an observer of one process's memory: an open /proc/PID/idle_bitmap of kvm_idle.ko
 *
 * The one place that knows the file from user space; the daemon's sources and `vmheatctl idle` both look through it.
 * It depends on GLib alone, so that vmheatctl needs no libvirt.
 *
 * Each observer is told every access since its own last scan, whoever else looks at the process: another observer of
 * this daemon, an operator, another program. docs/idle_bitmap.md is the reference.
 */
#ifndef VMHEAT_HOST_IDLE_OBSERVER_H
#define VMHEAT_HOST_IDLE_OBSERVER_H

#include <glib.h>
#include <sys/types.h>
#include "vmheat/idle_bitmap.h"

/** What a caller can do next. The messages say the process and the reason, for people. */
enum idle_observer_error {
	IDLE_OBSERVER_ERROR_UNAVAILABLE, /* no module, too old a one, no permission, no VM it could see into */
	IDLE_OBSERVER_ERROR_GONE,	 /* the process has ended, or begun another program */
	IDLE_OBSERVER_ERROR_FAILED,	 /* this call failed; the next one may work */
};
#define IDLE_OBSERVER_ERROR (idle_observer_error_quark())
GQuark idle_observer_error_quark(void);

struct idle_observer;

/**
 * idle_observer_new() - observe the memory that process @pid has now
 * @proc: "/proc", or what stands for it
 *
 * It never goes over to another program, nor to a later process of the same number: after the end of this one every
 * call fails with IDLE_OBSERVER_ERROR_GONE.
 */
struct idle_observer *idle_observer_new(const char *proc, pid_t pid, GError **error);

/** idle_observer_free() - NULL is fine. */
void idle_observer_free(struct idle_observer *observer);

/**
 * idle_observer_scan() - what was accessed since this observer's last scan of the same blocks
 * @scan: start, end and whatever bitmaps are wanted are the caller's, as in vmheat/idle_bitmap.h. On success the
 *        counts are those of the whole range, and the windows the shortest and the longest in it.
 *
 * On failure part of the range may have been scanned: what it told is lost.
 */
gboolean idle_observer_scan(struct idle_observer *observer, struct vmheat_idle_scan *scan, GError **error);

/** idle_observer_check() - FALSE and @error as soon as the process has ended. Quick. */
gboolean idle_observer_check(struct idle_observer *observer, GError **error);

/**
 * idle_observer_memslots() - the memory layout of the process's VMs
 *
 * Return: struct vmheat_idle_memslot by VM, address space and guest frame, none where no VM runs; the caller unrefs
 * it.
 */
GArray *idle_observer_memslots(struct idle_observer *observer, GError **error);

#endif /* VMHEAT_HOST_IDLE_OBSERVER_H */
