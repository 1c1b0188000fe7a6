/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm_aging.h - accesses of a VM that only KVM's own aging can tell
 */
#ifndef KVM_IDLE_KVM_AGING_H
#define KVM_IDLE_KVM_AGING_H

#include <linux/kvm_host.h>
#include "harvest.h"

/**
 * kvm_aging_has_rmaps() - whether a VM has, or may have had, shadow pages
 * @kvm: the VM; the caller holds a reference to it and to the users of its process's memory (mmget), as for
 * all functions here
 */
bool kvm_aging_has_rmaps(struct kvm *kvm);

/**
 * kvm_aging_harvest() - ask KVM which pages of a block were accessed
 * @ask_tdp: ask about pages that TDP tables map too, because their accessed bits are off; else only about
 *           those that shadow pages map
 *
 * Other parameters as of host_harvest(). What is found is added to @block.
 *
 * Context: sleeps; KVM takes kvm->srcu and, for write up to Linux 6.12, mmu_lock, for one page or one block at a
 * time.
 */
void kvm_aging_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		       bool ask_tdp, struct page_block *block);

/**
 * kvm_aging_next_mapped() - skip what no shadow page maps
 *
 * Context: as kvm_aging_harvest(), without mmu_lock.
 * Return: an address in [@address, @end] such that no shadow page maps anything between @address and it.
 */
unsigned long kvm_aging_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end);

#endif /* KVM_IDLE_KVM_AGING_H */
