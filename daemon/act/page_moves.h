/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_moves.h - page moves apart from the kernel under them, so that tests can have one of their own
 */
#ifndef VMHEAT_ACT_PAGE_MOVES_H
#define VMHEAT_ACT_PAGE_MOVES_H

#include "actuator.h"

/** What page moves need of the kernel. */
struct page_moves_kernel {
	/* move_pages(2). */
	long (*move_pages)(int pid, unsigned long count, void **pages, const int *nodes, int *status,
			   int flags);

	/* Have the kernel split the huge page, if it is one, that backs @address of process @pid. */
	void (*split)(int pid, void *address);

	/*
	 * Say for each of @count addresses of process @pid whether a page is mapped there. With @reveal, give
	 * those that NUMA balancing has hidden back to move_pages(2), if they would stay so.
	 */
	void (*find_mapped)(int pid, void *const *addresses, guint count, gboolean reveal, gboolean *mapped);
};

/** The kernel that runs. */
extern const struct page_moves_kernel page_moves_linux;

/** page_moves_apply_with() - page_moves_apply() on @kernel. */
gboolean page_moves_apply_with(const struct page_moves_kernel *kernel, const struct domain *domain,
			       const struct page_map *map, const struct page_move_nodes *nodes,
			       const struct placement_extent *extents, gsize count, guint64 limit,
			       const struct page_move_watch *watch, struct page_move_result *result,
			       GError **error);

#endif /* VMHEAT_ACT_PAGE_MOVES_H */
