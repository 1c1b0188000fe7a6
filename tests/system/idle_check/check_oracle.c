// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_oracle.c - guests each of whose instructions was seen, by the oracle (qemu-plugin/oracle.c)
 *
 * Theory of operation
 * -------------------
 * Of each page there are three witnesses: what the guest was ordered to do, what the oracle saw it do, and what
 * the module says. The first two must agree, or the oracle is wrong; that keeps the oracle honest. Then the
 * module must agree with the oracle on every page of every interval: nothing missing, nothing extra. In a loop
 * that nobody stops there is no order to compare with; there the oracle alone knows what was touched in an
 * interval.
 *
 * The guests here have no page tables, so whatever touches their memory is an instruction, and equality is
 * exact. What the VMM's own process touches is a class apart, and compared by itself.
 *
 * A failed check says of which kind the differences are, so that a fault can be told by its trace.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../../oracle/oracle_client.h"
#include "../../vmm/vcpu.h"
#include "idle_check.h"
#include "idle_map.h"
#include "page_scan.h"
#include "vmm_client.h"

#define ROUNDS	       500
#define TABLE_ROUNDS   10
#define HOT_PASSES     400
#define HOT_LOOKS      1000 /* a few milliseconds */
#define HOT_PAGES      16UL /* few, so that an emulated TLB has them all */
#define TABLE_PAGES    512UL
#define TABLES	       512UL /* what one table of the second level can point to */
#define MAX_SLOTS      4
#define MAX_PAGES      4096
#define ODD_PAGES      77
#define TOUCHED_TWICE  3 /* one round in so many is the VMM's, too */
#define HOST_PROCESSOR 0
#define HOT_PROCESSOR  1

/*
 * struct slot - memory of the guest
 * @address: in the VMM's process
 * @first:   number of its first page in struct oracle_test
 * @pages:   how many are looked at
 */
struct slot {
	uintptr_t address;
	size_t first;
	size_t pages;
};

/*
 * struct oracle_test - a VMM, all of whose slots' pages are numbered from 0 on
 * @leaf:     how many pages one leaf maps
 * @shared, @scanner: its idle_bitmap, opened twice
 * @by_guest, @by_host: what was ordered: a byte a page
 * @mode:     how the guest was to touch them
 * @idle, @accessed: what the module says: to readers, to the scanner
 * @seen:     what the oracle says
 * @frame:    where the page lies on the host
 * @laps_address: see count_laps()
 */
struct oracle_test {
	struct vmm_client vmm;
	struct oracle oracle;
	struct slot slot[MAX_SLOTS];
	unsigned int slots;
	size_t pages;
	size_t leaf;
	int shared;
	int scanner;
	int pagemap;
	bool by_guest[MAX_PAGES];
	bool by_host[MAX_PAGES];
	char mode;
	bool idle[MAX_PAGES];
	bool accessed[MAX_PAGES];
	unsigned int seen[MAX_PAGES];
	uint64_t frame[MAX_PAGES];
	uintptr_t laps_address;
};

/* The kinds of difference between what the oracle saw and what an observer was told. */
struct differences {
	size_t missing;
	size_t missing_unwritten;
	size_t missing_last;
	size_t extra;
};

static void test_start(struct oracle_test *test)
{
	memset(test, 0, sizeof(*test));
	test->leaf = 1;
	oracle_open(&test->oracle);
	vmm_start(&test->vmm);
	test->shared = idle_map_open(test->vmm.pid);
	test->scanner = idle_map_open(test->vmm.pid);
	test->pagemap = oracle_open_pagemap(test->vmm.pid);
}

static void test_end(struct oracle_test *test)
{
	close(test->pagemap);
	close(test->scanner);
	close(test->shared);
	vmm_end(&test->vmm, false);
	oracle_close(&test->oracle);
}

static void add_slot(struct oracle_test *test, size_t pages, enum backing backing, size_t skew)
{
	struct slot *slot = &test->slot[test->slots];

	slot->address = vmm_slot_add(&test->vmm, test->slots++, pages, backing, skew);
	slot->first = test->pages;
	slot->pages = pages;
	test->pages += pages;
}

static void touch(struct oracle_test *test, const char *by, char mode, const bool *set)
{
	unsigned int i;

	for (i = 0; i < test->slots; i++)
		vmm_touch(&test->vmm, by, mode, i, set + test->slot[i].first, test->slot[i].pages);
}

/* Guest and VMM write all pages, so that from here on each layer maps each page. */
static void touch_all(struct oracle_test *test)
{
	memset(test->by_guest, true, sizeof(test->by_guest));
	touch(test, "host", 'w', test->by_guest);
	touch(test, "touch", 'w', test->by_guest);
}

