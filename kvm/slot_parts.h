/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slot_parts.h - which parts of a range of a process's addresses a VM's memslots map, and where
 */
#ifndef KVM_IDLE_SLOT_PARTS_H
#define KVM_IDLE_SLOT_PARTS_H

#include <linux/interval_tree.h>
#include <linux/kvm_host.h>
#include "harvest.h"

/**
 * struct slot_part - the part of a range that one memslot maps
 * @slot:  the memslot
 * @start: address of the first page
 * @end:   address after the last page
 * @gfn:   guest frame number that @start is mapped at
 *
 * The others are private to for_each_slot_part().
 */
struct slot_part {
	const struct kvm_memory_slot *slot;
	unsigned long start;
	unsigned long end;
	gfn_t gfn;

	struct kvm *kvm;
	unsigned long range_start;
	unsigned long range_end;
	unsigned int next_as_id;
	struct kvm_memslots *slots;
	struct interval_tree_node *node;
};

/** slot_part_end() - the guest frame number after the last of a part */
static inline gfn_t slot_part_end(const struct slot_part *part)
{
	return part->gfn + ((part->end - part->start) >> PAGE_SHIFT);
}

/** slot_part_address() - the address that a guest frame number of a part, or the one after it, is mapped to */
static inline unsigned long slot_part_address(const struct slot_part *part, gfn_t gfn)
{
	return part->start + ((gfn - part->gfn) << PAGE_SHIFT);
}

/** slot_part_bit() - the bit of a guest frame's page in the page_block that it lies in */
static inline unsigned int slot_part_bit(const struct slot_part *part, gfn_t gfn)
{
	return slot_part_address(part, gfn) >> PAGE_SHIFT & (PAGE_BLOCK_PAGES - 1);
}

/** slot_parts_next() - go on to the next part. Return: false if there is none. */
bool slot_parts_next(struct slot_part *part);

/**
 * for_each_slot_part() - go through the parts of [@from, @to), of all guest address spaces. Under kvm->srcu.
 * @part: a struct slot_part to work with
 *
 * As kvm_for_each_memslot_in_hva_range() of virt/kvm/kvm_main.c.
 */
#define for_each_slot_part(part, vm, from, to)                                                               \
	for (*(part) = (struct slot_part){ .kvm = (vm), .range_start = (from), .range_end = (to) };          \
	     slot_parts_next(part);)

/**
 * slot_parts_next_mapped() - skip what a VM has not mapped in [@address, @end)
 * @part_next_mapped: the first guest frame of a part that is mapped, or one before it, or slot_part_end(); called
 *                    under kvm->srcu
 *
 * Return: an address in [@address, @end] such that nothing is mapped between @address and it.
 */
unsigned long slot_parts_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end,
				     gfn_t (*part_next_mapped)(const struct slot_part *part));

#endif /* KVM_IDLE_SLOT_PARTS_H */
