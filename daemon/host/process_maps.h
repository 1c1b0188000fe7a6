/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_maps.h - the mappings in the text of /proc/PID/maps
 */
#ifndef VMHEAT_HOST_PROCESS_MAPS_H
#define VMHEAT_HOST_PROCESS_MAPS_H

#include <glib.h>

/** A mapping of a process, and how many of its pages are what. A page is 4 KiB, whatever maps it. */
struct process_mapping {
	guint64 start, end;  /* addresses, multiples of the page size */
	char permissions[5]; /* "rw-p" */
	char *name;	     /* as the kernel shows it, any bytes but '\n'; "" for anonymous memory */
	guint64 resident;    /* pages that are mapped, the kernel's zero page included */
	guint64 idle;	     /* of them: not referenced in the window */
	guint64 coarse;	     /* of them: referenced as far as only a leaf larger than a page can tell */
};

/**
 * process_maps_parse() - the mappings in @text, in rising order, with no page counted yet
 *
 * The kernel's own page that it lists for every process, [vsyscall], is no memory of the process's and left out.
 *
 * Return: an array of struct process_mapping that owns their names; NULL and @error if @text is not what the
 * kernel writes, which is sorted and without overlaps.
 */
GArray *process_maps_parse(const char *text, GError **error);

#endif /* VMHEAT_HOST_PROCESS_MAPS_H */