static bool mark_all(struct oracle_test *test)
{
	unsigned int i;

	for (i = 0; i < test->slots; i++)
		EXPECT(!idle_map_mark(test->shared, test->slot[i].address, test->slot[i].pages, NULL));
	return true;
}

static bool read_all(struct oracle_test *test)
{
	unsigned int i;

	for (i = 0; i < test->slots; i++)
		EXPECT(!idle_map_read(test->shared, test->slot[i].address, test->slot[i].pages,
				      test->idle + test->slot[i].first));
	return true;
}

static bool scan_all(struct oracle_test *test)
{
	unsigned int i;

	for (i = 0; i < test->slots; i++)
		EXPECT(page_scan(test->scanner, test->slot[i].address, test->slot[i].pages, 0,
				 test->accessed + test->slot[i].first, NULL, NULL, NULL) > 0);
	return true;
}

/* The frames of all pages. Return: whether all are mapped and, unless @first, where they were before. */
static bool find_frames(struct oracle_test *test, bool first)
{
	uint64_t frame[MAX_PAGES] = { 0 };
	unsigned int i;
	size_t page;

	for (i = 0; i < test->slots; i++)
		oracle_frames(&test->oracle, test->pagemap, test->slot[i].address / IDLE_PAGE_SIZE,
			      test->slot[i].pages, frame + test->slot[i].first);
	for (page = 0; page < test->pages; page++) {
		EXPECT(frame[page] != ORACLE_NO_FRAME && (first || frame[page] == test->frame[page]),
		       "page %zu moved", page);
		test->frame[page] = frame[page];
	}
	return true;
}

static bool is_last_of_slot(const struct oracle_test *test, size_t page)
{
	unsigned int i;

	for (i = 0; i < test->slots; i++) {
		if (page == test->slot[i].first + test->slot[i].pages - 1)
			return true;
	}
	return false;
}

static void ask_oracle(struct oracle_test *test)
{
	size_t page;

	oracle_end(&test->oracle);
	for (page = 0; page < test->pages; page++)
		test->seen[page] = oracle_page(&test->oracle, test->frame[page]);
}

/* Whether the oracle saw what was ordered, and nothing else. */
static bool oracle_is_right(const struct oracle_test *test)
{
	size_t page, missed = 0, more = 0;

	for (page = 0; page < test->pages; page++) {
		unsigned int expected = (test->by_guest[page] ? ORACLE_BY_GUEST : 0) |
					(test->by_host[page] ? ORACLE_BY_HOST : 0);

		missed += (expected & ~test->seen[page]) != 0;
		more += (test->seen[page] & ~expected) != 0;
	}
	EXPECT(test->oracle.map.entries && test->oracle.map.entries == test->oracle.map.exits,
	       "the oracle saw %llu entries into a guest and %llu exits",
	       (unsigned long long)test->oracle.map.entries, (unsigned long long)test->oracle.map.exits);
	EXPECT(!missed && !more,
	       "the oracle is wrong: it has not seen the touches of %zu pages, and seen others of %zu",
	       missed, more);
	return true;
}

/* Whether a page was touched, as far as its leaf can tell. */
static bool leaf_touched(const struct oracle_test *test, size_t page)
{
	size_t first = page - page % test->leaf, i;

	for (i = first; i < first + test->leaf; i++) {
		if (test->seen[i])
			return true;
	}
	return false;
}

/* Whether an observer that was told these pages to be accessed was told what the oracle saw. */
static bool agrees(const struct oracle_test *test, const char *observer, const bool *accessed)
{
	struct differences sum = { 0 };
	size_t page;

	for (page = 0; page < test->pages; page++) {
		bool touched = leaf_touched(test, page);

		sum.extra += accessed[page] && !touched;
		if (accessed[page] || !touched)
			continue;
		sum.missing++;
		sum.missing_unwritten += test->mode != 'w';
		sum.missing_last += is_last_of_slot(test, page);
	}
	EXPECT(!sum.missing && !sum.extra,
	       "%s: missing %zu, of these unwritten %zu, last of a slot %zu; extra %zu", observer,
	       sum.missing, sum.missing_unwritten, sum.missing_last, sum.extra);
	return true;
}

static bool reader_agrees(struct oracle_test *test, const char *observer)
{
	bool accessed[MAX_PAGES];
	size_t page;

	for (page = 0; page < test->pages; page++)
		accessed[page] = !test->idle[page];
	return agrees(test, observer, accessed);
}

