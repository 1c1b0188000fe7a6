/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tdp_walk.h - the second-level page tables of KVM's TDP MMU
 */
#ifndef KVM_IDLE_TDP_WALK_H
#define KVM_IDLE_TDP_WALK_H

#include "leaf_map.h"
#include "slot_parts.h"

/**
 * tdp_exists() - whether a VM has a TDP MMU
 * @kvm: the VM; the caller holds a reference to it, as for all functions here
 */
bool tdp_exists(const struct kvm *kvm);

/**
 * tdp_check() - whether a VM's TDP tables, if it has any, are laid out as expected
 *
 * Return: 0; -EOPNOTSUPP for a kernel whose structures are not those that this module was written for.
 */
int tdp_check(struct kvm *kvm);

/**
 * tdp_has_accessed_bits() - whether accessed bits are on in a VM's tables: a setting of the vendor module
 *
 * For a VM with a TDP MMU, as for all that follow.
 */
bool tdp_has_accessed_bits(struct kvm *kvm);

/**
 * tdp_harvest() - harvest a VM's tables for one block of its process's address space
 *
 * Parameters as of host_harvest(). A page is present if any memslot, address space and root maps it.  *
 * Context: sleeps; takes kvm->srcu, inside it mmu_lock for read, for one block at a time.
 * Return: tdp_has_accessed_bits(); if not, nothing is found.
 */
bool tdp_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		 struct page_block *block);

/**
 * tdp_leaves() - which leaves there are, with accessed bits on or off
 * @part: the pages to look at, all in one block
 * @map:  the findings are added to it
 *
 * Context: under kvm->srcu; takes mmu_lock for read.
 */
void tdp_leaves(const struct slot_part *part, struct leaf_map *map);

/**
 * tdp_next_mapped() - skip what the tables do not map
 *
 * Context: as tdp_harvest().
 * Return: an address in [@address, @end] such that nothing is mapped between @address and it.
 */
unsigned long tdp_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end);

#endif /* KVM_IDLE_TDP_WALK_H */
