/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_tax.h - which guest pays how much when the host is short of memory
 *
 * Theory of operation
 *
 * Waldspurger's idle memory tax (OSDI 2002, section 5). A guest has shares: what it is worth to its owner. A
 * page that it uses costs it 1, an idle one costs k = 1 / (1 - tax): with a tax of 75 % as much as four used
 * ones. Memory is taken where a share pays for least:
 *
 *	price  = shares / (used + k * idle)	the guest with the lowest price gives a page, and so on
 *
 * until the host has what it lacks. That ends where all that still could give have the same price, so it need
 * not be done page by page: with c = 1 / price common to all, each keeps as much memory as shares * c pay
 * for, but never less than its floor nor more than it has. The c that frees what is wanted is found by
 * bisection. A tax of 0 divides by shares alone; towards 100 % idle memory goes before any that is used.
 *
 * What a guest gives is idle first: the used part stays as long as there is idle memory left.
 *
 * When the host has memory to spare it is divided the same way, as room to grow: nobody is to shrink, and what
 * is given out to all together is not more than there is. So the guests do not take back at once what was
 * just taken from them. What the guests have and what the host has available change together, so that a
 * balloon that is on its way changes nothing in what its guest is to have.
 */
#ifndef VMHEAT_CORE_MEMORY_TAX_H
#define VMHEAT_CORE_MEMORY_TAX_H

#include <stddef.h>
#include <stdint.h>

/** What the host shall have. */
struct host_goal {
	unsigned int free_percent; /* of its memory available, at least */
	double stall_share; /* stalled for memory for more than this part of the time: it is short, too */
};

/** What it has. */
struct host_state {
	uint64_t total_pages;
	uint64_t available_pages; /* MemAvailable: what can be had without swapping */
	double stall_share; /* PSI some of the whole host, 0 to 1, of the time since it was asked last */
};

/** One of the two is 0. */
struct host_balance {
	uint64_t short_pages;
	uint64_t spare_pages;
};

/**
 * host_balance_of() - what the host lacks, or has to spare
 *
 * A host that stalls lacks a hundredth of its memory at least, however much seems to be available.
 */
struct host_balance host_balance_of(const struct host_goal *goal, const struct host_state *state);

/** One guest that pays. */
struct taxed_guest {
	uint64_t current_pages; /* what it has */
	uint64_t used_pages;	/* its working set; more than it has counts as all it has */
	uint64_t floor_pages;	/* what it is left in any case; more than it has counts as all it has */
	uint64_t maximum_pages; /* what it can have */
	unsigned int shares;	/* above 0 */
	uint64_t limit_pages;	/* result: what it may have. Never below the floor */
};

/**
 * memory_tax() - divide what is short, or to spare: fills in each guest's limit_pages
 * @tax_percent: 0 to 99
 *
 * Short: the limits are at most what the guests have, and together less by @balance->short_pages, or as much
 * as there is above the floors. Else: at least what they have.
 */
void memory_tax(struct taxed_guest *guests, size_t count, unsigned int tax_percent,
		const struct host_balance *balance);

#endif /* VMHEAT_CORE_MEMORY_TAX_H */
