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
 * Harvesting an entry means to read its accessed bit and, in mode HARVEST_CLEAR, to clear it. There are two
 * ways to clear it:
 *
 * - KVM's tables, which are harvested under mmu_lock for read: by a locked compare-and-exchange, while the
 *   entry is still the present leaf that was read. Three parties write it without taking part in our lock:
 *   the processor sets accessed and dirty, KVM's fast page fault handler sets writable, and a vCPU that holds
 *   mmu_lock for read, as we do, replaces the entry by a "removed" marker (0x5a0, which has both accessed
 *   bits set: a plain locked "clear bit" would turn that marker into something that KVM no longer knows, and
 *   let it map the page a second time). A plain store would lose all three kinds of update.
 * - The host's tables, which are harvested under the lock of the table: by a plain store if the entry is
 *   accessed and dirty, "settled". Every software writer takes that lock, and all that the processor ever
 *   does to an entry is to set these two bits, so nobody has anything left to write. Otherwise as above.
 *
 * Speed. `make bench` measures this code beside its limits. On an EPYC 9005 (Zen 5), shuffled tables of 1 TiB
 * of 4 KiB pages, in ns an entry: reading the tables once takes 0.45; a harvest 0.57 with no page accessed;
 * with all accessed 3.3 by locked operations (limit 2.9) and 0.86 by plain stores (limit 0.8). So:
 *
 * - Entries are looked at by the cache line, eight at once: most lines are all idle, all absent or all
 *   accessed, and few tests tell.
 * - While a line is harvested, the same line of the next table is fetched. Tables lie anywhere in memory, so
 *   the processor does not foresee it; an idle entry would cost 1.6.
 * - Two neighbouring accessed entries are cleared by one 16-byte compare-and-exchange, because a locked
 *   operation costs 5 to 6 ns whatever its size. In lines where not all are accessed, one entry at a time is
 *   faster.
 *
 * mmu_lock for write would allow plain stores to those entries of KVM's tables that are writable and dirty.
 * Where everything is accessed that would save 2.4 ns an entry, 1.2 us a table; with one page in ten accessed
 * 0.1 ns. But the page faults of all vCPUs would wait for each table of each scan, and we for the faults under
 * way. Scans are made to find idle memory; KVM's tables are cleared by locked operations.
 *
 * A table is never skipped because the entry that points to it is not accessed. For the accessed bits that
 * would be sound only with a TLB flush between clearing the upper bits and harvesting the lower ones; for the
 * present bits, which tell idle pages from holes, not even then: KVM unmaps pages without a trace above them.
 *
 * Results come in blocks of 512 pages, 2 MiB of address space, aligned: what one last-level table maps.
 */
#ifndef KVM_IDLE_HARVEST_H
#define KVM_IDLE_HARVEST_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/pgtable.h>
#include <linux/prefetch.h>
#include <linux/types.h>
#include <asm/cpufeature.h>
#define entry_table(entry) ((u64 *)__va((entry)&PTE_PFN_MASK))
#define has_cmpxchg_pair() cpu_feature_enabled(X86_FEATURE_CX16)
#else
#include <stdbool.h>
#include <stdint.h>
typedef uint64_t u64;
typedef uint8_t u8;
/* In user space a table's address stands in an entry as it is: only bits 12 to 51 may be set in it. */
#define entry_table(entry) ((u64 *)(uintptr_t)((entry)&0x000ffffffffff000ULL))
#ifndef READ_ONCE /* a test may put something between a read and what follows */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#endif
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define prefetch(address)    __builtin_prefetch(address)
#define has_cmpxchg_pair()   true
#define try_cmpxchg(p, o, n) __atomic_compare_exchange_n(p, o, n, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#endif

#define TABLE_ENTRIES	     512
#define TABLE_LEVEL_BITS     9
#define ENTRY_LARGE	     (1ULL << 7) /* in an entry of level 2 or 3: it is a leaf */
#define ENTRY_MAX_LEAF_LEVEL 3
#define LEAF_OF_LEVEL(level) (1U << ((level)-1)) /* in struct page_block.leaves */

#define LINE_ENTRIES	     8 /* in a cache line */
#define LINE_BITS	     0xffULL
#define UNROLL_LINE	     _Pragma("GCC unroll 8")

#define PAGE_BLOCK_PAGES     512
#define PAGE_BLOCK_WORDS     (PAGE_BLOCK_PAGES / 64)
#define PAGE_BLOCK_SHIFT     21 /* a block is 2 MiB of address space */
#define PAGE_BLOCK_SIZE	     (1UL << PAGE_BLOCK_SHIFT)

/**
 * struct entry_format - the bits that tell one kind of page table from another
 * @present:  the entry is present if any of these is set
 * @accessed: the accessed bit
 * @settled:  if all of these are set, nobody else writes the entry as long as it is under the lock that it is
 *            harvested under; 0: somebody always may
 */
