// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - whether observing a process robs the host's reclaim, and whether reclaim robs the observers
 *
 * Usage: reclaim_check CGROUP vm|process small|huge WRITES SECONDS PHASE...
 *
 * In a memory cgroup, too small for them, two processes run: one whose memory is touched in a known rhythm
 * (page_set.c), and one that writes WRITES pages a second, so that the host must always reclaim. From outside of
 * the cgroup the first one is observed 5 times a second, in phases of so many seconds:
 *   none      it is not observed at all
 *   marks     by read() and write()
 *   scan      by the scan ioctl
 *   unprobed  by read() and write(), while somebody switches all kernel probes off after each look, and on again
 *             before every other one
 * Phases follow one another in one life of the process, so that what they show can be compared.
 *
 * Output: a line for each phase, of NAME=VALUE:
 *   phase
 *   hot, warm           pages of the set that were touched
 *   hot_out, warm_out   of them, those that were not present when their touch came
 *   checked             pages that were touched between two looks, so they must not be idle
 *   wrong               of them, those that were called idle
 *   untouched           pages that were present but not touched between two looks, so they should be idle
 *   busy                of them, those that were not called idle
 *   aged                how often reclaim asked whether a page was young
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "aging.h"
#include "cgroup_child.h"
#include "observer.h"
#include "owner.h"
#include "presence.h"
#include "writer.h"

#define SECOND	    1000000000ULL
#define LOOK_PERIOD (SECOND / 5)
/* Until reclaim has found its rhythm. */
#define WARM_UP (6 * SECOND)
/* After the begin of a phase, until what the one before has done to the order of the pages is over. */
#define SETTLE SECOND

enum phase_kind { PHASE_NONE, PHASE_MARKS, PHASE_SCAN, PHASE_UNPROBED, PHASE_KINDS };

static const char *const phase_names[] = { "none", "marks", "scan", "unprobed" };
_Static_assert(sizeof(phase_names) / sizeof(phase_names[0]) == PHASE_KINDS, "each kind has a name");

/* See the head of this file. */
struct tally {
	uint64_t touched[SETS];
	uint64_t out[SETS];
	uint64_t checked;
	uint64_t wrong;
	uint64_t untouched;
	uint64_t busy;
	uint64_t aged;
};

/* What is observed. */
struct subject {
	pid_t pid;
	const struct owner_memory *memory;
	int pagemap;
};

static void judge_set(const struct subject *subject, const struct observer *observer, unsigned int number,
		      struct tally *tally)
{
	static bool present[MEMORY_PAGES];
	const struct page_set *set = &page_sets[number];
	const struct round_record *record = &subject->memory->records[number];
	uint32_t i;

	if (round_within(record, observer->from_ns, observer->to_ns)) {
		tally->checked += set->pages;
		for (i = 0; i < set->pages; i++)
			tally->wrong += observer->idle[set->first + i];
		return;
	}
	presence_read(subject->pagemap, atomic_load(&subject->memory->address), set, present);
	if (!no_round_since(record, observer->earliest_ns))
		return;
	for (i = 0; i < set->pages; i++) {
		tally->untouched += present[i];
		tally->busy += present[i] && !observer->idle[set->first + i];
	}
}

/*
 * Let time go by until @end_ns, with a look whenever it is time for one if there is an observer. With
 * @switch_probes the kernel's probes are left off after every second one.
 */
static void observe(const struct subject *subject, struct observer *observer, bool switch_probes,
		    uint64_t end_ns, struct tally *tally)
{
	uint64_t due = now_ns();
	unsigned int i;

	while (observer && due < end_ns) {
		sleep_until(due);
		if (switch_probes)
			probes_arm(true);
		observer_look(observer);
		if (switch_probes && observer->looks % 2 == 0)
			probes_arm(false);
		for (i = 0; observer->looks > 1 && i < SETS; i++)
			judge_set(subject, observer, i, tally);
		due += LOOK_PERIOD;
		if (due < now_ns())
			due = now_ns();
	}
	sleep_until(end_ns);
}

/* Add @factor times what the process has done so far. */
static void count_touches(const struct subject *subject, int factor, struct tally *tally)
{
	unsigned int i;

	for (i = 0; i < SETS; i++) {
		const struct round_record *record = &subject->memory->records[i];

		tally->touched[i] += factor * atomic_load(&record->completed) * page_sets[i].pages;
		tally->out[i] += factor * atomic_load(&record->out);
	}
}

static void print_tally(const char *name, const struct tally *tally)
{
	unsigned int i;

	printf("phase=%s", name);
	for (i = 0; i < SETS; i++)
		printf(" %s=%" PRIu64 " %s_out=%" PRIu64, page_sets[i].name, tally->touched[i],
		       page_sets[i].name, tally->out[i]);
	printf(" checked=%" PRIu64 " wrong=%" PRIu64 " untouched=%" PRIu64 " busy=%" PRIu64 " aged=%" PRIu64
	       "\n",
	       tally->checked, tally->wrong, tally->untouched, tally->busy, tally->aged);
	fflush(stdout);
}

static void run_phase(const struct subject *subject, enum phase_kind kind, uint64_t length_ns)
{
	struct tally tally = { 0 };
	static struct observer memory;
	struct observer *observer = kind == PHASE_NONE ? NULL : &memory;
	uint64_t start = now_ns();

	tally.aged -= aging_count();
	if (observer)
		observer_open(observer, kind == PHASE_SCAN ? OBSERVER_SCAN : OBSERVER_MARKS, subject->pid,
			      atomic_load(&subject->memory->address));
	observe(subject, observer, kind == PHASE_UNPROBED, start + SETTLE, &tally);
	count_touches(subject, -1, &tally);
	observe(subject, observer, kind == PHASE_UNPROBED, start + SETTLE + length_ns, &tally);
	count_touches(subject, 1, &tally);
	if (kind == PHASE_UNPROBED)
		probes_arm(true);
	if (observer)
		observer_close(observer);
	tally.aged += aging_count();
	print_tally(phase_names[kind], &tally);
}

static enum phase_kind phase_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < PHASE_KINDS; i++) {
		if (strcmp(name, phase_names[i]) == 0)
			return i;
	}
	die(name);
}

static unsigned int parse_number(const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || !value || value > 1000000)
		die(text);
	return (unsigned int)value;
}

int main(int argc, char **argv)
{
	struct owner_kind kind;
	struct subject subject;
	uintptr_t address;
	int i;

	if (argc < 7)
		die("usage: CGROUP vm|process small|huge WRITES SECONDS PHASE...");
	kind.vm = strcmp(argv[2], "vm") == 0;
	kind.huge = strcmp(argv[3], "huge") == 0;
	for (i = 6; i < argc; i++)
		phase_by_name(argv[i]);

	subject.memory = owner_start(argv[1], &kind, &subject.pid);
	subject.pagemap = presence_open(subject.pid);
	address = atomic_load(&subject.memory->address);
	writer_start(argv[1], parse_number(argv[4]));
	aging_start(kind.vm, address, address + MEMORY_PAGES * PAGE_SIZE);
	sleep_until(now_ns() + WARM_UP);
	for (i = 6; i < argc; i++)
		run_phase(&subject, phase_by_name(argv[i]), parse_number(argv[5]) * SECOND);
	aging_stop();
	return 0;
}