/* A random set, in which first and last pages of slots are often. Return: whether there is any page in it. */
static bool choose_pages(const struct oracle_test *test, bool *set)
{
	unsigned int i;
	size_t page;

	random_set(set, test->pages);
	for (i = 0; i < test->slots; i++) {
		set[test->slot[i].first] = random_below(2);
		set[test->slot[i].first + test->slot[i].pages - 1] = random_below(2);
	}
	for (page = 0; page < test->pages && !set[page]; page++)
		;
	return page < test->pages;
}

static void choose_touches(struct oracle_test *test)
{
	test->mode = "rwx"[random_below(3)];
	while (!choose_pages(test, test->by_guest))
		;
	memset(test->by_host, false, sizeof(test->by_host));
	if (!random_below(TOUCHED_TWICE))
		choose_pages(test, test->by_host);
}

/* One interval: marked and scanned before, read and scanned after. */
static bool run_round(struct oracle_test *test)
{
	choose_touches(test);
	if (!mark_all(test) || !scan_all(test))
		return false;
	oracle_begin();
	touch(test, "touch", test->mode, test->by_guest);
	touch(test, "host", "rw"[random_below(2)], test -> by_host);
	ask_oracle(test);
	if (!find_frames(test, false) || !oracle_is_right(test) || !read_all(test) ||
	    !reader_agrees(test, "reader"))
		return false;
	/* What the scan takes the reader must still be told. */
	return scan_all(test) && agrees(test, "scanner", test->accessed) && read_all(test) &&
	       reader_agrees(test, "reader after another's scan");
}

static bool run_rounds(struct oracle_test *test, unsigned int rounds)
{
	unsigned int round = 0;
	bool right = true;

	touch_all(test);
	if (!find_frames(test, true))
		return false;
	while (right && round < rounds) {
		right = run_round(test);
		round += right;
	}
	printf("%u of %u rounds of %zu pages were right\n", round, rounds, test->pages);
	return right;
}

/* Slots of whole tables, of parts of them, and of one page. */
static bool oracle_rounds(void)
{
	static struct oracle_test test; /* large */
	bool right;

	test_start(&test);
	add_slot(&test, 2 * TABLE_PAGES, BACKING_SMALL, 0);
	add_slot(&test, TABLE_PAGES + 1, BACKING_SMALL, 0);
	add_slot(&test, ODD_PAGES, BACKING_SMALL, ODD_PAGES);
	add_slot(&test, 1, BACKING_SMALL, 1);
	right = run_rounds(&test, ROUNDS);
	test_end(&test);
	return right;
}

/* Leaves of 2 MiB, which speak for all their pages. */
static bool oracle_huge(void)
{
	static struct oracle_test test; /* large */
	bool right;

	test_start(&test);
	add_slot(&test, 4 * TABLE_PAGES, BACKING_HUGE, 0);
	test.leaf = TABLE_PAGES;
	right = run_rounds(&test, ROUNDS / 10);
	test_end(&test);
	return right;
}

/*
 * As many last-level tables as a table of the second level points to, with a few pages mapped in each. They are
 * slots of one page here: only those are looked at.
 */
struct table_test {
	struct oracle_test test;
	uintptr_t address;
	size_t page[TABLES];
};

static void touch_tables(struct table_test *tables, const bool *set)
{
	static bool all[TABLES * TABLE_PAGES];
	size_t table;

	memset(all, false, sizeof(all));
	for (table = 0; table < TABLES; table++)
		all[tables->page[table]] = set[table];
	vmm_touch(&tables->test.vmm, "touch", 'w', 0, all, TABLES * TABLE_PAGES);
}

static bool run_table_round(struct table_test *tables)
{
	static bool idle[TABLES * TABLE_PAGES];
	struct oracle_test *test = &tables->test;
	size_t table, missing = 0, extra = 0, wrong = 0;
	bool set[TABLES];

	for (table = 0; table < TABLES; table++)
		set[table] = random_below(4);
	EXPECT(!idle_map_mark(test->shared, tables->address, TABLES * TABLE_PAGES, NULL));
	oracle_begin();
	touch_tables(tables, set);
	oracle_end(&test->oracle);
	EXPECT(!idle_map_read(test->shared, tables->address, TABLES * TABLE_PAGES, idle));
	for (table = 0; table < TABLES; table++) {
		size_t page = tables->page[table];
		uint64_t frame;
		bool seen;

		oracle_frames(&test->oracle, test->pagemap, tables->address / IDLE_PAGE_SIZE + page, 1,
			      &frame);
		seen = oracle_page(&test->oracle, frame) & ORACLE_BY_GUEST;
		wrong += seen != set[table];
		missing += seen && idle[page];
		extra += !seen && !idle[page];
	}
	EXPECT(!wrong, "the oracle is wrong about %zu pages", wrong);
	EXPECT(!missing && !extra, "the pages of %zu tables of %lu are missing, those of %zu extra", missing,
	       TABLES, extra);
	return true;
}

