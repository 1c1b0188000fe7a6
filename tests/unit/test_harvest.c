// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_harvest.c - the module's harvesting of page tables, on tables made here
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What another processor makes of an entry right after it was read, once, after some reads that go undisturbed. */
static struct after_read {
	const volatile void *entry;
	unsigned long long value;
	unsigned int undisturbed;
} after_read;

static unsigned long long read_entry(volatile void *entry)
{
	volatile unsigned long long *place = entry;
	unsigned long long found = *place;

	if (after_read.entry == entry && after_read.undisturbed-- == 0) {
		*place = after_read.value;
		after_read.entry = NULL;
	}
	return found;
}

#define READ_ONCE(x) read_entry(&(x))
#include "harvest.h"

#define BIT(n)	 (1ULL << (n))
#define DIRTY	 BIT(6) /* NPT */
#define FRAME(n) ((u64)(n) << 12)
/* What KVM puts in the place of an entry that it takes away (REMOVED_SPTE, arch/x86/kvm/mmu/spte.h). */
#define REMOVED 0x5a0ULL

static const struct entry_format host = ENTRY_FORMAT_HOST;
static const struct entry_format npt = ENTRY_FORMAT_NPT;
static const struct entry_format ept = ENTRY_FORMAT_EPT;

static const u64 all[PAGE_BLOCK_WORDS] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL };

static unsigned int count_bits(const u64 *words)
{
	unsigned int count = 0, i;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		count += __builtin_popcountll(words[i]);
	return count;
}

static bool has_bit(const u64 *words, unsigned int bit)
{
	return words[bit / 64] >> bit % 64 & 1;
}

static u64 *new_table(void)
{
	u64 *table = aligned_alloc(4096, 4096);

	assert_non_null(table);
	memset(table, 0, 4096);
	return table;
}

static u64 table_entry(const u64 *table)
{
	return (uintptr_t)table | npt.present | npt.accessed;
}

/* Present small pages, dirty, every @step-th of them accessed (0: none). */
static u64 *new_npt_table(unsigned int step)
{
	u64 *table = new_table();
	unsigned int i;

	for (i = 0; i < TABLE_ENTRIES; i++)
		table[i] = FRAME(1000 + i) | npt.present | DIRTY | BIT(63) |
			   (step && i % step == 0 ? npt.accessed : 0);
	return table;
}

/* All 512 accessed: all are reported, all bits are cleared, and nothing else: dirty, the frame, bit 63. */
static void test_all_accessed(void **state)
{
	u64 *table = new_npt_table(1);
	struct page_block block = { 0 };
	unsigned int i;

	harvest_entries(&npt, table, NULL, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 512);
	assert_int_equal(count_bits(block.accessed), 512);
	assert_false(block.giant_accessed);
	for (i = 0; i < TABLE_ENTRIES; i++)
		assert_int_equal(table[i], FRAME(1000 + i) | npt.present | DIRTY | BIT(63));
	free(table);
}

/* None accessed: present and not accessed, and no entry changes. */
static void test_none_accessed(void **state)
{
	u64 *table = new_npt_table(0), *before = new_npt_table(0);
	struct page_block block = { 0 };

	harvest_entries(&npt, table, NULL, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 512);
	assert_int_equal(count_bits(block.accessed), 0);
	assert_memory_equal(table, before, 4096);
	free(table);
	free(before);
}

/* Every third: 0, 3, ... 510 are 171 pages. The second harvest finds none of them. */
static void test_every_third_accessed(void **state)
{
	u64 *table = new_npt_table(3);
	struct page_block block = { 0 }, again = { 0 };
	unsigned int i;

	harvest_entries(&npt, table, NULL, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.accessed), 171);
	for (i = 0; i < 512; i++)
		assert_int_equal(has_bit(block.accessed, i), i % 3 == 0);
	harvest_entries(&npt, table, NULL, 0, 512, all, HARVEST_CLEAR, &again);
	assert_int_equal(count_bits(again.present), 512);
	assert_int_equal(count_bits(again.accessed), 0);
	free(table);
}

