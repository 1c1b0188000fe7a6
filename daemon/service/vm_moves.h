/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_moves.h - bring one VM's pages to the node they belong on
 */
#ifndef VMHEAT_SERVICE_VM_MOVES_H
#define VMHEAT_SERVICE_VM_MOVES_H

#include "actuator.h"
#include "vm_pages.h"
#include "vm_scan.h"

/**
 * vm_moves_apply() - move what lies wrong, hot pages first, and mark it again
 * @policy: ages that count as hot and cold
 * @limit:  at most so many pages; 0: only look, so that the result says what would be moved
 * @before: called once before the first page is moved, if one is; FALSE and an error, and none is
 * @data:   for @before
 * @result: sums over the whole VM
 *
 * Memory is bounded whatever the pattern of ages: the plan is made and carried out 128 MiB at a time.
 */
gboolean vm_moves_apply(const struct domain *domain, const struct vm_pages *pages,
			const struct vm_sources *sources, const struct page_move_nodes *nodes,
			const struct placement_policy *policy, guint64 limit,
			gboolean (*before)(gpointer data, GError **error), gpointer data,
			struct page_move_result *result, GError **error);

/**
 * vm_moves_runs() - what vm_moves_apply() would have where, in rising order
 * @limit: most runs to return; the rest is left out
 *
 * Return: an array of struct vm_run with an enum placement_class, NEAR or FAR, in place of the age. The caller
 * unrefs it.
 */
GArray *vm_moves_runs(const struct vm_pages *pages, const struct placement_policy *policy, guint limit);

#endif /* VMHEAT_SERVICE_VM_MOVES_H */
