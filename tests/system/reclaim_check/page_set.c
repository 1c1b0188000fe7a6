// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * page_set.c - which pages are touched how often, and the record of when that happened
 */
#include <time.h>
#include "page_set.h"

const struct page_set page_sets[SETS] = {
	[SET_HOT] = { "hot", 0, 2048, 50000000 },
	[SET_WARM] = { "warm", 2048, 6144, 1000000000 },
};

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void sleep_until(uint64_t time_ns)
{
	struct timespec time = { .tv_sec = (time_t)(time_ns / 1000000000),
				 .tv_nsec = (long)(time_ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
		;
}

uint64_t round_begin(struct round_record *record)
{
	atomic_fetch_add(&record->begun, 1);
	return now_ns();
}

void round_end(struct round_record *record, uint64_t begin_ns)
{
	uint64_t round = atomic_load(&record->completed);

	record->rounds[round % RECORDED_ROUNDS].begin_ns = begin_ns;
	record->rounds[round % RECORDED_ROUNDS].end_ns = now_ns();
	atomic_store(&record->completed, round + 1);
}

bool round_within(const struct round_record *record, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t completed = atomic_load(&record->completed), round;
	/* The writer may be about to overwrite the oldest. */
	uint64_t oldest = completed < RECORDED_ROUNDS ? 0 : completed - RECORDED_ROUNDS + 1;

	for (round = completed; round > oldest; round--) {
		if (record->rounds[(round - 1) % RECORDED_ROUNDS].begin_ns >= from_ns &&
		    record->rounds[(round - 1) % RECORDED_ROUNDS].end_ns <= to_ns)
			return true;
	}
	return false;
}

bool no_round_since(const struct round_record *record, uint64_t from_ns)
{
	uint64_t completed = atomic_load(&record->completed);

	return atomic_load(&record->begun) == completed &&
	       (!completed || record->rounds[(completed - 1) % RECORDED_ROUNDS].end_ns < from_ns);
}
