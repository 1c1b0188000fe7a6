/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest.h - read and take accessed bits in page tables
 *
 * Theory of operation
 * -------------------
 * The host's own tables and KVM's second-level tables (NPT, EPT) are the same radix tree: tables of 512
 * eight-byte entries, level 4 or 5 at the root, level 1 at the bottom; a *leaf* is a present entry of level
 * 1, or one of level 2 (2 MiB) or 3 (1 GiB) with bit 7 set. They differ in the bits that say "present" and
 * "accessed", which struct entry_format holds. Everything here is a function of the tables that it is given:
 * no locks, no allocation, no kernel service. So user space can include this file too, and test it on tables
 * of its own.
 *
 * Harvesting an entry means to read its accessed bit and, in mode HARVEST_CLEAR, to clear it. It is cleared
 * by a locked compare-and-exchange and only while the entry is still the present leaf that was read, because
 * three parties write an entry without taking part in our locks: the processor sets accessed and dirty, KVM's
 * fast page fault handler sets writable, and a vCPU that holds mmu_lock for read, as we do, replaces the
 * entry by a "removed" marker (0x5a0, which has both accessed bits set: a plain locked "clear bit" would turn
 * that marker into something that KVM no longer knows, and let it map the page a second time). A plain store
 * would lose all three kinds of update. It is several times cheaper, but needs mmu_lock for write to be safe.
 *
 * Results come in blocks of 512 pages, 2 MiB of address space, aligned: what one last-level table maps.
 */
#ifndef KVM_IDLE_HARVEST_H
#define KVM_IDLE_HARVEST_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/pgtable.h>
#include <linux/types.h>
#define entry_table(entry) ((u64 *)__va((entry)&PTE_PFN_MASK))
#else
#include <stdbool.h>
#include <stdint.h>
typedef uint64_t u64;
/* In user space a table's address stands in an entry as it is: only bits 12 to 51 may be set in it. */
#define entry_table(entry) ((u64 *)(uintptr_t)((entry)&0x000ffffffffff000ULL))
#ifndef READ_ONCE /* a test may put something between a read and what follows */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#endif
#define try_cmpxchg(p, o, n) __atomic_compare_exchange_n(p, o, n, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#endif

#define TABLE_ENTRIES	     512
#define TABLE_LEVEL_BITS     9
#define ENTRY_LARGE	     (1ULL << 7) /* in an entry of level 2 or 3: it is a leaf */
#define ENTRY_MAX_LEAF_LEVEL 3

#define PAGE_BLOCK_PAGES     512
#define PAGE_BLOCK_WORDS     (PAGE_BLOCK_PAGES / 64)
#define PAGE_BLOCK_SHIFT     21 /* a block is 2 MiB of address space */
#define PAGE_BLOCK_SIZE	     (1UL << PAGE_BLOCK_SHIFT)

/**
 * struct entry_format - the bits that tell one kind of page table from another
 * @present:  the entry is present if any of these is set
 * @accessed: the accessed bit
 */
struct entry_format {
	u64 present;
	u64 accessed;
};

/* x86 page tables: present, or inaccessible but mapped (PROT_NONE). arch/x86/include/asm/pgtable_types.h. */
#define ENTRY_FORMAT_HOST                                                                                    \
	{                                                                                                    \
		.present = 1ULL << 0 | 1ULL << 8, .accessed = 1ULL << 5                                      \
	}

/*
 * KVM's second-level tables. Bit 11 is KVM's own "MMU present" (arch/x86/kvm/mmu/spte.h), which MMIO and
 * removed entries lack. The accessed bit is the processor's: AMD APM volume 2, 15.25.5; Intel SDM volume
 * 3, 29.3.2.
 */
#define ENTRY_FORMAT_NPT                                                                                     \
	{                                                                                                    \
		.present = 1ULL << 11, .accessed = 1ULL << 5                                                 \
	}
#define ENTRY_FORMAT_EPT                                                                                     \
	{                                                                                                    \
		.present = 1ULL << 11, .accessed = 1ULL << 8                                                 \
	}

