// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tdp_walk.c - the second-level page tables of KVM's TDP MMU
 *
 * Theory of operation
 * -------------------
 * KVM's TDP MMU keeps a list of root tables for a VM, one for each kind of use: the ordinary address space,
 * that of SMM, a guest's guest without tables of its own. All valid roots are walked, so the answer does not
 * hang on what a vCPU is doing at the moment. Memslots translate: a range of the process's addresses is
 * looked up in each address space's memslots, and each part walked by guest frame number in the roots of that
 * address space.
 *
 * kvm->srcu keeps the memslots. mmu_lock for read keeps KVM from everything that it does under mmu_lock for
 * write, but lets page faults go on; tables that they replace stay until a grace period of RCU is over. KVM
 * clears accessed bits itself under mmu_lock for write (6.1, 6.12) or by compare-and-exchange, as we do
 * (7.2). The locks are held for one block, at most two last-level tables for each root.
 *
 * Accesses that leave no accessed bit in these tables are the business of kvm_aging.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

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
 * (role.ad_disabled), and no processor has both extensions.
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
	return !root->role.invalid && !compat_is_mirror(root->role) && root->role.smm == as_id;
}

bool tdp_exists(const struct kvm *kvm)
{
	return compat_tdp_mmu_enabled(kvm);
}

int tdp_check(struct kvm *kvm)
{
	struct kvm_idle_mmu_page *root;
	int ret = 0;

	if (!tdp_exists(kvm))
		return 0;
	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!root_is_sane(root)) {
			pr_warn_once("KVM's tables are not laid out as expected: VMs cannot be scanned\n");
			ret = -EOPNOTSUPP;
			break;
		}
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return ret;
}

bool tdp_has_accessed_bits(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long index;

	/* A vCPU knows for which kind of root it will ask before there is one. */
	kvm_for_each_vcpu(index, vcpu, kvm)
	{
		if (vcpu->arch.root_mmu.root_role.ad_disabled)
			return false;
	}
	return true;
}

/* Return: false if a root was left out because its accessed bits are off. */
static bool harvest_part(const struct slot_part *part, const u64 *wanted, enum harvest_mode mode,
			 struct page_block *block)
{
	struct kvm *kvm = part->kvm;
	struct kvm_idle_mmu_page *root;
	bool complete = true;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!root_maps(root, part->slot->as_id))
			continue;
		if (root->role.ad_disabled)
			complete = false;
		else
			harvest_tree(tdp_format(), root->spt, root->role.level, part->gfn,
				     slot_part_bit(part, part->gfn), slot_part_end(part) - part->gfn, wanted,
				     mode, block);
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return complete;
}

bool tdp_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		 struct page_block *block)
{
	struct slot_part part;
	bool complete = true;
	int srcu;

	srcu = srcu_read_lock(&kvm->srcu);
	for_each_slot_part(&part, kvm, address, address + PAGE_BLOCK_SIZE) {
		if (!harvest_part(&part, wanted, mode, block))
			complete = false;
	}
	srcu_read_unlock(&kvm->srcu, srcu);
	return complete;
}

void tdp_leaves(const struct slot_part *part, struct leaf_map *map)
{
	static const u64 all_pages[PAGE_BLOCK_WORDS] = { [0 ... PAGE_BLOCK_WORDS - 1] = ~0ULL };
	struct kvm *kvm = part->kvm;
	struct kvm_idle_mmu_page *root;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		struct page_block found = {};

		if (!root_maps(root, part->slot->as_id))
			continue;
		harvest_tree(tdp_format(), root->spt, root->role.level, part->gfn,
			     slot_part_bit(part, part->gfn), slot_part_end(part) - part->gfn, all_pages,
			     HARVEST_PEEK, &found);
		leaf_map_add_block(map, &found);
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
}

/* The first guest frame of a part that has a leaf or a last-level table, or the one after its last. */
static gfn_t part_next_mapped(const struct slot_part *part)
{
	gfn_t end = slot_part_end(part), next = end;
	struct kvm *kvm = part->kvm;
	struct kvm_idle_mmu_page *root;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (root_maps(root, part->slot->as_id))
			next = min(next, tree_next_mapped(tdp_format(), root->spt, root->role.level,
							  part->gfn, end, SKIP_BUDGET));
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return next;
}

unsigned long tdp_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end)
{
	return slot_parts_next_mapped(kvm, address, end, part_next_mapped);
}
