/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_tax.c - which guest pays how much when the host is short of memory, see memory_tax.h
 */
#include <math.h>
#include "memory_tax.h"

/* Bisection halves an interval of pages-a-share; after so many steps it is below a page for any guest. */
#define BISECTION_STEPS 100

struct host_balance host_balance_of(const struct host_goal *goal, const struct host_state *state)
{
	double wanted = (double)state->total_pages * goal->free_percent / 100.0;
	double lacking = wanted - (double)state->available_pages;

	if (state->stall_share > goal->stall_share)
		lacking = fmax(lacking, (double)state->total_pages / 100.0);
	if (lacking > 0)
		return (struct host_balance){ .short_pages = (uint64_t)ceil(lacking) };
	return (struct host_balance){ .spare_pages = (uint64_t)-lacking };
}

/* What @guest may have within @least and @most, if a share pays for @cost used pages. */
static uint64_t pays_for(const struct taxed_guest *guest, double idle_cost, double cost, uint64_t least,
			 uint64_t most)
{
	double means = (double)guest->shares * cost;
	double used = (double)guest->used_pages;
	double pages = means <= used ? means : used + (means - used) / idle_cost;

	if (pages <= (double)least)
		return least;
	return pages >= (double)most ? most : (uint64_t)pages;
}

/* Give each guest what @cost pays for. Returns the sum. */
static double divide(struct taxed_guest *guests, size_t count, double idle_cost, double cost, int shrink)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		struct taxed_guest *guest = &guests[i];
		uint64_t floor =
			guest->floor_pages < guest->current_pages ? guest->floor_pages : guest->current_pages;
		uint64_t maximum = guest->maximum_pages > guest->current_pages ? guest->maximum_pages
									       : guest->current_pages;

		guest->limit_pages = shrink ? pays_for(guest, idle_cost, cost, floor, guest->current_pages)
					    : pays_for(guest, idle_cost, cost, guest->current_pages, maximum);
		sum += (double)guest->limit_pages;
	}
	return sum;
}

void memory_tax(struct taxed_guest *guests, size_t count, unsigned int tax_percent,
		const struct host_balance *balance)
{
	double idle_cost = 1.0 / (1.0 - (tax_percent < 99 ? tax_percent : 99) / 100.0);
	int shrink = balance->short_pages > 0;
	double budget = (double)balance->spare_pages - (double)balance->short_pages;
	double low = 0, high = 0;

	/* At this cost everybody can have all that there is for him. */
	for (size_t i = 0; i < count; i++) {
		double most = (double)guests[i].used_pages + (double)guests[i].maximum_pages +
			      (double)guests[i].current_pages;

		budget += (double)guests[i].current_pages;
		high = fmax(high, most * idle_cost / guests[i].shares);
	}
	if (divide(guests, count, idle_cost, high, shrink) <= budget)
		return;
	for (int step = 0; step < BISECTION_STEPS; step++) {
		double middle = low + (high - low) / 2;

		if (divide(guests, count, idle_cost, middle, shrink) <= budget)
			low = middle;
		else
			high = middle;
	}
	(void)divide(guests, count, idle_cost, low, shrink);
}