/** enum harvest_mode - what becomes of an accessed bit: HARVEST_PEEK leaves it, HARVEST_CLEAR clears it. */
enum harvest_mode {
	HARVEST_PEEK,
	HARVEST_CLEAR,
};

/**
 * struct page_block - what was found about 512 pages, bit n of the bitmaps being page n
 * @present:        the page is mapped
 * @accessed:       the page is mapped by a leaf whose accessed bit was set
 * @giant_accessed: one of these accessed bits was that of a 1 GiB leaf, so it spoke for the neighbouring
 * blocks too
 *
 * Only pages that were asked for, and those that share a leaf with one, are in it. Findings add up:
 * harvesting several trees into one block gives their union.
 */
struct page_block {
	u64 present[PAGE_BLOCK_WORDS];
	u64 accessed[PAGE_BLOCK_WORDS];
	bool giant_accessed;
};

/** level_pages() - how many pages one entry of a level maps */
static inline u64 level_pages(unsigned int level)
{
	return 1ULL << (level - 1) * TABLE_LEVEL_BITS;
}

/** entry_is_leaf() - whether a present entry of a level maps memory, not a further table */
static inline bool entry_is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (level <= ENTRY_MAX_LEAF_LEVEL && (entry & ENTRY_LARGE));
}

/**
 * harvest_entry() - harvest one entry
 * @level: of the table that it stands in
 *
 * Return: the entry as it was found. Its accessed bit is cleared only if that is a present leaf.
 */
static inline u64 harvest_entry(const struct entry_format *format, u64 *entry, unsigned int level,
				enum harvest_mode mode)
{
	u64 found = READ_ONCE(*entry);

	if (mode == HARVEST_PEEK)
		return found;
	while ((found & format->present) && (found & format->accessed) && entry_is_leaf(found, level))
		if (try_cmpxchg(entry, &found, found & ~format->accessed))
			break;
	return found;
}

/**
 * harvest_entries() - harvest consecutive entries of a last-level table
 * @entries: the entry of page @first of the block; entries up to that of page @first + @count - 1 are
 * harvested
 * @wanted:  the pages of the block to look at; entries of others are not touched
 */
static inline void harvest_entries(const struct entry_format *format, u64 *entries, unsigned int first,
				   unsigned int count, const u64 *wanted, enum harvest_mode mode,
				   struct page_block *block)
{
	while (count) {
		unsigned int word = first / 64, shift = first % 64;
		unsigned int in_word = count < 64 - shift ? count : 64 - shift;
		u64 left = wanted[word] >> shift, present = 0, accessed = 0;

		if (in_word < 64)
			left &= (1ULL << in_word) - 1;
		for (; left; left &= left - 1) {
			unsigned int i = __builtin_ctzll(left);
			u64 found = harvest_entry(format, &entries[i], 1, mode);

			if (!(found & format->present))
				continue;
			present |= 1ULL << i;
			if (found & format->accessed)
				accessed |= 1ULL << i;
		}
		block->present[word] |= present << shift;
		block->accessed[word] |= accessed << shift;
		entries += in_word;
		first += in_word;
		count -= in_word;
	}
}

/* The bits of a word of a block's bitmap that stand for pages @first to @first + @count - 1. */
static inline u64 range_bits(unsigned int word, unsigned int first, unsigned int count)
{
	unsigned int start = word * 64, end = start + 64;

	if (first > start)
		start = first;
	if (first + count < end)
		end = first + count;
	return start < end ? ~0ULL >> (64 - (end - start)) << start % 64 : 0;
}

/**
 * harvest_large_leaf() - harvest an entry of level 2 or 3 for the pages of a block that it maps
 *
 * The pages @first to @first + @count - 1 share the leaf: they are looked at if one of them is wanted, and
 * then all of them get the same answer. An entry that is no leaf any more counts as not present; the next
 * look will find what took its place.
 */