/* Looking changes nothing, and sees the same a second time. */
static void test_peek(void **state)
{
	u64 *table = new_npt_table(3), *before = new_npt_table(3);
	struct page_block block = { 0 };

	harvest_entries(&npt, table, NULL, 0, 512, all, HARVEST_PEEK, &block);
	assert_int_equal(count_bits(block.accessed), 171);
	assert_memory_equal(table, before, 4096);
	free(table);
	free(before);
}

/* An entry without the present bit is a hole and stays as it is, even if its accessed bit seems set. */
static void test_not_present(void **state)
{
	u64 entries[4] = { 0, REMOVED, npt.accessed | DIRTY | FRAME(7), BIT(0) | BIT(5) };
	u64 before[4];
	struct page_block block = { 0 };

	memcpy(before, entries, sizeof(before));
	harvest_entries(&npt, entries, NULL, 0, 4, all, HARVEST_CLEAR, &block);
	harvest_entries(&ept, entries, NULL, 0, 4, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 0);
	assert_int_equal(count_bits(block.accessed), 0);
	assert_memory_equal(entries, before, sizeof(before));
}

/* Pages 60 to 69 wanted, across a word's end: no other is reported or touched. */
static void test_wanted(void **state)
{
	u64 *table = new_npt_table(1), wanted[PAGE_BLOCK_WORDS] = { 0xfULL << 60, 0x3f };
	struct page_block block = { 0 };
	unsigned int i;

	harvest_entries(&npt, table, NULL, 0, 512, wanted, HARVEST_CLEAR, &block);
	assert_memory_equal(block.present, wanted, sizeof(wanted));
	assert_memory_equal(block.accessed, wanted, sizeof(wanted));
	for (i = 0; i < TABLE_ENTRIES; i++)
		assert_int_equal(!(table[i] & npt.accessed), i >= 60 && i <= 69);
	free(table);
}

/* NPT's bit is 5; EPT's is 8, and its bit 5 is part of the memory type. Each leaves the other's alone. */
static void test_formats(void **state)
{
	u64 entry = BIT(11) | BIT(8) | BIT(5);
	struct page_block block = { 0 };

	harvest_entries(&npt, &entry, NULL, 0, 1, all, HARVEST_CLEAR, &block);
	assert_int_equal(entry, BIT(11) | BIT(8));
	entry |= BIT(5);
	harvest_entries(&ept, &entry, NULL, 0, 1, all, HARVEST_CLEAR, &block);
	assert_int_equal(entry, BIT(11) | BIT(5));
}

/* A host page that is mapped but inaccessible (PROT_NONE: bit 8 without bit 0) is present; a swap entry is not. */
static void test_host_prot_none(void **state)
{
	u64 entries[3] = { FRAME(1) | BIT(0) | BIT(5), FRAME(2) | BIT(8) | BIT(5), BIT(1) | BIT(60) };
	struct page_block block = { 0 };

	harvest_entries(&host, entries, NULL, 0, 3, all, HARVEST_CLEAR, &block);
	assert_int_equal(block.present[0], 3);
	assert_int_equal(block.accessed[0], 3);
	assert_int_equal(entries[1], FRAME(2) | BIT(8));
}

/* A random number below @limit: xorshift64 (Marsaglia 2003), the same ones in every run. */
static u64 random_below(u64 limit)
{
	static u64 state = 1;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % limit;
}

/* An entry, made at random: absent, idle or accessed as @kind says (0, 1, 2), or any of them (3). */
static u64 random_entry(const struct entry_format *format, unsigned int kind)
{
	u64 entry = FRAME(1 + random_below(1000)) | (random_below(2) ? DIRTY : 0);

	if (kind == 3)
		kind = random_below(3);
	if (kind == 0)
		return random_below(2) ? entry & ~format->present : REMOVED & ~format->present;
	return entry | (format->present & -format->present) | (kind == 2 ? format->accessed : 0);
}

