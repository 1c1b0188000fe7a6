/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_state.h - what is remembered between marking pages idle and reading them back
 */
#ifndef KVM_IDLE_IDLE_STATE_H
#define KVM_IDLE_IDLE_STATE_H

#include <linux/mm_types.h>
#include "harvest.h"

/**
 * struct page_view - one block as both layers show it
 * @guest: the second-level tables of all VMs
 * @host:  the process's own tables
 */
struct page_view {
	struct page_block guest;
	struct page_block host;
};

/**
 * struct idle_state - the shared idle state of one process; valid while the caller holds a reference to the
 * mm's users
 */
struct idle_state;

/** idle_state_find() - a process's state. Return: NULL if nothing was ever marked. */
struct idle_state *idle_state_find(struct mm_struct *mm);

/** idle_state_get() - a process's state, new if there was none. Return: it, or ERR_PTR(-ENOMEM). */
struct idle_state *idle_state_get(struct mm_struct *mm);

/**
 * idle_state_lock() - keep other readers and writers of the same process out
 *
 * A mutex; it is taken outside of mmap_lock, kvm->srcu and mmu_lock, and never across a copy from or to user
 * space. Return: 0, or -EINTR after a fatal signal.
 */
int idle_state_lock(struct idle_state *state);
void idle_state_unlock(struct idle_state *state);

/**
 * idle_state_next_marked() - skip blocks without marks
 *
 * Return: @address if its block has marks, else the address of the next block that has, at most @end. Without
 * the lock: a hint.
 */
unsigned long idle_state_next_marked(struct idle_state *state, unsigned long address, unsigned long end);

/**
 * idle_state_mark() - mark pages of a block idle
 * @address: of the block
 * @wanted:  the pages to mark
 * @guest_present: of the wanted pages, those that the guest layer maps
 * @host_present:  of the wanted pages, those that the host layer maps
 *
 * A wanted page that neither layer maps loses its mark. Under the lock; allocates memory.
 * Return: 0, or -ENOMEM; no page of the block was marked then.
 */
int idle_state_mark(struct idle_state *state, unsigned long address, const u64 *wanted,
		    const u64 *guest_present, const u64 *host_present);

/** idle_state_accessed() - forget the marks of the pages that a harvest found accessed. Under the lock. */
void idle_state_accessed(struct idle_state *state, unsigned long address, const struct page_block *harvest);

/** idle_state_marked() - which pages of a block are marked at all. Under the lock. */
void idle_state_marked(struct idle_state *state, unsigned long address, u64 *marked);

/**
 * idle_state_idle() - which pages of a block are idle, by their marks and what the layers show now. Under
 * the lock.
 */
void idle_state_idle(struct idle_state *state, unsigned long address, const struct page_view *now, u64 *idle);

/** idle_states_free() - free the states of all processes; nobody may use one any more */
void idle_states_free(void);

#endif /* KVM_IDLE_IDLE_STATE_H */
