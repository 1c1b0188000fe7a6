/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * actuator.h - what the daemon can do to a VM
 *
 * One file an actuator. They carry out a plan and say exactly what came of it; whether to act at all
 * (dry-run, policy, pressure) is decided before. They may block and are called from a VM's own thread.
 */
#ifndef VMHEAT_ACT_ACTUATOR_H
#define VMHEAT_ACT_ACTUATOR_H

#include <glib.h>
#include "domain.h"
#include "page_map.h"
#include "placement_plan.h"

/** What came of a round of page moves. In pages. */
struct page_move_result {
	guint64 wanted;		/* not yet where they belong */
	guint64 moved;		/* the kernel says they lie there now */
	guint64 busy;		/* EBUSY, EAGAIN: pinned or in use just now */
	guint64 refused;	/* EACCES, EPERM: outside the VM's cpuset, or not ours */
	guint64 no_memory;	/* ENOMEM: the target node is full */
	guint64 absent;		/* gone since the plan was made */
	guint64 hidden;		/* there, but not for move_pages(2), see numa_balancing.h */
	guint64 other;		/* any other errno */
	guint64 left;		/* wanted, but beyond this round's limit */
	guint64 cold_far, cold; /* of the plan's pages, by the kernel's word after the moves */
	guint64 hot_near, hot;
};

/** Where pages go. */
struct page_move_nodes {
	int near_node;
	int far_node;
};

/** Who is told of moves while they are made. All may be NULL. */
struct page_move_watch {
	/* Before the first page is moved, if one is: FALSE and an error that the caller gets, and none is. */
	gboolean (*before)(gpointer data, GError **error);

	/* After each batch, with runs of indices that were moved or read, so that they can be marked again. */
	void (*moved)(guint64 index, guint64 pages, gpointer data);
	gpointer data;
};

/**
 * page_moves_apply() - bring pages to where the plan wants them
 * @domain:  whose
 * @map:     the layout that the extents' indices belong to
 * @nodes:   near and far
 * @extents: from placement_classify()
 * @count:   how many
 * @limit:   move at most so many pages; hot pages come first
 * @watch:   who is told
 * @result:  what came of it
 *
 * Asks move_pages(2) where the pages are, moves the ones that lie wrong, and never touches others. With a
 * limit of 0 it only looks.
 */
gboolean page_moves_apply(const struct domain *domain, const struct page_map *map,
			  const struct page_move_nodes *nodes, const struct placement_extent *extents,
			  gsize count, guint64 limit, const struct page_move_watch *watch,
			  struct page_move_result *result, GError **error);

#endif /* VMHEAT_ACT_ACTUATOR_H */