/* One random harvest, and what it should do by the definition, entry by entry. */
static void check_random_harvest(const struct entry_format *format, enum harvest_mode mode)
{
	u64 wanted[PAGE_BLOCK_WORDS], *table = new_table(), *before = new_table();
	unsigned int first = random_below(64), index = random_below(2) ? first : random_below(64), i;
	unsigned int count = 1 + random_below(TABLE_ENTRIES - 64);
	struct page_block block = { 0 };

	for (i = 0; i < TABLE_ENTRIES; i++)
		before[i] = table[i] = random_entry(format, i / LINE_ENTRIES % 4);
	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		wanted[i] = random_below(4) ? ~0ULL : random_below(BIT(24)) << 40 ^ random_below(BIT(44));
	harvest_entries(format, table + index, random_below(2) ? before : NULL, first, count, wanted, mode,
			&block);

	for (i = 0; i < TABLE_ENTRIES; i++) {
		bool asked = i >= first && i < first + count && has_bit(wanted, i);
		u64 entry = asked ? before[i - first + index] : 0;
		bool present = entry & format->present, accessed = present && entry & format->accessed;

		assert_int_equal(has_bit(block.present, i), present);
		assert_int_equal(has_bit(block.accessed, i), accessed);
		if (accessed && mode == HARVEST_CLEAR)
			before[i - first + index] &= ~format->accessed;
	}
	assert_memory_equal(table, before, 4096);
	free(table);
	free(before);
}

/* Lines of every kind, at every offset, wanted or in part: each entry counts for itself, however many are taken at once. */
static void test_random(void **state)
{
	const struct entry_format *formats[] = { &host, &npt, &ept };
	unsigned int round;

	for (round = 0; round < 3000; round++)
		check_random_harvest(formats[round % 3], round % 2 ? HARVEST_CLEAR : HARVEST_PEEK);
}

/* A tree of four levels with one last-level table, for pages 0 to 511 of the address space. */
struct tree {
	u64 *table[5]; /* by level; [1] is the last */
};

static void new_tree(struct tree *tree, u64 *last)
{
	unsigned int level;

	tree->table[1] = last;
	for (level = 2; level <= 4; level++) {
		tree->table[level] = new_table();
		tree->table[level][0] = table_entry(tree->table[level - 1]);
	}
}

static void free_tree(struct tree *tree)
{
	unsigned int level;

	for (level = 1; level <= 4; level++)
		free(tree->table[level]);
}

/* Entries that point to tables have accessed bits too; only those of leaves are taken. */
static void test_leaf_only(void **state)
{
	struct page_block block = { 0 };
	struct tree tree;

	new_tree(&tree, new_npt_table(3));
	harvest_tree(&npt, tree.table[4], 4, 0, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.accessed), 171);
	assert_int_equal(tree.table[2][0], table_entry(tree.table[1]));
	assert_int_equal(tree.table[3][0], table_entry(tree.table[2]));
	assert_int_equal(tree.table[4][0], table_entry(tree.table[3]));
	free_tree(&tree);
}

/* A 2 MiB leaf answers for its 512 pages as soon as one is wanted, and is not looked at if none is. */
static void test_2m_leaf(void **state)
{
	const u64 leaf = FRAME(512) | npt.present | ENTRY_LARGE | DIRTY;
	u64 one[PAGE_BLOCK_WORDS] = { [3] = BIT(5) }, none[PAGE_BLOCK_WORDS] = { 0 };
	struct page_block block = { 0 };
	struct tree tree;

	new_tree(&tree, new_table());
	tree.table[2][1] = leaf | npt.accessed;
	harvest_tree(&npt, tree.table[4], 4, 512, 0, 512, none, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 0);
	assert_int_equal(tree.table[2][1], leaf | npt.accessed);

	harvest_tree(&npt, tree.table[4], 4, 512, 0, 512, one, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 512);
	assert_int_equal(count_bits(block.accessed), 512);
	assert_false(block.giant_accessed);
	assert_int_equal(tree.table[2][1], leaf);
	free_tree(&tree);
}

