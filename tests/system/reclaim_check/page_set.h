/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_set.h - which pages are touched how often, and the record of when that happened: what is known to be true
 *
 * One process touches, another one judges by the record what an observer may say. Both share the memory that the
 * record lies in; there is one writer.
 */
#ifndef PAGE_SET_H
#define PAGE_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096UL

/* The rounds that a record remembers: those of a few seconds. */
#define RECORDED_ROUNDS 64

/**
 * struct page_set - pages that are touched together, all of them in one round
 * @name:
 * @first:     number of the first
 * @pages:     how many
 * @period_ns: from the begin of one round to that of the next
 */
struct page_set {
	const char *name;
	uint32_t first;
	uint32_t pages;
	uint64_t period_ns;
};

enum { SET_HOT, SET_WARM, SETS };

/** The sets; all other pages below MEMORY_PAGES are cold: touched once, at the start. */
extern const struct page_set page_sets[SETS];
#define MEMORY_PAGES 20480U

/**
 * struct round_record - the rounds of one set
 * @begun:     how many rounds have begun
 * @completed: how many of them are complete
 * @out:       pages that were not present when their round came, sum over all rounds
 * @rounds:    begin and end of the last complete ones, round N in element N modulo RECORDED_ROUNDS
 */
struct round_record {
	atomic_ullong begun;
	atomic_ullong completed;
	atomic_ullong out;
	struct {
		uint64_t begin_ns;
		uint64_t end_ns;
	} rounds[RECORDED_ROUNDS];
};

/** now_ns() - the clock of all times here */
uint64_t now_ns(void);

/** sleep_until() - until now_ns() is past a time */
void sleep_until(uint64_t time_ns);

/** round_begin() - to be called before the set is touched. Return: the time, for round_end(). */
uint64_t round_begin(struct round_record *record);
void round_end(struct round_record *record, uint64_t begin_ns);

/** round_within() - whether all pages of the set were touched after @from_ns and before @to_ns */
bool round_within(const struct round_record *record, uint64_t from_ns, uint64_t to_ns);

/** no_round_since() - whether no page of the set was touched from @from_ns until now */
bool no_round_since(const struct round_record *record, uint64_t from_ns);

#endif /* PAGE_SET_H */
