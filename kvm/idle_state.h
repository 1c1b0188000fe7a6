/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_state.h - a process's observers, and what all of them owe to one another and to the host's reclaim
 */
#ifndef KVM_IDLE_IDLE_STATE_H
#define KVM_IDLE_IDLE_STATE_H

#include <linux/mm_types.h>
#include "observer.h"

/** struct idle_state - what is remembered about one process's memory */
struct idle_state;

/** idle_state_find() - a process's state. Return: it, with a reference; NULL if nothing was ever marked. */
struct idle_state *idle_state_find(struct mm_struct *mm);

/**
 * idle_state_get() - a process's state, new if there was none
 * @mm: the caller holds a reference to its users (mmget)
 *
 * Return: it, with a reference, or ERR_PTR(-ENOMEM).
 */
struct idle_state *idle_state_get(struct mm_struct *mm);

/** idle_state_put() - drop a reference; NULL is fine. Context: sleeps, no lock held. */
void idle_state_put(struct idle_state *state);

/**
 * idle_state_lock() - keep other readers, writers and scans of the same process out
 *
 * A mutex; it is taken outside of mmap_lock, kvm->srcu and mmu_lock, and never across a copy from or to user
 * space. Return: 0, or -EINTR after a fatal signal.
 */
int idle_state_lock(struct idle_state *state);
void idle_state_unlock(struct idle_state *state);

/** idle_state_shared() - the observer of read() and write() */
struct observer *idle_state_shared(struct idle_state *state);

/**
 * idle_state_observer() - the observer of an open file, new if there was none. Under the lock.
 *
 * Return: it, owned by the state, or ERR_PTR(-ENOMEM).
 */
struct observer *idle_state_observer(struct idle_state *state, const struct file *file);

/** idle_state_del_observer() - delete the observer of a file that is being released, if it had one */
void idle_state_del_observer(struct mm_struct *mm, const struct file *file);

/**
 * struct block_scan - one look at a block
 * @view:  what the layers showed
 * @idle:  pages that are mapped and were not accessed since the observer marked them
 * @armed: when the observer had looked at the block before, in ns of the monotonic clock; 0: never
 * @now:   the time of this look
 */
struct block_scan {
	struct page_view view;
	u64 idle[PAGE_BLOCK_WORDS];
	u64 armed;
	u64 now;
};

/**
 * idle_state_arm_begin() - before the accessed bits of a block are taken: mark pages idle for an observer
 * @wanted: the pages
 * @before: filled in, for idle_state_arm_end()
 *
 * Under the lock, as for all that follow; allocates memory. Return: 0, or -ENOMEM.
 */
int idle_state_arm_begin(struct idle_state *state, struct observer *observer, unsigned long address,
			 const u64 *wanted, struct block_marks *before);

/**
 * idle_state_arm_end() - after they were taken: let all observers know, remember what reclaim is owed, and
 * settle the marks
 * @scan: its view is what was taken; the rest is filled in
 */
void idle_state_arm_end(struct idle_state *state, struct observer *observer, unsigned long address,
			const u64 *wanted, const struct block_marks *before, struct block_scan *scan);

/** idle_state_stamp() - the marks of a block count from now on: the TLBs have been flushed */
void idle_state_stamp(struct idle_state *state, struct observer *observer, unsigned long address, u64 now);

/**
 * idle_state_forget() - forget an observer's marks in a range, so that all its pages count as accessed
 *
 * Without the lock too.
 */
void idle_state_forget(struct idle_state *state, struct observer *observer, unsigned long start,
		       unsigned long end);

/**
 * idle_state_peek_begin() - before a look that leaves the accessed bits
 * @marked: set to the pages that have marks
 */
void idle_state_peek_begin(struct idle_state *state, struct observer *observer, unsigned long address,
			   u64 *marked);

/** idle_state_peek_end() - after it: which pages are idle. @view is what was seen. */
void idle_state_peek_end(struct idle_state *state, struct observer *observer, unsigned long address,
			 const struct page_view *view, u64 *idle);

/**
 * idle_state_observes() - whether it matters that somebody asks for the accessed bits of a process
 *
 * Not if there is no state, nor if it is our own harvest that asks.
 *
 * Context: any but interrupts.
 */
bool idle_state_observes(struct mm_struct *mm);

/**
 * idle_state_aged() - somebody else has asked for the accessed bits of a range
 * @young: one was set. If the asker cleared them they are lost to the observers, who are told here.
 * @clear: the asker cleared them
 *
 * Return: whether one would have been set if it had not been taken here. An asker who clears has then been
 * given what is owed.
 *
 * Context: atomic; page table locks may be held.
 */
bool idle_state_aged(struct mm_struct *mm, unsigned long start, unsigned long end, bool young, bool clear);

/**
 * idle_state_lost() - accessed bits of a range may have gone: for the observers its pages were accessed
 *
 * Context: as idle_state_aged().
 */
void idle_state_lost(struct mm_struct *mm, unsigned long start, unsigned long end);

/**
 * idle_state_lost_all() - the same for all pages of a process
 *
 * Context: as idle_state_aged(). It takes no longer for a large process.
 */
void idle_state_lost_all(struct mm_struct *mm);

/** idle_states_free() - free the states of all processes; no file is open any more, nor is anyone aging */
void idle_states_free(void);

#endif /* KVM_IDLE_IDLE_STATE_H */
