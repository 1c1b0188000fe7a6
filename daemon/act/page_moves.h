/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_moves.h - page_moves_apply()'s door for tests: the same moves with another kernel under them
 */
#ifndef VMHEAT_ACT_PAGE_MOVES_H
#define VMHEAT_ACT_PAGE_MOVES_H

#include "actuator.h"

/** The two system calls that page moves are made of. */
struct page_moves_kernel {
	/* move_pages(2). */
	long (*move_pages)(int pid, unsigned long count, void **pages, const int *nodes, int *status,
			   int flags);

	/* Have the kernel split the huge page, if it is one, that backs @address of process @pid. */
	void (*split)(int pid, void *address);
};

/** page_moves_apply_with() - page_moves_apply() on @kernel. */
gboolean page_moves_apply_with(const struct page_moves_kernel *kernel, const struct domain *domain,
			       const struct page_map *map, const struct page_move_nodes *nodes,
			       const struct placement_extent *extents, gsize count, guint64 limit,
			       void (*moved)(guint64 index, guint64 pages, gpointer data), gpointer data,
			       struct page_move_result *result, GError **error);

#endif /* VMHEAT_ACT_PAGE_MOVES_H */
