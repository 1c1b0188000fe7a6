/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_walk.h - what a VM's guests accessed, whatever tables they run on
 */
#ifndef KVM_IDLE_VM_WALK_H
#define KVM_IDLE_VM_WALK_H

#include <linux/kvm_host.h>
#include "harvest.h"

/**
 * vm_check() - whether KVM's structures are laid out as expected
 * @kvm: the VM; the caller holds a reference to it and to the users of its process's memory (mmget), as for
 * all functions here
 *
 * Return: 0; -EOPNOTSUPP for a kernel that is not one that this module was written for.
 */
int vm_check(struct kvm *kvm);

/** vm_paths() - by which ways a VM's accesses are looked for: VMHEAT_IDLE_PATH_*. Ways are added in time. */
unsigned int vm_paths(struct kvm *kvm);

/**
 * vm_harvest() - harvest one block of a VM's memory, by its process's addresses
 *
 * Parameters as of host_harvest(). A page is present if the VM maps it in any way.
 *
 * Context: sleeps; no lock of KVM's is held.
 */
void vm_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		struct page_block *block);

/**
 * vm_next_mapped() - skip what the VM has not mapped
 *
 * Return: an address in [@address, @end] such that nothing is mapped between @address and it.
 */
unsigned long vm_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end);

#endif /* KVM_IDLE_VM_WALK_H */
