// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm_aging.c - accesses of a VM that only KVM's own aging can tell
 *
 * Theory of operation
 * -------------------
 * Not all that a VM accesses leaves accessed bits in TDP tables:
 * - Without a TDP MMU (kvm_amd npt=0, kvm_intel ept=0, kvm tdp_mmu=0) all its tables are shadow pages.
 * - The guests of a guest run on shadow pages, whatever the guest itself runs on.
 * - With accessed bits off (kvm_intel eptad=0, older processors) KVM takes from an entry the permission to be
 *   accessed, and learns by the fault that it was.
 * All that is known to KVM's handlers for the host's reclaim, its MMU notifier's clear_young() and
 * test_young(). They are found in the notifier, where KVM has put them, and are called just as reclaim calls
 * them: by address in the process. They answer for all memslots, all address spaces and all tables of the VM,
 * but they answer young or not, and neither which page was accessed nor which are mapped at all.
 *
 * What is mapped. Shadow pages are told by the reverse maps: for each memslot and leaf size an array with one
 * head for each leaf's place, which is in use if any shadow page maps it. They exist, as KVM itself says, if
 * there is no TDP MMU or once the VM has had a shadow root. They are in public structures and stay under
 * kvm->srcu; a head is read without mmu_lock, as a snapshot. TDP tables with accessed bits off are walked;
 * KVM's "present" bit stays in an entry that is not permitted.
 *
 * One question a leaf. clear_young() clears what it asks for, so of two questions about one leaf only the first
 * one is answered.
 * - If all leaves of a block have 4 KiB, there is one clear_young() for each page. That tests and clears at
 *   once: there is no gap for an access to be lost in, as there would be between test_young() and
 *   clear_young().
 * - KVM makes larger leaves only where guest frames and addresses are congruent to the leaf's size, and within
 *   the memslot. So such a leaf maps the whole block, and the block gets one clear_young() and one answer. By
 *   that, pages that have a small leaf too (in another guest address space, or of a guest's guest) may look
 *   accessed when they were not: all pages of the block count as the large leaf's.
 * - A large leaf may come while small ones are being asked about. It was made for an access, so one page is
 *   said to be young, and the access to another may have been cleared with it. So after a round with a young
 *   page the leaves are looked at once more, and if a large one has come all pages count as accessed.
 * - test_young() clears nothing: one question for a large leaf, and one for each page with a small one.
 *
 * Where a VM has both kinds of accesses, because its guest runs guests, the TDP tables are harvested directly
 * before. clear_young() clears the accessed bits of their leaves once more, with those of the shadow pages, so
 * the same rules hold for large leaves of the TDP tables.
 *
 * What KVM does to shadow pages between two looks, so that accessed bits go, shadow_pages.c sees.
 *
 * Flushing the TLBs as after a harvest of the tables suffices. KVM's clear_young() leaves it to its caller, and
 * an entry without permission in a TLB is as stale as one with an accessed bit. The flush drops what vCPUs hold
 * of shadow pages and of nested guests with the rest.
 *
 * A question is a call of KVM's that takes mmu_lock, for write up to Linux 6.12. A block is at most 512 of
 * them for each VM, and each may wait for page faults, so the processor is offered after each block.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include "compat.h"
#include "kvm_aging.h"
#include "leaf_map.h"
#include "slot_parts.h"
#include "tdp_walk.h"

/* How many blocks without shadow pages are skipped at a time. */
#define SKIP_BUDGET 128

bool kvm_aging_has_rmaps(struct kvm *kvm)
{
	/* As kvm_memslots_have_rmaps(); pairs with mmu_first_shadow_root_alloc(), arch/x86/kvm/mmu/mmu.c. */
	return !tdp_exists(kvm) || smp_load_acquire(&kvm->arch.shadow_root_allocated);
}

/* Whether a shadow page maps a guest frame by a leaf of a level. */
static bool rmap_in_use(const struct kvm_memory_slot *slot, gfn_t gfn, unsigned int level)
{
	const struct kvm_rmap_head *heads = slot->arch.rmap[level - 1];
	unsigned int shift = (level - 1) * TABLE_LEVEL_BITS;

	return heads && compat_rmap_in_use(&heads[(gfn >> shift) - (slot->base_gfn >> shift)]);
}

/* The guest frame after the last one that shares a leaf of a level with this one. */
static gfn_t leaf_end(gfn_t gfn, unsigned int level)
{
	return (gfn | (level_pages(level) - 1)) + 1;
}

static void rmap_leaves(const struct slot_part *part, struct leaf_map *map)
{
	unsigned int level;
	gfn_t gfn, next;

	for (level = 1; level <= ENTRY_MAX_LEAF_LEVEL; level++) {
		for (gfn = part->gfn; gfn < slot_part_end(part); gfn = next) {
			next = min(leaf_end(gfn, level), slot_part_end(part));
			if (rmap_in_use(part->slot, gfn, level))
				leaf_map_add(map, level, slot_part_bit(part, gfn), next - gfn);
		}
	}
}

/**
 * struct block_leaves - the leaves of a VM in one block
 * @asked: those that KVM is asked about
 * @other: those whose accessed bits it clears with them
 */
struct block_leaves {
	struct leaf_map asked;
	struct leaf_map other;
};

/* Add the leaves that there are now to those that were found before. */
static void find_leaves(struct kvm *kvm, unsigned long address, bool ask_tdp, struct block_leaves *leaves)
{
	bool has_rmaps = kvm_aging_has_rmaps(kvm);
	struct slot_part part;
	int srcu;

	srcu = srcu_read_lock(&kvm->srcu);
	for_each_slot_part(&part, kvm, address, address + PAGE_BLOCK_SIZE) {
		if (has_rmaps)
			rmap_leaves(&part, &leaves->asked);
		if (tdp_exists(kvm))
			tdp_leaves(&part, ask_tdp ? &leaves->asked : &leaves->other);
	}
	srcu_read_unlock(&kvm->srcu, srcu);
}

static bool test_young(struct kvm *kvm, unsigned long address)
{
	return kvm->mmu_notifier.ops->test_young(&kvm->mmu_notifier, kvm->mm, address);
}

static bool clear_young(struct kvm *kvm, unsigned long start, unsigned long end)
{
	return kvm->mmu_notifier.ops->clear_young(&kvm->mmu_notifier, kvm->mm, start, end);
}

/* Ask about each of the pages. Return: whether one was accessed. */
static bool ask_pages(struct kvm *kvm, unsigned long address, const u64 *pages, enum harvest_mode mode,
		      struct page_block *block)
{
	bool young, any = false;
	unsigned int n;

	for_each_set_bit(n, (const unsigned long *)pages, PAGE_BLOCK_PAGES) {
		unsigned long page = address + n * PAGE_SIZE;

		young = mode == HARVEST_CLEAR ? clear_young(kvm, page, page + PAGE_SIZE)
					      : test_young(kvm, page);
		block->present[n / 64] |= BIT_ULL(n % 64);
		if (young)
			block->accessed[n / 64] |= BIT_ULL(n % 64);
		any |= young;
	}
	return any;
}

/* Give pages the answer of a large leaf. */
static void add_large(const u64 *pages, u8 leaves, bool young, struct page_block *block)
{
	unsigned int word;

	for (word = 0; word < PAGE_BLOCK_WORDS; word++) {
		block->present[word] |= pages[word];
		block->large[word] |= pages[word];
		if (young)
			block->accessed[word] |= pages[word];
	}
	if (young && (leaves & LEAF_OF_LEVEL(3)))
		block->giant_accessed = true;
}

/* Give all pages of a block the answer of its large leaves. */
static void add_all(const struct block_leaves *leaves, bool young, struct page_block *block)
{
	u64 pages[PAGE_BLOCK_WORDS];

	leaf_map_pages(&leaves->asked, pages);
	add_large(pages, leaves->asked.leaves, young, block);
	leaf_map_pages(&leaves->other, pages);
	add_large(pages, leaves->other.leaves, young, block);
}

static bool has_large(const struct block_leaves *leaves)
{
	return leaf_map_has_large(&leaves->asked) || leaf_map_has_large(&leaves->other);
}

static void peek_block(struct kvm *kvm, unsigned long address, const u64 *small,
		       const struct block_leaves *leaves, struct page_block *block)
{
	const struct leaf_map *asked = &leaves->asked;

	if (leaf_map_has_large(asked)) {
		unsigned long n = find_first_bit((const unsigned long *)asked->large, PAGE_BLOCK_PAGES);

		add_large(asked->large, asked->leaves, test_young(kvm, address + n * PAGE_SIZE), block);
	}
	ask_pages(kvm, address, small, HARVEST_PEEK, block);
}

static void clear_block(struct kvm *kvm, unsigned long address, const u64 *small, bool ask_tdp,
			struct block_leaves *leaves, struct page_block *block)
{
	if (has_large(leaves)) {
		add_all(leaves, clear_young(kvm, address, address + PAGE_BLOCK_SIZE), block);
	} else if (ask_pages(kvm, address, small, HARVEST_CLEAR, block)) {
		find_leaves(kvm, address, ask_tdp, leaves);
		if (has_large(leaves))
			add_all(leaves, true, block);
	}
}

void kvm_aging_harvest(struct kvm *kvm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		       bool ask_tdp, struct page_block *block)
{
	u64 small[PAGE_BLOCK_WORDS], any = 0;
	struct block_leaves leaves = {};
	unsigned int word;

	find_leaves(kvm, address, ask_tdp, &leaves);
	for (word = 0; word < PAGE_BLOCK_WORDS; word++) {
		small[word] = wanted[word] & leaves.asked.small[word];
		any |= small[word] | (wanted[word] & leaves.asked.large[word]);
	}
	if (!any)
		return;
	block->leaves |= leaves.asked.leaves;
	if (mode == HARVEST_PEEK)
		peek_block(kvm, address, small, &leaves, block);
	else
		clear_block(kvm, address, small, ask_tdp, &leaves, block);
	cond_resched();
}

/* The first guest frame of a part that a shadow page maps, or one before it if that takes long to find. */
static gfn_t part_next_mapped(const struct slot_part *part)
{
	gfn_t gfn = part->gfn, end = slot_part_end(part), next;
	unsigned int budget = SKIP_BUDGET;

	for (; gfn < end && budget--; gfn = next) {
		next = min(leaf_end(gfn, 2), end);
		if (rmap_in_use(part->slot, gfn, 3) || rmap_in_use(part->slot, gfn, 2))
			return gfn;
		for (; gfn < next; gfn++) {
			if (rmap_in_use(part->slot, gfn, 1))
				return gfn;
		}
	}
	return gfn;
}

unsigned long kvm_aging_next_mapped(struct kvm *kvm, unsigned long address, unsigned long end)
{
	return slot_parts_next_mapped(kvm, address, end, part_next_mapped);
}
