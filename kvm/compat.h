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

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#error "kvm_idle knows Linux 6.1 only: what other versions do differently belongs into compat.h"
#endif

/**
 * compat_tdp_mmu_enabled() - whether a VM's second-level tables are under KVM's TDP MMU
 *
 * If they are not, tdp_mmu_roots was never initialised (kvm_mmu_init_tdp_mmu(), arch/x86/kvm/mmu/tdp_mmu.c)
 * and must not be touched. The setting does not change during the life of the VM.
 */
static inline bool compat_tdp_mmu_enabled(const struct kvm *kvm)
{
	return kvm->arch.tdp_mmu_enabled;
}

/** compat_address_spaces() - how many guest address spaces a VM has: the ordinary one and that of SMM */
static inline unsigned int compat_address_spaces(const struct kvm *kvm)
{
	return KVM_ADDRESS_SPACE_NUM;
}

#endif /* KVM_IDLE_COMPAT_H */
