/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_units.h - pages, in which is planned, as bytes and MiB, in which people and files speak
 */
#ifndef VMHEAT_SERVICE_PAGE_UNITS_H
#define VMHEAT_SERVICE_PAGE_UNITS_H

#include <glib.h>
#include "page_map.h"

#define KIB_PER_PAGE (PAGE_MAP_PAGE_SIZE / 1024u)

/** to_pages() - whole pages in @bytes. */
static inline guint64 to_pages(guint64 bytes)
{
	return bytes / PAGE_MAP_PAGE_SIZE;
}

static inline guint64 to_bytes(guint64 pages)
{
	return pages * PAGE_MAP_PAGE_SIZE;
}

static inline double to_mib(guint64 pages)
{
	return (double)pages * PAGE_MAP_PAGE_SIZE / (1024.0 * 1024.0);
}

#endif /* VMHEAT_SERVICE_PAGE_UNITS_H */