struct entry_format {
	u64 present;
	u64 accessed;
	u64 settled;
};

/*
 * x86 page tables: present, or inaccessible but mapped (PROT_NONE). arch/x86/include/asm/pgtable_types.h.
 * Settled when accessed and dirty; the entry's page table lock must be held.
 */
#define ENTRY_FORMAT_HOST                                                                                    \
	{                                                                                                    \
		.present = 1ULL << 0 | 1ULL << 8, .accessed = 1ULL << 5, .settled = 1ULL << 5 | 1ULL << 6    \
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
 * @large:          the page is mapped by a leaf larger than 4 KiB
 * @leaves:         LEAF_OF_LEVEL() of all leaves that were found
 * @giant_accessed: one of these accessed bits was that of a 1 GiB leaf, so it spoke for the neighbouring
 * blocks too
 * @skipped:        how many of the pages count as accessed because their accessed bits tell nothing
 *
 * Only pages that were asked for, and those that share a leaf with one, are in it. Findings add up:
 * harvesting several trees into one block gives their union.
 */
struct page_block {
	u64 present[PAGE_BLOCK_WORDS];
	u64 accessed[PAGE_BLOCK_WORDS];
	u64 large[PAGE_BLOCK_WORDS];
	u8 leaves;
	bool giant_accessed;
	unsigned int skipped;
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

/* Whether nobody but us writes an entry. */
static inline bool is_settled(const struct entry_format *format, u64 entry)
{
	return format->settled && (entry & format->settled) == format->settled;
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
	while ((found & format->present) && (found & format->accessed) && entry_is_leaf(found, level)) {
		if (is_settled(format, found)) {
			WRITE_ONCE(*entry, found & ~format->accessed);
			break;
		}
		if (try_cmpxchg(entry, &found, found & ~format->accessed))
			break;
	}
	return found;
}

/* What was found about the pages of one cache line of last-level entries, bit n being entry n. */
struct line_pages {
	u64 present;
	u64 accessed;
};

static inline void add_page(const struct entry_format *format, u64 found, unsigned int n,
			    struct line_pages *pages)
{
	u64 present = !!(found & format->present), accessed = !!(found & format->accessed);

	pages->present |= present << n;
	pages->accessed |= (present & accessed) << n;
}

/*
 * Clear the accessed bits of two neighbouring entries, at an address divisible by 16, if both are present and
 * accessed. Return: false if not, or if one of them changed meanwhile; nothing is changed then.
 */
static inline bool clear_pair(const struct entry_format *format, u64 *pair)
{
	u64 low = READ_ONCE(pair[0]), high = READ_ONCE(pair[1]);
	bool done;

	if (!(low & format->present) || !(high & format->present) || !(low & high & format->accessed))
		return false;
	asm volatile("lock cmpxchg16b %1"
		     : "=@ccz"(done), "+m"(*(u64(*)[2])pair), "+a"(low), "+d"(high)
		     : "b"(low & ~format->accessed), "c"(high & ~format->accessed)
		     : "memory");
	return done;
}

/* Harvest, in mode HARVEST_CLEAR, a line whose entries were all present and accessed; @all have these bits. */
static inline struct line_pages harvest_accessed_line(const struct entry_format *format, u64 *line, u64 all)
{
	struct line_pages pages;
	unsigned int n = 0;

	if (is_settled(format, all)) {
		UNROLL_LINE
		for (n = 0; n < LINE_ENTRIES; n++)
			WRITE_ONCE(line[n], READ_ONCE(line[n]) & ~format->accessed);
	} else if (has_cmpxchg_pair()) {
		UNROLL_LINE
		for (n = 0; n < LINE_ENTRIES; n += 2)
			if (!clear_pair(format, &line[n]))
				break;
	}
	pages.present = pages.accessed = (1ULL << n) - 1;
	for (; n < LINE_ENTRIES; n++)
		add_page(format, harvest_entry(format, &line[n], 1, HARVEST_CLEAR), n, &pages);
	return pages;
}

/* Harvest a line whose entries are of all kinds. */
static inline struct line_pages harvest_mixed_line(const struct entry_format *format, u64 *line,
						   enum harvest_mode mode)
{
	struct line_pages pages = { 0, 0 };
	unsigned int n;
	u64 left;

	UNROLL_LINE
	for (n = 0; n < LINE_ENTRIES; n++)
		add_page(format, READ_ONCE(line[n]), n, &pages);
	if (mode == HARVEST_PEEK)
		return pages;
	/* What counts for an entry to be cleared is what it is then. */
	left = pages.accessed;
	pages.present &= ~left;
	pages.accessed = 0;
	for (; left; left &= left - 1) {
		n = __builtin_ctzll(left);
		add_page(format, harvest_entry(format, &line[n], 1, mode), n, &pages);
	}
	return pages;
}

/* Harvest a cache line of last-level entries. */
static inline struct line_pages harvest_line(const struct entry_format *format, u64 *line,
					     enum harvest_mode mode)
{
	u64 any = 0, all = ~0ULL;
	unsigned int n;

	UNROLL_LINE
	for (n = 0; n < LINE_ENTRIES; n++) {
		u64 entry = READ_ONCE(line[n]);

		any |= entry;
		all &= entry;
	}
	if (!(any & format->present))
		return (struct line_pages){ 0, 0 };
	if ((all & format->present) && !(any & format->accessed))
		return (struct line_pages){ LINE_BITS, 0 };
	if ((all & format->present) && (all & format->accessed) && mode == HARVEST_CLEAR)
		return harvest_accessed_line(format, line, all);
	return harvest_mixed_line(format, line, mode);
}

/* Whether an entry is the first one in its cache line. */
static inline bool starts_line(const u64 *entry)
{
	return (uintptr_t)entry % (LINE_ENTRIES * sizeof(*entry)) == 0;
}

/**
 * harvest_entries() - harvest consecutive entries of a last-level table
 * @entries: the entry of page @first of the block; entries up to that of page @first + @count - 1 are
 * harvested
 * @ahead:   entries to fetch meanwhile, as many, because they will be harvested next; or NULL
 * @wanted:  the pages of the block to look at; entries of others are not touched
 */
static inline void harvest_entries(const struct entry_format *format, u64 *entries, const u64 *ahead,
				   unsigned int first, unsigned int count, const u64 *wanted,
				   enum harvest_mode mode, struct page_block *block)
{
	while (count) {
		unsigned int word = first / 64, shift = first % 64;
		unsigned int in_word = count < 64 - shift ? count : 64 - shift;
		u64 left = wanted[word] >> shift, present = 0, accessed = 0;

		if (in_word < 64)
			left &= (1ULL << in_word) - 1;
		while (left) {
			unsigned int i = __builtin_ctzll(left);
			struct line_pages pages = { 0, 0 };

			if ((left >> i & LINE_BITS) == LINE_BITS && starts_line(&entries[i])) {
				if (ahead)
					prefetch(&ahead[i]);
				pages = harvest_line(format, &entries[i], mode);
				left &= ~(LINE_BITS << i);
			} else {
				add_page(format, harvest_entry(format, &entries[i], 1, mode), 0, &pages);
				left &= left - 1;
			}
			present |= pages.present << i;
			accessed |= pages.accessed << i;
		}
		block->present[word] |= present << shift;
		block->accessed[word] |= accessed << shift;
		if (present)
			block->leaves |= LEAF_OF_LEVEL(1);
		entries += in_word;
		if (ahead)
			ahead += in_word;
		first += in_word;
		count -= in_word;
	}
}

/**
 * table_after() - the last-level table that the entry after one of level 2 points to
 *
 * Return: the table, or NULL. Fit for prefetching only: nobody has made sure that it stays.
 */
static inline const u64 *table_after(const struct entry_format *format, u64 *entry)
{
	u64 next;

	if ((uintptr_t)(entry + 1) % (TABLE_ENTRIES * sizeof(*entry)) == 0)
		return NULL;
	next = READ_ONCE(entry[1]);
	return (next & format->present) && !entry_is_leaf(next, 2) ? entry_table(next) : NULL;
}

/**
 * harvest_table() - harvest a range of pages that one last-level table maps, and fetch the next table
 * @entry: the entry of level 2 that points to the table
 * @value: what it was when the caller made sure of it
 * @index: of the first page's entry in the table
 * @first: the bit of that page in the block
 * @count: how many pages
 */
static inline void harvest_table(const struct entry_format *format, u64 *entry, u64 value, unsigned int index,
				 unsigned int first, unsigned int count, const u64 *wanted,
				 enum harvest_mode mode, struct page_block *block)
{
	const u64 *after = table_after(format, entry);

	harvest_entries(format, entry_table(value) + index, after ? after + index : NULL, first, count,
			wanted, mode, block);
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

/** add_large_leaf() - add pages that share one leaf of level 2 or 3 to the findings about a block */
static inline void add_large_leaf(struct page_block *block, unsigned int level, unsigned int first,
				  unsigned int count, bool accessed)
{
	unsigned int word;

	for (word = 0; word < PAGE_BLOCK_WORDS; word++) {
		u64 bits = range_bits(word, first, count);

		block->present[word] |= bits;
		block->large[word] |= bits;
		if (accessed)
			block->accessed[word] |= bits;
	}
	block->leaves |= LEAF_OF_LEVEL(level);
	if (level > 2 && accessed)
		block->giant_accessed = true;
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
	add_large_leaf(block, level, first, count, found & format->accessed);
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
				harvest_table(format, entry, value, page % TABLE_ENTRIES, first, part, wanted,
					      mode, block);
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
