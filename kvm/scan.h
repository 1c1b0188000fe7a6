/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - one pass over a process's pages, through both layers that map them
 */
#ifndef KVM_IDLE_SCAN_H
#define KVM_IDLE_SCAN_H

#include "idle_state.h"
#include "kvm_set.h"

/**
 * How much a pass goes through at a time, 256 MiB: the TLBs are flushed once for it, and others who look at the
 * process wait no longer than for one.
 */
#define SCAN_WINDOW_BLOCKS 128
#define SCAN_WINDOW_SIZE   (SCAN_WINDOW_BLOCKS * PAGE_BLOCK_SIZE)

/**
 * struct scan - a pass in progress
 * @mm:       the process's, with a reference to its users
 * @vms:      its VMs
 * @state:    what is remembered about the process; NULL if nothing is
 * @observer: on whose behalf the pass is made; NULL if @state is
 */
struct scan {
	struct mm_struct *mm;
	struct kvm_set vms;
	struct idle_state *state;
	struct observer *observer;
};

/**
 * scan_open() - begin a pass, for the shared observer if the process has a state
 * @scan: filled in; to be closed if 0 was returned
 * @mm:   the process's, or NULL for a kernel thread; the caller holds a reference to the structure (mmgrab)
 *
 * Return: 0; -ESRCH if the process has no memory (any more); -EOPNOTSUPP if it has a VM that cannot be
 * scanned; -ENOMEM.
 */
int scan_open(struct scan *scan, struct mm_struct *mm);

/**
 * scan_close() - end a pass. Context: no lock held; what the process or its VMs left behind may be torn down
 * here.
 */
void scan_close(struct scan *scan);

/** scan_paths() - by which ways it looks: VMHEAT_IDLE_PATH_* */
unsigned int scan_paths(const struct scan *scan);

/** scan_must_stop() - 0, -EINTR after a fatal signal, or -ESRCH if the process has exited meanwhile */
int scan_must_stop(const struct scan *scan);

/** scan_make_state() - create the process's state if it has none. Return: 0, or -ENOMEM. */
int scan_make_state(struct scan *scan);

/** scan_next_mapped() - as host_next_mapped(), for both layers, and it stops at blocks with marks too */
int scan_next_mapped(struct scan *scan, unsigned long address, unsigned long end, unsigned long *next);

/**
 * scan_arm() - mark pages of one block idle for the observer, and tell which were
 * @address: of the block
 * @wanted:  the pages
 * @block:   what was found; filled in, unless -ENOMEM is returned
 *
 * The one way to clear accessed bits. TLBs may still hold the translations: see scan_flush_tlbs().
 *
 * Context: under the lock of the process's state, as for scan_peek().
 * Return: 0; -ENOMEM, nothing was done; -EINTR after a fatal signal, the pages count as accessed.
 */
int scan_arm(struct scan *scan, unsigned long address, const u64 *wanted, struct block_scan *block);

/**
 * scan_peek() - tell which pages of a block the observer had marked and nobody has accessed since; nothing
 * changes
 * @idle: set to these pages
 *
 * Return: 0, or -EINTR after a fatal signal.
 */
int scan_peek(struct scan *scan, unsigned long address, u64 *idle);

/** scan_flush_tlbs() - from here on, every access to a harvested page sets its accessed bit. Context: sleeps.
 */
void scan_flush_tlbs(const struct scan *scan);

#endif /* KVM_IDLE_SCAN_H */
