/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compat.h - all that differs from one kernel version to the next
 *
 * Facts that the module takes from a particular version stand here and nowhere else, each with its source.
 */
#ifndef KVM_IDLE_COMPAT_H
#define KVM_IDLE_COMPAT_H

#include <linux/kvm_host.h>
#include <linux/version.h>

#define COMPAT_IS(major, minor)                                                                              \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0) &&                                            \
	 LINUX_VERSION_CODE < KERNEL_VERSION(major, (minor) + 1, 0))

#if !COMPAT_IS(6, 1) && !COMPAT_IS(6, 12)
#error "kvm_idle knows Linux 6.1 and 6.12 only: what others do differently belongs into compat.h"
#endif

/**
 * compat_tdp_mmu_enabled() - whether a VM's second-level tables are under KVM's TDP MMU
 *
 * If they are not, tdp_mmu_roots was never initialised (kvm_mmu_init_tdp_mmu(), arch/x86/kvm/mmu/tdp_mmu.c)
 * and must not be touched. The setting does not change during the life of the VM. Since 6.3 KVM keeps it in a
 * variable that modules do not see, and only the missing initialisation tells.
 */
static inline bool compat_tdp_mmu_enabled(const struct kvm *kvm)
{
#if COMPAT_IS(6, 1)
	return kvm->arch.tdp_mmu_enabled;
#else
	return kvm->arch.tdp_mmu_roots.next;
#endif
}

/** compat_address_spaces() - how many guest address spaces a VM has: the ordinary one and that of SMM */
static inline unsigned int compat_address_spaces(const struct kvm *kvm)
{
#if COMPAT_IS(6, 1)
	return KVM_ADDRESS_SPACE_NUM;
#else
	return kvm_arch_nr_memslot_as_ids((struct kvm *)kvm);
#endif
}

/** compat_rmap_in_use() - whether any entry of a shadow page maps what a reverse map stands for; a snapshot */
static inline bool compat_rmap_in_use(const struct kvm_rmap_head *rmap)
{
	return READ_ONCE(rmap->val);
}

#endif /* KVM_IDLE_COMPAT_H */
