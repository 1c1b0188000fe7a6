/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm_internals.h - private copies of kernel structures that no header offers
 *
 * Only the leading members that the module uses, in the kernel's order. The offsets are those of 6.1, 6.12
 * and 7.2; they are held at build time, and whoever follows such a pointer checks at run time that it led to
 * what it should.
 */
#ifndef KVM_IDLE_KVM_INTERNALS_H
#define KVM_IDLE_KVM_INTERNALS_H

#include <linux/kvm_host.h>

/**
 * struct kvm_idle_mmu_page - what KVM knows about one table: struct kvm_mmu_page of
 * arch/x86/kvm/mmu/mmu_internal.h
 *
 * page_private() of the page that holds the table points back to it.
 */
struct kvm_idle_mmu_page {
	struct list_head link;
	struct hlist_node hash_link;
	bool tdp_mmu_page;
	u8 flags[3];
	union kvm_mmu_page_role role;
	gfn_t gfn;
	u64 *spt;
	u64 *shadowed_translation; /* by entry: the guest's address of what it maps; its low bits are permissions */
};

static_assert(offsetof(struct kvm_idle_mmu_page, link) == 0);
static_assert(offsetof(struct kvm_idle_mmu_page, role) == 36);
static_assert(offsetof(struct kvm_idle_mmu_page, gfn) == 40);
static_assert(offsetof(struct kvm_idle_mmu_page, spt) == 48);
static_assert(offsetof(struct kvm_idle_mmu_page, shadowed_translation) == 56);

/**
 * struct kvm_idle_notifier_subscriptions - an mm's list of MMU notifiers: struct mmu_notifier_subscriptions
 * of mm/mmu_notifier.c
 *
 * Lives from the first registration until the mm_struct is freed.
 */
struct kvm_idle_notifier_subscriptions {
	struct hlist_head list;
	bool has_itree;
	spinlock_t lock;
};

#endif /* KVM_IDLE_KVM_INTERNALS_H */
