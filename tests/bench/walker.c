// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * walker.c - what harvesting page tables costs on this processor
 *
 * Theory of operation
 * -------------------
 * The program builds the page tables of one big VM in memory, 4 KiB pages throughout and the tables shuffled,
 * and runs the module's own code over them (kvm/harvest.h), block by block as the module does. It also runs
 * loops that do nothing but what no harvest can do without, over the same tables in the same order: read
 * every entry once, and clear every entry once, in the cheapest way that is correct under each kind of lock.
 * So the harvest is seen beside its limits, in one run on one machine.
 *
 * The entries are valid as NPT entries and as the host's own, so both formats are measured on the same
 * tables. What is not measured: the locks around a block, other processors that use the tables meanwhile,
 * the TLB flush.
 *
 * Every measurement is repeated in rounds, all of them once a round, so that a busy spell of the machine hits
 * them alike. Time is that of the processor for this thread. After each run the result is checked: as many
 * accessed pages reported as there were, and each entry as it should be now.
 *
 * Output, tab-separated: comment lines with "#", then one line a measurement: its name, which pages were
 * accessed, then nanoseconds an entry: median, least and most of all rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "harvest.h"

#define TABLE_SIZE (TABLE_ENTRIES * sizeof(u64))
#define ROOT_LEVEL 4
#define MAX_TABLES (1ULL << 19) /* last-level tables: 1 TiB of 4 KiB pages */
#define MIN_TABLES (1ULL << 9)
#define MAX_ROUNDS 99
#define HUGE_PAGE  (2ULL << 20)

/* Present, writable and so on, for both formats, and dirty; the frame comes on top. */
#define ENTRY_ACCESSED (1ULL << 5)
#define ENTRY_DIRTY    (1ULL << 6)
#define ENTRY_BITS     (1ULL << 0 | 1ULL << 1 | 1ULL << 2 | 1ULL << 11)

static const struct entry_format npt = ENTRY_FORMAT_NPT;
static const struct entry_format host = ENTRY_FORMAT_HOST;
/* Volatile because the module too learns a VM's format only when it runs; the host's is known to the compiler. */
static const struct entry_format *const volatile vm_format = &npt;
static const u64 all_pages[PAGE_BLOCK_WORDS] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL };

/* struct tree - the synthetic page tables: @table[n] is the last-level table of block n */
struct tree {
	u64 tables;
	u64 **table;
	u64 *root;
	u64 *result; /* what a harvest found, a bit a page */
};

/* enum pattern - which pages are accessed before a measurement */
enum pattern {
	PATTERN_NONE,
	PATTERN_TENTH,
	PATTERN_ALL,
	PATTERN_COUNT,
};

static const char *const pattern_name[] = {
	[PATTERN_NONE] = "none",
	[PATTERN_TENTH] = "10 %",
	[PATTERN_ALL] = "all",
};
_Static_assert(sizeof(pattern_name) / sizeof(pattern_name[0]) == PATTERN_COUNT, "every pattern has a name");