/* A 2 MiB leaf of which a slot maps only pages 100 to 299 of the block: 28 of word 1, words 2 and 3, 44 of word 4. */
static void test_part_of_2m_leaf(void **state)
{
	u64 entry = FRAME(512) | npt.present | npt.accessed | ENTRY_LARGE,
	    outside[PAGE_BLOCK_WORDS] = { ~0ULL };
	struct page_block block = { 0 };
	unsigned int i;

	harvest_large_leaf(&npt, &entry, 2, 100, 200, outside, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 0);
	harvest_large_leaf(&npt, &entry, 2, 100, 200, all, HARVEST_CLEAR, &block);
	for (i = 0; i < 512; i++)
		assert_int_equal(has_bit(block.accessed, i), i >= 100 && i <= 299);
	assert_memory_equal(block.present, block.accessed, sizeof(block.present));
}

/* A 1 GiB leaf answers for 512 pages of a block, and says that it spoke for more. */
static void test_1g_leaf(void **state)
{
	const u64 leaf = FRAME(262144) | npt.present | ENTRY_LARGE;
	struct page_block block = { 0 }, idle = { 0 };
	struct tree tree;

	new_tree(&tree, new_table());
	tree.table[3][1] = leaf | npt.accessed;
	harvest_tree(&npt, tree.table[4], 4, 262144 + 5 * 512, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.accessed), 512);
	assert_true(block.giant_accessed);
	assert_int_equal(tree.table[3][1], leaf);
	harvest_tree(&npt, tree.table[4], 4, 262144 + 6 * 512, 0, 512, all, HARVEST_CLEAR, &idle);
	assert_int_equal(count_bits(idle.present), 512);
	assert_int_equal(count_bits(idle.accessed), 0);
	assert_false(idle.giant_accessed);
	free_tree(&tree);
}

/*
 * Frames not congruent to the block: page 0 of the block is page 500 of the tree, so the block's first 12 pages
 * are the last ones of one table and the next 500 the first ones of the next, where every second is accessed.
 */
static void test_two_tables(void **state)
{
	struct page_block block = { 0 };
	u64 *second = new_npt_table(2);
	struct tree tree;
	unsigned int i;

	new_tree(&tree, new_npt_table(1));
	tree.table[2][1] = table_entry(second);
	harvest_tree(&npt, tree.table[4], 4, 500, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 512);
	for (i = 0; i < 512; i++)
		assert_int_equal(has_bit(block.accessed, i), i < 12 || (i - 12) % 2 == 0);
	assert_int_not_equal(tree.table[1][499] & npt.accessed, 0);
	assert_int_equal(second[0] & npt.accessed, 0);
	assert_int_not_equal(second[500] & npt.accessed, 0);
	free(second);
	free_tree(&tree);
}

/* Two trees into one block: a page counts if either has it. */
static void test_union(void **state)
{
	u64 first[2] = { npt.present | npt.accessed, 0 }, second[2] = { npt.present, npt.present };
	struct page_block block = { 0 };

	harvest_entries(&npt, first, NULL, 0, 2, all, HARVEST_CLEAR, &block);
	harvest_entries(&npt, second, NULL, 0, 2, all, HARVEST_CLEAR, &block);
	assert_int_equal(block.present[0], 3);
	assert_int_equal(block.accessed[0], 1);
}

