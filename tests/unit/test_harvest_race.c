// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_harvest_race.c - harvesting a table that others write at the same time, in threads
 *
 * What single changes at chosen moments do is tested in test_harvest.c.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "harvest.h"

#define BIT(n)	 (1ULL << (n))
#define DIRTY	 BIT(6)
#define FRAME(n) ((u64)(n) << 12)
/* What KVM puts in the place of an entry that it takes away (REMOVED_SPTE, arch/x86/kvm/mmu/spte.h). */
#define REMOVED	     0x5a0ULL

#define WRITABLE     BIT(1)
#define RACE_ENTRIES 64 /* one word of results */
#define RACE_SECONDS 1

/*
 * A table that is harvested while another thread writes it. All arrays are by entry.
 * @with_kvm: not only the processor writes, but KVM too
 * @set:      how often the processor set the accessed bit
 * @dirtied:  how often it set the dirty bit
 * @removed:  how often KVM took an entry away with that bit set
 * @toggled:  how often KVM changed since then whether the entry is writable
 * @faults:   how often KVM found an entry or its marker not as it had left them
 * @laps:     how often all entries were accessed
 */
struct race {
	u64 entry[RACE_ENTRIES] __attribute__((aligned(64)));
	const struct entry_format *format;
	bool with_kvm;
	unsigned int set[RACE_ENTRIES];
	unsigned int dirtied[RACE_ENTRIES];
	unsigned int removed[RACE_ENTRIES];
	unsigned int toggled[RACE_ENTRIES];
	unsigned int faults;
	unsigned int laps;
	bool stop;
};

static u64 race_entry(const struct race *race, unsigned int n)
{
	return FRAME(n) | (race->format->present & -race->format->present);
}

/* The processor sets a bit of an entry that is present and lacks it. */
static bool processor_sets(struct race *race, unsigned int n, u64 bit)
{
	u64 found = __atomic_load_n(&race->entry[n], __ATOMIC_RELAXED);

	return (found & race->format->present) && !(found & bit) &&
	       try_cmpxchg(&race->entry[n], &found, found | bit);
}

/* The processor reads all pages, and then writes every third. */
static void race_access(struct race *race)
{
	unsigned int n;

	for (n = 0; n < RACE_ENTRIES; n++)
		race->set[n] += processor_sets(race, n, race->format->accessed);
	for (n = 0; n < RACE_ENTRIES; n += 3)
		race->dirtied[n] += processor_sets(race, n, DIRTY);
	__atomic_fetch_add(&race->laps, 1, __ATOMIC_RELAXED);
}

/*
 * KVM takes an entry away, leaves the marker for a while, and maps the page again; meanwhile it changes
 * whether other pages are writable.
 */
static void race_unmap(struct race *race, unsigned int n)
{
	u64 found = __atomic_exchange_n(&race->entry[n], REMOVED, __ATOMIC_SEQ_CST);
	unsigned int i;

	race->removed[n] += (found & race->format->accessed) != 0;
	race->faults += !(found & WRITABLE) != !(race->toggled[n] % 2);
	for (i = 0; i < 300; i++) {
		unsigned int other = (n + 1 + i % 63) % RACE_ENTRIES;

		__atomic_fetch_xor(&race->entry[other], WRITABLE, __ATOMIC_SEQ_CST);
		race->toggled[other]++;
		race->faults += __atomic_load_n(&race->entry[n], __ATOMIC_RELAXED) != REMOVED;
	}
	race->toggled[n] = 0;
	__atomic_store_n(&race->entry[n], race_entry(race, n), __ATOMIC_SEQ_CST);
}

static void *race_writer(void *data)
{
	struct race *race = data;
	unsigned int n = 0;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		race_access(race);
		if (race->with_kvm)
			race_unmap(race, n++ % RACE_ENTRIES);
	}
	return NULL;
}

/* Wait until all entries have been accessed again. */
static void wait_for_lap(const struct race *race)
{
	unsigned int lap = __atomic_load_n(&race->laps, __ATOMIC_RELAXED);

	while (__atomic_load_n(&race->laps, __ATOMIC_RELAXED) - lap < 2)
		sched_yield();
}

/*
 * No access is lost and none reported twice: what the processor set was reported, or removed, or is still
 * there. Nor is a write: a process's pages are cleaned after each harvest, and as often dirtied.
 */
static void check_race(const struct entry_format *format, bool with_kvm)
{
	static struct race race;
	const u64 all = ~0ULL;
	unsigned int reported[RACE_ENTRIES] = { 0 }, cleaned[RACE_ENTRIES] = { 0 }, n;
	time_t end = time(NULL) + RACE_SECONDS + 1;
	pthread_t writer;

	memset(&race, 0, sizeof(race));
	race.format = format;
	race.with_kvm = with_kvm;
	for (n = 0; n < RACE_ENTRIES; n++)
		race.entry[n] = race_entry(&race, n);
	assert_int_equal(pthread_create(&writer, NULL, race_writer, &race), 0);
	while (time(NULL) < end) {
		struct page_block block = { 0 };

		/* So that whole lines are accessed; of a process's pages, some should be just being dirtied. */
		if (with_kvm)
			wait_for_lap(&race);
		harvest_entries(format, race.entry, NULL, 0, RACE_ENTRIES, &all, HARVEST_CLEAR, &block);
		for (n = 0; n < RACE_ENTRIES; n++)
			reported[n] += block.accessed[0] >> n & 1;
		for (n = 0; !with_kvm && n < RACE_ENTRIES; n++)
			cleaned[n] +=
				!!(__atomic_fetch_and(&race.entry[n], ~DIRTY, __ATOMIC_SEQ_CST) & DIRTY);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);

	assert_int_equal(race.faults, 0);
	for (n = 0; n < RACE_ENTRIES; n++) {
		u64 entry = race_entry(&race, n) | (race.toggled[n] % 2 ? WRITABLE : 0);

		assert_true(reported[n] > 0);
		assert_int_equal(race.set[n],
				 reported[n] + race.removed[n] + !!(race.entry[n] & format->accessed));
		assert_int_equal(race.entry[n] & ~(format->accessed | DIRTY), entry);
		if (!with_kvm)
			assert_int_equal(race.dirtied[n], cleaned[n] + !!(race.entry[n] & DIRTY));
	}
}

/* A VM's table: the processor sets bits, KVM removes entries and changes others. */
static void test_vm(void **state)
{
	const struct entry_format npt = ENTRY_FORMAT_NPT, ept = ENTRY_FORMAT_EPT;

	check_race(&npt, true);
	check_race(&ept, true);
}

/* A process's table, whose lock we hold: only the processor writes it too, and plain stores lose nothing of that. */
static void test_process(void **state)
{
	const struct entry_format host = ENTRY_FORMAT_HOST;

	check_race(&host, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vm),
		cmocka_unit_test(test_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
