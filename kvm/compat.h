/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compat.h - all that differs from one kernel version to the next
 *
 * Facts that the module takes from a particular version stand here and nowhere else, each with its source.
 */
#ifndef KVM_IDLE_COMPAT_H
#define KVM_IDLE_COMPAT_H

#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/version.h>
#include <asm/cpufeature.h>
#include <asm/paravirt.h>
#include <asm/tlbflush.h>
#include "harvest.h"

#define COMPAT_IS(major, minor)                                                                              \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0) &&                                            \
	 LINUX_VERSION_CODE < KERNEL_VERSION(major, (minor) + 1, 0))

#if !COMPAT_IS(6, 1) && !COMPAT_IS(6, 12) && !COMPAT_IS(7, 2)
#error "kvm_idle knows Linux 6.1, 6.12 and 7.2 only: what others do differently belongs into compat.h"
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
#if COMPAT_IS(6, 1) || COMPAT_IS(6, 12)
	return READ_ONCE(rmap->val);
#else
	return atomic_long_read(&rmap->val) & ~BIT(1); /* KVM_RMAP_LOCKED, arch/x86/kvm/mmu/mmu.c */
#endif
}

/**
 * compat_is_mirror() - whether a root is KVM's copy of the tables that a TDX guest is really run with
 *
 * No processor walks a copy, so its accessed bits say nothing.
 */
static inline bool compat_is_mirror(union kvm_mmu_page_role role)
{
#if COMPAT_IS(6, 1) || COMPAT_IS(6, 12)
	return false;
#else
	return role.is_mirror;
#endif
}

/**
 * compat_flush_tlb_all() - empty the TLB of this processor; with interrupts disabled
 *
 * What __flush_tlb_all() does, which 7.2 keeps for KVM.
 */
static inline void compat_flush_tlb_all(void)
{
#if COMPAT_IS(6, 1) || COMPAT_IS(6, 12)
	__flush_tlb_all();
#else
	__flush_tlb_global();
#endif
}

/**
 * compat_tlb_cpumask() - the processors whose TLB may hold translations of a process that its tlb_gen does not
 * reach
 *
 * A processor that comes back to a process compares tlb_gen, so those that run it now, or kept it lazily, are
 * all; unless the process has an address space number that is the same on all processors (INVLPGB): nothing
 * is compared then, because the kernel itself flushes such a process everywhere at once.
 */
static inline const struct cpumask *compat_tlb_cpumask(struct mm_struct *mm)
{
#ifdef CONFIG_BROADCAST_TLB_FLUSH
	/* As mm_global_asid(), which modules do not see. */
	if (cpu_feature_enabled(X86_FEATURE_INVLPGB) && smp_load_acquire(&mm->context.global_asid))
		return cpu_online_mask;
#endif
	return mm_cpumask(mm);
}

/** compat_argument() - the n-th argument, from 0 on, of the call that entered the function tracer */
static __always_inline unsigned long compat_argument(struct ftrace_regs *regs, unsigned int n)
{
#if COMPAT_IS(6, 1)
	return regs_get_kernel_argument(&regs->regs, n);
#else
	return ftrace_regs_get_argument(regs, n);
#endif
}

/** compat_set_ip() - go on elsewhere from the function tracer; for who has FTRACE_OPS_FL_IPMODIFY */
static __always_inline void compat_set_ip(struct ftrace_regs *regs, unsigned long ip)
{
#if COMPAT_IS(6, 1)
	ftrace_instruction_pointer_set(regs, ip);
#else
	ftrace_regs_set_instruction_pointer(regs, ip);
#endif
}

/*
 * How KVM synchronises a shadow page with the guest's table, arch/x86/kvm/mmu/paging_tmpl.h: up to 6.3 a page at
 * once, by int FNAME(sync_page)(struct kvm_vcpu *vcpu, struct kvm_mmu_page *sp), then an entry at a time, by
 * int FNAME(sync_spte)(struct kvm_vcpu *vcpu, struct kvm_mmu_page *sp, int i).
 */
#if COMPAT_IS(6, 1)
#define COMPAT_SYNC(paging) #paging "_sync_page"
#else
#define COMPAT_SYNC(paging) #paging "_sync_spte"
#endif

/** compat_synced_entries() - which entries of a shadow page a call of COMPAT_SYNC() is about */
static inline void compat_synced_entries(struct ftrace_regs *regs, unsigned int *first, unsigned int *count)
{
#if COMPAT_IS(6, 1)
	*first = 0;
	*count = TABLE_ENTRIES;
#else
	*first = compat_argument(regs, 2);
	*count = 1;
#endif
}

#endif /* KVM_IDLE_COMPAT_H */
