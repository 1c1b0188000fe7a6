// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vm_walk.c - what a VM's guests accessed, whatever tables they run on
 *
 * Accesses that leave accessed bits in TDP tables are read there: that is fast. About all others KVM is asked.
 * A VM may need both, and may begin to while it is observed: when its guest starts a guest. What was marked
 * idle before stays right, for a page is mapped if it is by any way, and accessed if it was by any way.
 */
#include <vmheat/idle_bitmap.h>
#include "kvm_aging.h"
#include "tdp_walk.h"
#include "vm_walk.h"
#include "young.h"

int vm_check(struct kvm *kvm)
{
	if (kvm_aging_has_rmaps(kvm) && !young_watches_shadow_pages())
		return -EOPNOTSUPP;
	return tdp_check(kvm);
}

unsigned int vm_paths(struct kvm *kvm)
{
	bool direct = tdp_exists(kvm) && tdp_has_accessed_bits(kvm);

	return (direct ? VMHEAT_IDLE_PATH_TDP : 0) |
	       (!direct || kvm_aging_has_rmaps(kvm) ? VMHEAT_IDLE_PATH_KVM_AGING : 0);
}

void vm_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		struct page_block *block)
{
	bool direct = tdp_exists(kvm) && tdp_harvest(kvm, address, wanted, mode, block);

	if (!direct || kvm_aging_has_rmaps(kvm))
		kvm_aging_harvest(kvm, address, wanted, mode, !direct, block);
}

unsigned long vm_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end)
{
	if (tdp_exists(kvm))
		end = tdp_next_mapped(kvm, address, end);
	if (kvm_aging_has_rmaps(kvm))
		end = kvm_aging_next_mapped(kvm, address, end);
	return end;
}