/* SplitMix64 (Steele, Lea, Flood 2014): a number that looks random, from any number. */
static u64 scramble(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static bool page_is_accessed(enum pattern pattern, u64 page)
{
	return pattern == PATTERN_ALL || (pattern == PATTERN_TENTH && scramble(page) % 10 == 0);
}

/* The last-level entry of a page, not accessed. */
static u64 page_entry(u64 page)
{
	return page << 12 | ENTRY_BITS | ENTRY_DIRTY;
}

static void *allocate(u64 size)
{
	void *memory = aligned_alloc(HUGE_PAGE, (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);

	if (!memory) {
		fprintf(stderr, "walker: no memory for %" PRIu64 " MiB\n", size >> 20);
		exit(1);
	}
	/* The kernel's direct map is of large pages; 4 KiB ones would measure our own TLB misses. */
	madvise(memory, size, MADV_HUGEPAGE);
	memset(memory, 0, size);
	return memory;
}

/* The places of all tables of all levels, in random order. */
static u64 **shuffled_tables(u64 count)
{
	unsigned char *pool = allocate(count * TABLE_SIZE);
	u64 **place = allocate(count * sizeof(*place)), i;

	for (i = 0; i < count; i++)
		place[i] = (u64 *)(pool + i * TABLE_SIZE);
	for (i = count - 1; i > 0; i--) {
		u64 other = scramble(i) % (i + 1), *swap = place[i];

		place[i] = place[other];
		place[other] = swap;
	}
	return place;
}

static void build_tree(struct tree *tree, u64 tables)
{
	u64 count[ROOT_LEVEL + 1] = { [1] = tables }, sum = tables, i, **below, **table;
	unsigned int level;

	for (level = 2; level <= ROOT_LEVEL; level++) {
		count[level] = (count[level - 1] + TABLE_ENTRIES - 1) / TABLE_ENTRIES;
		sum += count[level];
	}
	tree->tables = tables;
	tree->table = table = shuffled_tables(sum);
	for (level = 2; level <= ROOT_LEVEL; level++) {
		below = table;
		table += count[level - 1];
		for (i = 0; i < count[level - 1]; i++)
			table[i / TABLE_ENTRIES][i % TABLE_ENTRIES] =
				(uintptr_t)below[i] | ENTRY_BITS | ENTRY_ACCESSED;
	}
	tree->root = table[0];
	tree->result = allocate(tables * PAGE_BLOCK_WORDS * sizeof(u64));
}

/* Return: how many pages are accessed now. */
static u64 prepare(struct tree *tree, enum pattern pattern)
{
	u64 page, count = 0;

	for (page = 0; page < tree->tables * TABLE_ENTRIES; page++) {
		bool accessed = page_is_accessed(pattern, page);

		tree->table[page / TABLE_ENTRIES][page % TABLE_ENTRIES] =
			page_entry(page) | (accessed ? ENTRY_ACCESSED : 0);
		count += accessed;
	}
	memset(tree->result, 0, tree->tables * PAGE_BLOCK_WORDS * sizeof(u64));
	return count;
}

/* A harvest of a VM's tables, as tdp_walk.c does it. */
static void run_harvest_vm(struct tree *tree)
{
	u64 n;

	for (n = 0; n < tree->tables; n++) {
		struct page_block block = { 0 };

		harvest_tree(vm_format, tree->root, ROOT_LEVEL, n * PAGE_BLOCK_PAGES, 0, PAGE_BLOCK_PAGES,
			     all_pages, HARVEST_CLEAR, &block);
		memcpy(&tree->result[n * PAGE_BLOCK_WORDS], block.accessed, sizeof(block.accessed));
	}
}

/* A harvest of a process's tables, as host_walk.c does it. */
static void run_harvest_process(struct tree *tree)
{
	u64 n;

	for (n = 0; n < tree->tables; n++) {
		struct page_block block = { 0 };
		unsigned int level = ROOT_LEVEL;
		u64 *entry = entry_lookup(&host, tree->root, &level, n * PAGE_BLOCK_PAGES);

		harvest_table(&host, entry, READ_ONCE(*entry), 0, 0, PAGE_BLOCK_PAGES, all_pages,
			      HARVEST_CLEAR, &block);
		memcpy(&tree->result[n * PAGE_BLOCK_WORDS], block.accessed, sizeof(block.accessed));
	}
}

/* The table that comes after that of block n, to be fetched while that one is worked on. */
static const u64 *table_ahead(const struct tree *tree, u64 n)
{
	return tree->table[n + 1 < tree->tables ? n + 1 : n];
}

/* Read every entry once. */
static void run_read(struct tree *tree)
{
	u64 n, any = 0;
	unsigned int i;

	for (n = 0; n < tree->tables; n++) {
		const u64 *table = tree->table[n], *ahead = table_ahead(tree, n);

		for (i = 0; i < TABLE_ENTRIES; i += LINE_ENTRIES) {
			const u64 *e = &table[i];

			prefetch(&ahead[i]);
			any |= READ_ONCE(e[0]) | READ_ONCE(e[1]) | READ_ONCE(e[2]) | READ_ONCE(e[3]) |
			       READ_ONCE(e[4]) | READ_ONCE(e[5]) | READ_ONCE(e[6]) | READ_ONCE(e[7]);
		}
	}
	tree->result[0] = any & ENTRY_ACCESSED;
}

/* Clear every entry, two at a time, as long as both are what was read: correct whoever else writes them. */
static void run_clear_locked(struct tree *tree)
{
	u64 n;
	unsigned int i;

	for (n = 0; n < tree->tables; n++) {
		u64 *table = tree->table[n];
		const u64 *ahead = table_ahead(tree, n);

		for (i = 0; i < TABLE_ENTRIES; i += 2) {
			prefetch(&ahead[i]);
			clear_pair(&npt, &table[i]);
		}
	}
}

/* Clear every entry, one at a time, likewise. */
static void run_clear_locked_single(struct tree *tree)
{
	u64 n;
	unsigned int i;

	for (n = 0; n < tree->tables; n++) {
		u64 *table = tree->table[n];
		const u64 *ahead = table_ahead(tree, n);

		for (i = 0; i < TABLE_ENTRIES; i++) {
			u64 found = READ_ONCE(table[i]);

			prefetch(&ahead[i]);
			try_cmpxchg(&table[i], &found, found & ~ENTRY_ACCESSED);
		}
	}
}

/* Clear every entry by a plain store: correct if nobody else writes it meanwhile. */
static void run_clear_plain(struct tree *tree)
{
	u64 n;
	unsigned int i;

	for (n = 0; n < tree->tables; n++) {
		u64 *table = tree->table[n];
		const u64 *ahead = table_ahead(tree, n);

		for (i = 0; i < TABLE_ENTRIES; i++) {
			if (i % LINE_ENTRIES == 0)
				prefetch(&ahead[i]);
			WRITE_ONCE(table[i], READ_ONCE(table[i]) & ~ENTRY_ACCESSED);
		}
	}
}

/*
 * struct measurement - one thing to be measured
 * @reports: it leaves in tree->result which pages it found accessed
 * @clears:  it leaves no page accessed
 */
struct measurement {
	const char *name;
	void (*run)(struct tree *tree);
	enum pattern pattern;
	bool reports;
	bool clears;
};

static const struct measurement measurements[] = {
	{ "limit_read", run_read, PATTERN_NONE, false, false },
	{ "harvest_vm", run_harvest_vm, PATTERN_NONE, true, true },
	{ "harvest_process", run_harvest_process, PATTERN_NONE, true, true },
	{ "harvest_vm", run_harvest_vm, PATTERN_TENTH, true, true },
	{ "harvest_process", run_harvest_process, PATTERN_TENTH, true, true },
	{ "clear_locked_single", run_clear_locked_single, PATTERN_ALL, false, true },
	{ "limit_clear_locked", run_clear_locked, PATTERN_ALL, false, true },
	{ "harvest_vm", run_harvest_vm, PATTERN_ALL, true, true },
	{ "limit_clear_plain", run_clear_plain, PATTERN_ALL, false, true },
	{ "harvest_process", run_harvest_process, PATTERN_ALL, true, true },
};
#define MEASUREMENTS (sizeof(measurements) / sizeof(measurements[0]))

static double thread_nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

/* End the program unless a measurement left the tables and its result as it should. */
static void verify(const struct tree *tree, const struct measurement *measurement, u64 accessed)
{
	u64 page, word, reported = 0, wrong = 0;

	for (word = 0; word < tree->tables * PAGE_BLOCK_WORDS; word++)
		reported += __builtin_popcountll(tree->result[word]);
	for (page = 0; measurement->clears && page < tree->tables * TABLE_ENTRIES; page++)
		wrong += tree->table[page / TABLE_ENTRIES][page % TABLE_ENTRIES] != page_entry(page);
	if (wrong || (measurement->reports && reported != accessed)) {
		fprintf(stderr,
			"walker: %s, %s accessed: %" PRIu64 " of %" PRIu64 " pages reported, %" PRIu64
			" entries wrong afterwards\n",
			measurement->name, pattern_name[measurement->pattern], reported, accessed, wrong);
		exit(1);
	}
}

static double measure(struct tree *tree, const struct measurement *measurement)
{
	u64 accessed = prepare(tree, measurement->pattern);
	double start = thread_nanoseconds(), time;

	measurement->run(tree);
	time = thread_nanoseconds() - start;
	verify(tree, measurement, accessed);
	return time / (double)(tree->tables * TABLE_ENTRIES);
}

static int compare_times(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_measurement(const struct measurement *measurement, double *times, unsigned int rounds)
{
	double median;

	qsort(times, rounds, sizeof(*times), compare_times);
	median = (times[(rounds - 1) / 2] + times[rounds / 2]) / 2;
	printf("%s\t%s\t%.3f\t%.3f\t%.3f\n", measurement->name, pattern_name[measurement->pattern], median,
	       times[0], times[rounds - 1]);
}

/* Memory that can be used without swapping, in bytes; 0 if the kernel does not say. */
static u64 memory_available(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	u64 kib = 0;

	while (file && !kib && fgets(line, sizeof(line), file))
		if (!strncmp(line, "MemAvailable:", strlen("MemAvailable:")))
			kib = strtoull(line + strlen("MemAvailable:"), NULL, 10);
	if (file)
		fclose(file);
	return kib << 10;
}

static u64 affordable_tables(void)
{
	u64 tables = MAX_TABLES, available = memory_available();

	while (tables > MIN_TABLES && tables * TABLE_SIZE > available / 2)
		tables /= 2;
	return tables;
}

int main(int argc, char **argv)
{
	static double times[MEASUREMENTS][MAX_ROUNDS];
	unsigned int round, rounds, m;
	struct tree tree;
	char *end;

	rounds = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
	if (argc != 2 || *end || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: walker ROUNDS (1 to %d)\n", MAX_ROUNDS);
		return 2;
	}
	build_tree(&tree, affordable_tables());
	for (round = 0; round < rounds; round++) {
		fprintf(stderr, "walker: round %u of %u\n", round + 1, rounds);
		for (m = 0; m < MEASUREMENTS; m++)
			times[m][round] = measure(&tree, &measurements[m]);
	}
	printf("# %" PRIu64 " GiB of 4 KiB pages, %" PRIu64 " MiB of last-level tables, %u rounds\n",
	       tree.tables * PAGE_BLOCK_SIZE >> 30, tree.tables * TABLE_SIZE >> 20, rounds);
	for (m = 0; m < MEASUREMENTS; m++)
		print_measurement(&measurements[m], times[m], rounds);
	return 0;
}
