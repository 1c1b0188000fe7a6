/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tdp_walk.h - accessed bits of a VM's second-level page tables
 */
#ifndef KVM_IDLE_TDP_WALK_H
#define KVM_IDLE_TDP_WALK_H

#include <linux/kvm_host.h>
#include "harvest.h"

/**
 * tdp_check() - whether all accesses of a VM's guests show in its TDP tables
 * @kvm: the VM; the caller holds a reference to it, as for all functions here
 *
 * Return: 0; -EOPNOTSUPP if they do not: no TDP MMU (shadow paging), accessed bits off, a guest that ran
 * guests of its own, or a kernel whose structures are not those that this module was written for.
 */
int tdp_check(struct kvm *kvm);

/**
 * tdp_harvest() - harvest a VM's tables for one block of its process's address space
 *
 * Parameters as of host_harvest(). A page is present if any memslot, address space and root maps it.
 *
 * Context: sleeps; takes kvm->srcu, inside it mmu_lock for read, for one block at a time.
 */
void tdp_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		 struct page_block *block);

/**
 * tdp_next_mapped() - skip what the VM has not mapped
 *
 * Return: an address in [@address, @end] such that nothing is mapped between @address and it.
 */
unsigned long tdp_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end);

#endif /* KVM_IDLE_TDP_WALK_H */
