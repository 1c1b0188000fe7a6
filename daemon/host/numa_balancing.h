/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numa_balancing.h - whether the kernel's own NUMA balancing runs, and stands in the way
 *
 * It takes the access rights from pages (PROT_NONE) to see who touches them next. A page that nobody touches
 * stays that way, and for move_pages(2) such a page does not exist: it answers EFAULT or ENOENT, for a query
 * as for a move (mm/gup.c, follow_page_mask(), seen on Debian's 6.1). Those are the cold pages.
 */
#ifndef VMHEAT_HOST_NUMA_BALANCING_H
#define VMHEAT_HOST_NUMA_BALANCING_H

#include <glib.h>

/** numa_balancing_is_on() - whether sysctl kernel.numa_balancing is not 0. Reads one file of /proc. */
gboolean numa_balancing_is_on(void);

#endif /* VMHEAT_HOST_NUMA_BALANCING_H */
