/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_walk.h - accessed bits of a process's own page tables
 */
#ifndef KVM_IDLE_HOST_WALK_H
#define KVM_IDLE_HOST_WALK_H

#include <linux/mm_types.h>
#include "harvest.h"

/**
 * host_harvest() - harvest the process's own page tables for one block
 * @mm:      the process's; the caller holds a reference to its users (mmget)
 * @address: of the block, aligned to PAGE_BLOCK_SIZE
 * @wanted:  the pages to look at
 * @mode:    leave the accessed bits or clear them; TLBs are not flushed
 * @block:   the findings are added to it
 *
 * Context: sleeps; takes mmap_lock for read, and inside it the lock of one page table.
 * Return: 0, or -EINTR after a fatal signal.
 */
int host_harvest(struct mm_struct *mm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		 struct page_block *block);

/**
 * host_next_mapped() - skip what the process has not mapped
 * @next: set to an address in [@address, @end] such that nothing is mapped between @address and it
 *
 * Context: as host_harvest().
 * Return: 0, or -EINTR after a fatal signal.
 */
int host_next_mapped(struct mm_struct *mm, unsigned long address, unsigned long end, unsigned long *next);

/** host_flush_tlbs() - make every processor read the process's page tables, accessed bits included, again */
void host_flush_tlbs(struct mm_struct *mm);

#endif /* KVM_IDLE_HOST_WALK_H */
