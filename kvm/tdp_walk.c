// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tdp_walk.c - accessed bits of a VM's second-level page tables
 *
 * Theory of operation
 * -------------------
 * KVM's TDP MMU keeps a list of root tables for a VM, one for each kind of use: the ordinary address space,
 * that of SMM, a guest's guest without tables of its own. All valid roots are walked, so the answer does not
 * hang on what a vCPU is doing at the moment. Memslots translate: a range of the process's addresses is
 * looked up in each address space's memslots, and each part walked by guest frame number in the roots of that
 * address space.
 *
 * kvm->srcu keeps the memslots. mmu_lock for read keeps KVM from clearing accessed bits itself and from
 * everything else that it does under mmu_lock for write, but lets page faults go on; tables that they replace
 * stay until a grace period of RCU is over. The locks are held for one block, at most two last-level tables
 * for each root.
 *
 * Which accesses do not show in these tables: those of a VM without a TDP MMU or with accessed bits disabled,
 * and those of a nested guest, whose tables are shadow pages. Shadow pages may come and go between two looks,
 * so a VM that has allocated a shadow root once is not walked any more: that flag stays, unlike the count
 * indirect_shadow_pages.
 */
#include <linux/mm.h>
#include <linux/rculist.h>
#include <asm/cpufeature.h>
#include "compat.h"
#include "kvm_internals.h"
#include "tdp_walk.h"

/* How many absent entries are skipped before mmu_lock is dropped for a moment. */
#define SKIP_BUDGET 1024

static const struct entry_format npt_format = ENTRY_FORMAT_NPT;
static const struct entry_format ept_format = ENTRY_FORMAT_EPT;

/*
 * shadow_accessed_mask, which tells, is not exported. It is the vendor's, or 0 with accessed bits off
 * (tdp_check()), and no processor has both extensions.
 */
static const struct entry_format *tdp_format(void)
{
	return boot_cpu_has(X86_FEATURE_SVM) ? &npt_format : &ept_format;
}

/*
 * Whether a root is what kvm_internals.h says that it is. The list head it was reached by is in a public
 * structure.
 */
static bool root_is_sane(struct kvm_idle_mmu_page *root)
{
	return root->tdp_mmu_page && root->gfn == 0 && (root->role.level == 4 || root->role.level == 5) &&
	       virt_addr_valid(root->spt) && page_private(virt_to_page(root->spt)) == (unsigned long)root;
}

/* Whether a root is in use and maps one of the VM's address spaces. */
static bool root_maps(const struct kvm_idle_mmu_page *root, unsigned int as_id)
{
	return !root->role.invalid && root->role.smm == as_id;
}

int tdp_check(struct kvm *kvm)
{
	struct kvm_idle_mmu_page *root;
	int ret = 0;

	if (!compat_tdp_mmu_enabled(kvm))
		return -EOPNOTSUPP;
	/* Pairs with mmu_first_shadow_root_alloc(), arch/x86/kvm/mmu/mmu.c. */
	if (smp_load_acquire(&kvm->arch.shadow_root_allocated))
		return -EOPNOTSUPP;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!root_is_sane(root)) {
			pr_warn_once("KVM's tables are not laid out as expected: VMs cannot be scanned\n");
			ret = -EOPNOTSUPP;
			break;
		}
		if (!root->role.invalid && root->role.ad_disabled)
			ret = -EOPNOTSUPP;
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return ret;
}

/* The part of a range of the process's addresses that a memslot maps, as guest frame numbers. */
struct slot_part {
	unsigned long start; /* address of the first page */
	unsigned long end;   /* address after the last page */
	gfn_t gfn;	     /* that @start is mapped at */
};

static struct slot_part slot_clip(const struct kvm_memory_slot *slot, unsigned long start, unsigned long end)
{
	struct slot_part part;

	part.start = max(start, slot->userspace_addr);
	part.end = min(end, slot->userspace_addr + (slot->npages << PAGE_SHIFT));
	part.gfn = slot->base_gfn + ((part.start - slot->userspace_addr) >> PAGE_SHIFT);
	return part;
}

static void harvest_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, unsigned long address,
			 const u64 *wanted, enum harvest_mode mode, struct page_block *block)
{
	struct slot_part part = slot_clip(slot, address, address + PAGE_BLOCK_SIZE);
	struct kvm_idle_mmu_page *root;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (root_maps(root, slot->as_id))
			harvest_tree(tdp_format(), root->spt, root->role.level, part.gfn,
				     (part.start - address) >> PAGE_SHIFT,
				     (part.end - part.start) >> PAGE_SHIFT, wanted, mode, block);
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
}

void tdp_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		 struct page_block *block)
{
	struct interval_tree_node *node;
	struct kvm_memory_slot *slot;
	struct kvm_memslots *slots;
	unsigned int as_id;
	int srcu;

	srcu = srcu_read_lock(&kvm->srcu);
	for (as_id = 0; as_id < compat_address_spaces(kvm); as_id++) {
		slots = __kvm_memslots(kvm, as_id);
		for_each_memslot_in_hva_range(slot, node, slots, address, address + PAGE_BLOCK_SIZE - 1)
			harvest_slot(kvm, slot, address, wanted, mode, block);
	}
	srcu_read_unlock(&kvm->srcu, srcu);
}

/* The first address in [@address, @end) that one memslot maps, or @end; the slot overlaps that range. */
static unsigned long slot_next_mapped(struct kvm *kvm, const struct kvm_memory_slot *slot,
				      unsigned long address, unsigned long end)
{
	struct slot_part part = slot_clip(slot, address, end);
	gfn_t end_gfn = part.gfn + ((part.end - part.start) >> PAGE_SHIFT), next = end_gfn;
	struct kvm_idle_mmu_page *root;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (root_maps(root, slot->as_id))
			next = min(next, tree_next_mapped(tdp_format(), root->spt, root->role.level, part.gfn,
							  end_gfn, SKIP_BUDGET));
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return next < end_gfn ? part.start + ((next - part.gfn) << PAGE_SHIFT) : end;
}

unsigned long tdp_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end)
{
	struct interval_tree_node *node;
	struct kvm_memory_slot *slot;
	struct kvm_memslots *slots;
	unsigned long next = end;
	unsigned int as_id;
	int srcu;

	srcu = srcu_read_lock(&kvm->srcu);
	for (as_id = 0; as_id < compat_address_spaces(kvm); as_id++) {
		slots = __kvm_memslots(kvm, as_id);
		for_each_memslot_in_hva_range(slot, node, slots, address, next - 1) {
			next = slot_next_mapped(kvm, slot, address, next);
			if (next <= address)
				break;
		}
	}
	srcu_read_unlock(&kvm->srcu, srcu);
	return next;
}