static bool oracle_tables(void)
{
	static struct table_test tables; /* large */
	bool all[TABLES], right = true;
	unsigned int round;
	size_t table;

	test_start(&tables.test);
	tables.address = vmm_slot_add(&tables.test.vmm, 0, TABLES * TABLE_PAGES, BACKING_SMALL, 0);
	for (table = 0; table < TABLES; table++)
		tables.page[table] = table * TABLE_PAGES + random_below(TABLE_PAGES);
	memset(all, true, sizeof(all));
	touch_tables(&tables, all);
	for (round = 0; right && round < TABLE_ROUNDS; round++)
		right = run_table_round(&tables);
	test_end(&tables.test);
	return right;
}

static void pin(pid_t pid, int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

/* How often the guest has touched all pages of its loop. It says so in its mailbox, which is not tested. */
static uint32_t count_laps(const struct oracle_test *test)
{
	struct iovec remote = { .iov_base = (void *)test->laps_address, .iov_len = sizeof(uint32_t) };
	uint32_t laps = 0;
	struct iovec local = { .iov_base = &laps, .iov_len = sizeof(laps) };

	process_vm_readv(test->vmm.pid, &local, 1, &remote, 1, 0);
	return laps;
}

/* Wait for a number of laps, but not for long. Return: whether it was long enough. */
static bool wait_for_laps(const struct oracle_test *test, uint32_t number)
{
	uint32_t first = count_laps(test);
	unsigned int looks;

	for (looks = 0; looks < HOT_LOOKS; looks++) {
		if (count_laps(test) - first >= number)
			return true;
	}
	return false;
}

/*
 * One short interval in the life of a guest that goes on touching pages, on a processor of its own. What it has
 * touched in between must not be idle; what it never touches must. Its TLB is hot as long as it does not leave
 * for the host. So the interval is short, and begins when its processor, which is emulated, is known to run.
 */
static bool run_hot_pass(struct oracle_test *test, size_t *total)
{
	size_t page, missing = 0, extra = 0, seen = 0;

	wait_for_laps(test, 1);
	if (!mark_all(test))
		return false;
	oracle_begin();
	wait_for_laps(test, 2);
	ask_oracle(test);
	if (!read_all(test))
		return false;
	for (page = 0; page < test->pages; page++) {
		seen += !!(test->seen[page] & ORACLE_BY_GUEST);
		missing += test->seen[page] && test->idle[page];
		extra += !test->by_guest[page] && (test->seen[page] || !test->idle[page]);
	}
	EXPECT(!missing && !extra, "in use with hot TLBs: of %zu pages %zu are missing; extra %zu", seen,
	       missing, extra);
	*total += seen;
	return true;
}

/* Where the guest's count of laps is in the VMM's process: "info" gives the control slot first. */
static void find_laps(struct oracle_test *test)
{
	const char *info = vmm_command(&test->vmm, "info");
	unsigned int field;

	/* ID:AS:GFN:HVA:PAGES */
	for (field = 0; info && field < 3; field++)
		info = strchr(info + 1, ':');
	test->laps_address = (info ? strtoul(info + 1, NULL, 16) : 0) +
			     GUEST_VCPU(VCPU_GUEST, GUEST_MAILBOX) + offsetof(struct guest_mailbox, rounds);
}

static bool oracle_hot(void)
{
	static struct oracle_test test; /* large */
	unsigned int pass;
	size_t seen = 0;
	bool right;

	test_start(&test);
	find_laps(&test);
	pin(0, HOST_PROCESSOR);
	pin(test.vmm.pid, HOT_PROCESSOR);
	add_slot(&test, 2 * HOT_PAGES, BACKING_SMALL, 0);
	touch_all(&test);
	right = find_frames(&test, true);
	fill_set(test.by_guest, test.pages, 0, HOT_PAGES - 1);
	touch(&test, "loop", 'r', test.by_guest);
	for (pass = 0; right && pass < HOT_PASSES; pass++)
		right = run_hot_pass(&test, &seen);
	vmm_command(&test.vmm, "stop");
	test_end(&test);
	printf("pass %u: %zu pages were touched in all\n", pass, seen);
	EXPECT(!right || seen > HOT_PASSES, "the guest has hardly run");
	return right;
}

const struct check oracle_checks[] = {
	{ "oracle-rounds", oracle_rounds },
	{ "oracle-huge", oracle_huge },
	{ "oracle-tables", oracle_tables },
	{ "oracle-hot", oracle_hot },
	{ NULL, NULL },
};
