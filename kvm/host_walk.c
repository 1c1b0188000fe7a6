// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * host_walk.c - accessed bits of a process's own page tables
 *
 * The tables of another process may be taken down at any moment. What keeps them while they are walked:
 * - The VMA is looked up under mmap_lock and walked before that lock is dropped. Tables above the last level
 *   are freed only with the VMAs that they serve, and those leave the tree under mmap_lock for write first.
 *   munmap() then frees the tables with mmap_lock held for read, so an address outside of every VMA must not
 *   be walked.
 * - Last-level tables can vanish under mmap_lock for read too (khugepaged, since 6.6), after a grace period
 *   of RCU. So the walk is an RCU read-side section, takes the table's lock and looks again whether the table
 *   still hangs there: what pte_offset_map_lock() does, which is not exported.
 * - hugetlb may share a level 2 table between processes, and gives the share up under i_mmap_rwsem for write.
 *
 * The accessed bits of such a shared table belong to all its processes, and the idle states of the others
 * would not learn that one was cleared. So they are left alone, and while the table is shared its pages
 * always count as accessed.
 */
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include "compat.h"
#include "host_walk.h"

/* How many absent entries and VMAs are skipped before mmap_lock is dropped for a moment. */
#define SKIP_BUDGET 1024

static const struct entry_format host_format = ENTRY_FORMAT_HOST;

static unsigned int root_level(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

/* The lock of a leaf of level 2 or 3, or of the last-level table that an entry of level 2 points to. */
static spinlock_t *entry_lock(struct mm_struct *mm, u64 *entry, u64 value, unsigned int level)
{
	pmd_t pmd = __pmd(value);

	if (level == 3)
		return pud_lockptr(mm, (pud_t *)entry);
	if (entry_is_leaf(value, level))
		return pmd_lockptr(mm, (pmd_t *)entry);
	return pte_lockptr(mm, &pmd);
}

/* Whether an entry still says what it did, but for the bits that the processor sets. */
static bool entry_unchanged(u64 *entry, u64 value)
{
	return !((READ_ONCE(*entry) ^ value) & ~(_PAGE_ACCESSED | _PAGE_DIRTY));
}

/* Harvest a leaf of level 2 whose table other processes use too. */
static void harvest_shared_leaf(u64 *entry, unsigned int first, unsigned int count, const u64 *wanted,
				struct page_block *block)
{
	struct page_block found = {};

	harvest_large_leaf(&host_format, entry, 2, first, count, wanted, HARVEST_PEEK, &found);
	if (!found.leaves)
		return;
	add_large_leaf(block, 2, first, count, true);
	block->skipped += count;
}

/*
 * Harvest the part of a block that one VMA covers. Under mmap_lock.
 * Return: false if the tables changed under the walk; nothing was found then, and the walk should be
 * repeated.
 */
static bool harvest_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			  const u64 *wanted, enum harvest_mode mode, struct page_block *block)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned int first = start >> PAGE_SHIFT & (PAGE_BLOCK_PAGES - 1),
		     count = (end - start) >> PAGE_SHIFT;
	unsigned int level = root_level();
	bool valid = true;
	spinlock_t *lock;
	u64 *entry, value;

	rcu_read_lock();
	entry = entry_lookup(&host_format, (u64 *)mm->pgd, &level, start >> PAGE_SHIFT);
	value = entry ? READ_ONCE(*entry) : 0;
	if (!(value & host_format.present) || level > ENTRY_MAX_LEAF_LEVEL ||
	    (level > 2 && !entry_is_leaf(value, level)))
		goto out;

	lock = entry_lock(mm, entry, value, level);
	spin_lock(lock);
	valid = entry_unchanged(entry, value);
	if (!valid)
		; /* another walk will see */
	else if (!entry_is_leaf(value, level))
		harvest_table(&host_format, entry, value, first, first, count, wanted, mode, block);
	else if (level == 2 && is_vm_hugetlb_page(vma) && hugetlb_pmd_shared((pte_t *)entry))
		harvest_shared_leaf(entry, first, count, wanted, block);
	else
		harvest_large_leaf(&host_format, entry, level, first, count, wanted, mode, block);
	spin_unlock(lock);
out:
	rcu_read_unlock();
	return valid;
}

static void harvest_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end, const u64 *wanted,
			enum harvest_mode mode, struct page_block *block)
{
	struct address_space *mapping = is_vm_hugetlb_page(vma) ? vma->vm_file->f_mapping : NULL;

	if (mapping)
		i_mmap_lock_read(mapping);
	while (!harvest_range(vma, start, end, wanted, mode, block))
		cpu_relax();
	if (mapping)
		i_mmap_unlock_read(mapping);
}

int host_harvest(struct mm_struct *mm, unsigned long address, const u64 *wanted, enum harvest_mode mode,
		 struct page_block *block)
{
	unsigned long end = address + PAGE_BLOCK_SIZE;
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	while (address < end) {
		vma = find_vma(mm, address);
		if (!vma || vma->vm_start >= end)
			break;
		harvest_vma(vma, max(address, vma->vm_start), min(end, vma->vm_end), wanted, mode, block);
		address = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return 0;
}

int host_next_mapped(struct mm_struct *mm, unsigned long address, unsigned long end, unsigned long *next)
{
	unsigned int budget = SKIP_BUDGET;
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	while (address < end && budget--) {
		unsigned long vma_end;
		struct address_space *mapping;

		vma = find_vma(mm, address);
		if (!vma || vma->vm_start >= end) {
			address = end;
			break;
		}
		address = max(address, vma->vm_start);
		vma_end = min(end, vma->vm_end);
		mapping = is_vm_hugetlb_page(vma) ? vma->vm_file->f_mapping : NULL;
		if (mapping)
			i_mmap_lock_read(mapping);
		address = tree_next_mapped(&host_format, (u64 *)mm->pgd, root_level(), address >> PAGE_SHIFT,
					   vma_end >> PAGE_SHIFT, SKIP_BUDGET)
			  << PAGE_SHIFT;
		if (mapping)
			i_mmap_unlock_read(mapping);
		if (address < vma_end)
			break;
	}
	mmap_read_unlock(mm);
	*next = address;
	return 0;
}

static void flush_this_cpu(void *unused)
{
	compat_flush_tlb_all();
}

/*
 * flush_tlb_mm_range() is not exported. The generation makes every processor that has left this mm flush
 * before it comes back; the others are told. As in inc_mm_tlb_gen(), which modules do not see, the increment
 * is the full barrier between the writes to the tables and the reading of the mask.
 */
void host_flush_tlbs(struct mm_struct *mm)
{
	atomic64_inc_return(&mm->context.tlb_gen);
	on_each_cpu_mask(compat_tlb_cpumask(mm), flush_this_cpu, NULL, true);
}
