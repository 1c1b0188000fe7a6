/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shadow_pages.h - accessed bits that go when KVM changes its shadow pages
 */
#ifndef KVM_IDLE_SHADOW_PAGES_H
#define KVM_IDLE_SHADOW_PAGES_H

#include <linux/kvm_host.h>

/** enum shadow_format - what the accessed bit is in entries of a shadow page: as in x86 page tables, or in EPT */
enum shadow_format {
	SHADOW_PAGING,
	SHADOW_EPT,
};

/**
 * shadow_entry_removed() - KVM is about to remove an entry of a shadow page
 * @entry: its address
 *
 * Context: atomic; under mmu_lock and whatever keeps the memslots, as for all that follow.
 */
void shadow_entry_removed(struct kvm *kvm, const u64 *entry);

/**
 * shadow_entries_synced() - KVM is about to make entries of a shadow page anew by what the guest's table says
 * @page:  its struct kvm_mmu_page
 * @first: index of the first entry
 * @count: how many
 */
void shadow_entries_synced(struct kvm *kvm, const void *page, enum shadow_format format, unsigned int first,
			   unsigned int count);

#endif /* KVM_IDLE_SHADOW_PAGES_H */
