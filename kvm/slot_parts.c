// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * slot_parts.c - which parts of a range of a process's addresses a VM's memslots map, and where
 *
 * KVM keeps the memslots of each guest address space in a tree by their addresses in the process too. Slots
 * may overlap there: the same memory at several places of the guest.
 */
#include "compat.h"
#include "slot_parts.h"

bool slot_parts_next(struct slot_part *part)
{
	const struct kvm_memory_slot *slot;
	unsigned long last = part->range_end - 1;

	if (part->node)
		part->node = interval_tree_iter_next(part->node, part->range_start, last);
	while (!part->node) {
		if (part->range_start > last || part->next_as_id == compat_address_spaces(part->kvm))
			return false;
		part->slots = __kvm_memslots(part->kvm, part->next_as_id++);
		part->node = interval_tree_iter_first(&part->slots->hva_tree, part->range_start, last);
	}
	slot = container_of(part->node, struct kvm_memory_slot, hva_node[part->slots->node_idx]);
	part->slot = slot;
	part->start = max(part->range_start, slot->userspace_addr);
	part->end = min(part->range_end, slot->userspace_addr + (slot->npages << PAGE_SHIFT));
	part->gfn = slot->base_gfn + ((part->start - slot->userspace_addr) >> PAGE_SHIFT);
	return true;
}

unsigned long slot_parts_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end,
				     gfn_t (*part_next_mapped)(const struct slot_part *part))
{
	unsigned long next = end;
	struct slot_part part;
	gfn_t gfn;
	int srcu;

	srcu = srcu_read_lock(&kvm->srcu);
	for_each_slot_part(&part, kvm, address, end) {
		if (part.start >= next)
			continue;
		gfn = part_next_mapped(&part);
		if (gfn < slot_part_end(&part))
			next = min(next, slot_part_address(&part, gfn));
	}
	srcu_read_unlock(&kvm->srcu, srcu);
	return next;
}
