/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - one pass over a process's pages, through both layers that map them
 */
#ifndef KVM_IDLE_SCAN_H
#define KVM_IDLE_SCAN_H

#include "idle_state.h"
#include "kvm_set.h"

/**
 * struct scan - a pass in progress
 * @mm:    the process's, with a reference to its users
 * @vms:   its VMs
 * @state: its shared idle state; NULL if there is none yet
 */
struct scan {
	struct mm_struct *mm;
	struct kvm_set vms;
	struct idle_state *state;
};

/**
 * scan_open() - begin a pass
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

/** scan_must_stop() - 0, -EINTR after a fatal signal, or -ESRCH if the process has exited meanwhile */
int scan_must_stop(const struct scan *scan);

/** scan_next_mapped() - as host_next_mapped(), for both layers, and it stops at blocks with marks too */
int scan_next_mapped(struct scan *scan, unsigned long address, unsigned long end, unsigned long *next);

/**
 * scan_harvest() - take the accessed bits of one block from both layers, and let all observers know
 * @address: of the block
 * @wanted:  the pages
 * @view:    what was found; overwritten
 *
 * The one way to clear accessed bits. TLBs may still hold the translations: see scan_flush_tlbs().
 *
 * Context: under the lock of the shared state.
 * Return: 0, or -EINTR after a fatal signal.
 */
int scan_harvest(struct scan *scan, unsigned long address, const u64 *wanted, struct page_view *view);

/** scan_peek() - as scan_harvest(), but leave the accessed bits, so there is nothing to let others know */
int scan_peek(struct scan *scan, unsigned long address, const u64 *wanted, struct page_view *view);

/** scan_flush_tlbs() - from here on, every access to a harvested page sets its accessed bit. Context: sleeps.
 */
void scan_flush_tlbs(const struct scan *scan);

#endif /* KVM_IDLE_SCAN_H */