/* Beyond what a tree of four levels maps, 2^36 pages, there is nothing, not the beginning again. */
static void test_beyond_the_tree(void **state)
{
	struct page_block block = { 0 };
	unsigned int level = 4;
	struct tree tree;

	new_tree(&tree, new_npt_table(1));
	assert_null(entry_lookup(&npt, tree.table[4], &level, BIT(36)));
	harvest_tree(&npt, tree.table[4], 4, BIT(36), 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(count_bits(block.present), 0);
	assert_int_equal(tree_next_mapped(&npt, tree.table[4], 4, BIT(36), BIT(36) + 9, 10), BIT(36) + 9);
	free_tree(&tree);
}

/* Holes are skipped by as much as the absent entry would map, and not past the end or the budget. */
static void test_next_mapped(void **state)
{
	struct tree tree;
	u64 *root;

	new_tree(&tree, new_table());
	root = tree.table[4];
	tree.table[2][0] = 0;
	tree.table[2][300] = table_entry(tree.table[1]);
	/* 300 absent entries of 2 MiB each */
	assert_int_equal(tree_next_mapped(&npt, root, 4, 7, BIT(36), 1000), 300 * 512ULL);
	assert_int_equal(tree_next_mapped(&npt, root, 4, 300 * 512ULL + 7, BIT(36), 1000), 300 * 512ULL + 7);
	assert_int_equal(tree_next_mapped(&npt, root, 4, 7, 1000, 1000), 1000);
	assert_int_equal(tree_next_mapped(&npt, root, 4, 7, BIT(36), 10), 10 * 512ULL);
	/* 211 more of 2 MiB, 511 of 1 GiB, 511 of 512 GiB */
	assert_int_equal(tree_next_mapped(&npt, root, 4, 301 * 512ULL, BIT(36), 1233), BIT(36));
	assert_int_not_equal(tree_next_mapped(&npt, root, 4, 301 * 512ULL, BIT(36), 1232), BIT(36));
	free_tree(&tree);
}

/* KVM takes the entry away after it was read: the marker in its place is not touched, and the page counts as a hole. */
static void test_replaced_meanwhile(void **state)
{
	static u64 entry;
	struct page_block block = { 0 };

	entry = FRAME(1) | npt.present | npt.accessed | DIRTY;
	after_read = (struct after_read){ .entry = &entry, .value = REMOVED };
	harvest_entries(&npt, &entry, NULL, 0, 1, all, HARVEST_CLEAR, &block);
	assert_int_equal(entry, REMOVED);
	assert_int_equal(block.present[0], 0);
}

/* The processor sets the dirty bit after the entry was read: the accessed bit is cleared all the same, dirty stays. */
static void test_dirtied_meanwhile(void **state)
{
	static u64 entry;
	struct page_block block = { 0 };

	entry = FRAME(1) | npt.present | npt.accessed;
	after_read = (struct after_read){ .entry = &entry, .value = entry | DIRTY };
	harvest_entries(&npt, &entry, NULL, 0, 1, all, HARVEST_CLEAR, &block);
	assert_int_equal(entry, FRAME(1) | npt.present | DIRTY);
	assert_int_equal(block.accessed[0], 1);
}

/* A 2 MiB leaf is split after it was read: the table that hangs there now keeps its accessed bit. */
static void test_split_meanwhile(void **state)
{
	static u64 entry;
	struct page_block block = { 0 };
	u64 *last = new_npt_table(1);

	entry = FRAME(512) | npt.present | npt.accessed | ENTRY_LARGE;
	after_read = (struct after_read){ .entry = &entry, .value = table_entry(last) };
	harvest_large_leaf(&npt, &entry, 2, 0, 512, all, HARVEST_CLEAR, &block);
	assert_int_equal(entry, table_entry(last));
	assert_int_equal(count_bits(block.present), 0);
	free(last);
}

/*
 * One entry of a line of eight changes while the line is harvested, after it was read once, twice or three
 * times. Removed: the marker stays as it is and the page is a hole, unless its bit had been cleared before.
 * Dirtied: dirty stays. The other seven are harvested all the same.
 */
static void check_line_changed_meanwhile(unsigned int n, unsigned int undisturbed, u64 others, u64 change)
{
	static u64 line[LINE_ENTRIES] __attribute__((aligned(64)));
	const u64 accessed = FRAME(1) | npt.present | npt.accessed;
	struct page_block block = { 0 };
	unsigned int i;

	for (i = 0; i < LINE_ENTRIES; i++)
		line[i] = i == n || i % 3 ? accessed : others;
	after_read = (struct after_read){ .entry = &line[n], .value = change, .undisturbed = undisturbed };
	harvest_entries(&npt, line, NULL, 0, LINE_ENTRIES, all, HARVEST_CLEAR, &block);
	after_read.entry = NULL;

	for (i = 0; i < LINE_ENTRIES; i++) {
		u64 before = i % 3 ? accessed : others;

		if (i == n)
			continue;
		assert_int_equal(line[i], before & ~npt.accessed);
		assert_true(has_bit(block.present, i));
		assert_int_equal(has_bit(block.accessed, i), (before & npt.accessed) != 0);
	}
	if (change == REMOVED && line[n] == REMOVED) {
		assert_false(has_bit(block.present, n));
		assert_false(has_bit(block.accessed, n));
	} else {
		assert_int_equal(line[n] & ~DIRTY, FRAME(1) | npt.present);
		assert_true(has_bit(block.accessed, n));
	}
	/* An entry is read twice at the least before it is cleared. */
	if (undisturbed < 2)
		assert_int_equal(line[n], change & ~(change == REMOVED ? 0 : npt.accessed));
}

static void test_line_changed_meanwhile(void **state)
{
	const u64 idle = FRAME(1) | npt.present, accessed = idle | npt.accessed;
	unsigned int n, undisturbed;

	for (n = 0; n < LINE_ENTRIES; n++) {
		for (undisturbed = 0; undisturbed < 3; undisturbed++) {
			check_line_changed_meanwhile(n, undisturbed, accessed, REMOVED);
			check_line_changed_meanwhile(n, undisturbed, accessed, accessed | DIRTY);
			check_line_changed_meanwhile(n, undisturbed, idle, REMOVED);
			check_line_changed_meanwhile(n, undisturbed, idle, accessed | DIRTY);
		}
	}
}

/* A clean host page is dirtied after it was read: no plain store, dirty stays; alone and in a line of accessed pages. */
static void test_host_dirtied_meanwhile(void **state)
{
	static u64 line[LINE_ENTRIES] __attribute__((aligned(64)));
	const u64 clean = FRAME(1) | BIT(0) | host.accessed;
	unsigned int count, undisturbed, i;

	for (count = 1; count <= LINE_ENTRIES; count += LINE_ENTRIES - 1) {
		for (undisturbed = 0; undisturbed < 2; undisturbed++) {
			struct page_block block = { 0 };

			for (i = 0; i < LINE_ENTRIES; i++)
				line[i] = clean;
			after_read = (struct after_read){ line, clean | DIRTY, count == 1 ? 0 : undisturbed };
			harvest_entries(&host, line, NULL, 0, count, all, HARVEST_CLEAR, &block);
			assert_null(after_read.entry);
			assert_int_equal(line[0], FRAME(1) | BIT(0) | DIRTY);
			assert_int_equal(count_bits(block.accessed), count);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_accessed),
		cmocka_unit_test(test_none_accessed),
		cmocka_unit_test(test_every_third_accessed),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_not_present),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_host_prot_none),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_leaf_only),
		cmocka_unit_test(test_2m_leaf),
		cmocka_unit_test(test_part_of_2m_leaf),
		cmocka_unit_test(test_1g_leaf),
		cmocka_unit_test(test_two_tables),
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_beyond_the_tree),
		cmocka_unit_test(test_next_mapped),
		cmocka_unit_test(test_replaced_meanwhile),
		cmocka_unit_test(test_dirtied_meanwhile),
		cmocka_unit_test(test_split_meanwhile),
		cmocka_unit_test(test_line_changed_meanwhile),
		cmocka_unit_test(test_host_dirtied_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