static inline void harvest_large_leaf(const struct entry_format *format, u64 *entry, unsigned int level,
				      unsigned int first, unsigned int count, const u64 *wanted,
				      enum harvest_mode mode, struct page_block *block)
{
	unsigned int word;
	u64 found, any = 0;

	for (word = 0; word < PAGE_BLOCK_WORDS; word++)
		any |= wanted[word] & range_bits(word, first, count);
	if (!any)
		return;

	found = harvest_entry(format, entry, level, mode);
	if (!(found & format->present) || !entry_is_leaf(found, level))
		return;
	for (word = 0; word < PAGE_BLOCK_WORDS; word++) {
		block->present[word] |= range_bits(word, first, count);
		if (found & format->accessed)
			block->accessed[word] |= range_bits(word, first, count);
	}
	if (level > 2 && (found & format->accessed))
		block->giant_accessed = true;
}

/**
 * entry_lookup() - the lowest entry above the last level on the way to a page
 * @table: the root
 * @level: in: the root's level, at least 2. Out: the level of the entry found, at least 2
 * @page:  the page's number in the address space that the tree maps
 *
 * Return: the entry; at that moment it was absent, a leaf, or (level 2 only) pointed to a last-level table.
 * NULL if the tree is too small to map the page; the level is then the root's.
 */
static inline u64 *entry_lookup(const struct entry_format *format, u64 *table, unsigned int *level, u64 page)
{
	if (page / TABLE_ENTRIES >= level_pages(*level))
		return NULL;
	for (;;) {
		u64 *entry = &table[page / level_pages(*level) % TABLE_ENTRIES];
		u64 value = READ_ONCE(*entry);

		if (*level == 2 || !(value & format->present) || entry_is_leaf(value, *level))
			return entry;
		table = entry_table(value);
		--*level;
	}
}

/**
 * harvest_tree() - harvest a range of pages that lies within one block
 * @root:  the tree's root table
 * @level: its level
 * @page:  number of the first page in the address space that the tree maps
 * @first: the bit of that page in the block; @first + @count is at most PAGE_BLOCK_PAGES
 * @count: how many pages
 *
 * The caller sees to it that no table of the tree is freed meanwhile.
 */
static inline void harvest_tree(const struct entry_format *format, u64 *root, unsigned int root_level,
				u64 page, unsigned int first, unsigned int count, const u64 *wanted,
				enum harvest_mode mode, struct page_block *block)
{
	while (count) {
		unsigned int level = root_level;
		u64 *entry = entry_lookup(format, root, &level, page);
		u64 to_end = level_pages(level) - page % level_pages(level);
		unsigned int part = count < to_end ? count : to_end;
		u64 value;

		if (!entry)
			return;
		value = READ_ONCE(*entry);
		if (value & format->present) {
			if (entry_is_leaf(value, level))
				harvest_large_leaf(format, entry, level, first, part, wanted, mode, block);
			else if (level == 2)
				harvest_entries(format, entry_table(value) + page % TABLE_ENTRIES, first,
						part, wanted, mode, block);
		}
		page += part;
		first += part;
		count -= part;
	}
}

/**
 * tree_next_mapped() - skip the part of a range that no table maps
 * @page: number of the range's first page
 * @end:  number of the page after its last
 *
 * Return: the first page of the range that has a leaf or a last-level table, or @end. At most @budget absent
 * entries are skipped; what was reached by then is returned, and need not be mapped.
 */
static inline u64 tree_next_mapped(const struct entry_format *format, u64 *root, unsigned int root_level,
				   u64 page, u64 end, unsigned int budget)
{
	while (page < end && budget--) {
		unsigned int level = root_level;
		u64 *entry = entry_lookup(format, root, &level, page);

		if (!entry)
			return end;
		if (READ_ONCE(*entry) & format->present)
			return page;
		page = (page / level_pages(level) + 1) * level_pages(level);
	}
	return page < end ? page : end;
}

#endif /* KVM_IDLE_HARVEST_H */
