// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shadow_pages.c - accessed bits that go when KVM changes its shadow pages
 *
 * A TDP table gets an entry by an access, and keeps it until the page is unmapped. Shadow pages are made by what
 * the guest's own tables say, and so KVM changes their entries for reasons of its own:
 * - It removes entries, when the guest's table has changed or shadow pages get scarce, and may make them anew
 *   in advance, before anybody accesses the page.
 * - It synchronises a shadow page with a table that the guest has written to. Entries that stay are made anew.
 * What is made so is not accessed. The bit that was there before is handed to the host's reclaim alone, and
 * the page would look idle. So both events are watched (young.c), and the observers told: pages whose entry is
 * removed, whether accessed or not, for a page whose mapping has gone is not idle anyway; and pages whose entry
 * is accessed before it is synchronised.
 */
#include <linux/mm.h>
#include "harvest.h"
#include "idle_state.h"
#include "kvm_internals.h"
#include "shadow_pages.h"

static const struct entry_format formats[] = {
	[SHADOW_PAGING] = ENTRY_FORMAT_NPT,
	[SHADOW_EPT] = ENTRY_FORMAT_EPT,
};

/* With accessed bits off KVM takes the permission from an entry that is not accessed: the lowest three bits. */
#define EPT_PERMISSIONS 7ULL

/* As kvm_mmu_page_get_gfn(), arch/x86/kvm/mmu/mmu.c. */
static gfn_t entry_gfn(const struct kvm_idle_mmu_page *page, unsigned int index)
{
	if (page->role.passthrough)
		return page->gfn;
	if (!page->role.direct)
		return page->shadowed_translation[index] >> PAGE_SHIFT;
	return page->gfn + index * level_pages(page->role.level);
}

/* Tell the observers of the process that has the page, or the large leaf's pages, of an entry. */
static void tell(struct kvm *kvm, const struct kvm_idle_mmu_page *page, unsigned int index)
{
	gfn_t gfn = entry_gfn(page, index);
	const struct kvm_memory_slot *slot = __gfn_to_memslot(__kvm_memslots(kvm, page->role.smm), gfn);
	unsigned long address;

	if (!slot)
		return;
	address = __gfn_to_hva_memslot(slot, gfn);
	idle_state_lost(kvm->mm, address, address + level_pages(page->role.level) * PAGE_SIZE);
}

void shadow_entry_removed(struct kvm *kvm, const u64 *entry)
{
	const u64 *table = PTR_ALIGN_DOWN(entry, PAGE_SIZE);

	if (idle_state_observes(kvm->mm) && (READ_ONCE(*entry) & formats[SHADOW_PAGING].present))
		tell(kvm, (void *)page_private(virt_to_page(table)), entry - table);
}

void shadow_entries_synced(struct kvm *kvm, const void *shadow_page, enum shadow_format format,
			   unsigned int first, unsigned int count)
{
	const struct kvm_idle_mmu_page *page = shadow_page;
	u64 accessed = page->role.ad_disabled ? EPT_PERMISSIONS : formats[format].accessed;
	unsigned int index;

	if (!idle_state_observes(kvm->mm))
		return;
	for (index = first; index < first + count; index++) {
		u64 entry = READ_ONCE(page->spt[index]);

		if ((entry & formats[format].present) && (entry & accessed))
			tell(kvm, page, index);
	}
}
