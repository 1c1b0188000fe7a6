/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget.c - how much of something the agent may use in the long run, see budget.h
 */
#include "budget.h"

bool budget_allows(struct budget *budget, uint64_t now_ns)
{
	double most = budget->rate * BUDGET_SAVED_SECONDS;

	if (budget->rate == 0.0)
		return true;
	if (budget->last_ns == 0)
		budget->level += most;
	else
		budget->level += budget->rate * (double)(now_ns - budget->last_ns) / 1e9;
	if (budget->level > most)
		budget->level = most;
	budget->last_ns = now_ns;
	return budget->level >= 0.0;
}

void budget_spend(struct budget *budget, double units)
{
	if (budget->rate != 0.0)
		budget->level -= units;
}
