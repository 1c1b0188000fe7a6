/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_map.h - the picture of a VM's memory in a terminal
 */
#ifndef VMHEAT_CTL_RENDER_MAP_H
#define VMHEAT_CTL_RENDER_MAP_H

#include <glib.h>

/** A run of pages of one age, as GetMap tells it. */
struct map_run {
	guint64 gfn;
	guint64 pages;
	guint8 age; /* in windows; MAP_AGE_HOLE: not mapped */
};

#define MAP_AGE_HOLE 255u

struct map_picture {
	const struct map_run *runs; /* in rising order of gfn */
	gsize run_count;
	const double *windows; /* lengths in seconds, newest first; at least one */
	gsize window_count;
	guint width;	/* of the terminal, in characters */
	guint rows;	/* at most so many rows of memory, if the cells can be made that large */
	gboolean color; /* 256 colours, else characters */
};

/** render_map() - heading, rows and legend, all ending in a newline. The caller frees it. */
char *render_map(const struct map_picture *picture);

#endif /* VMHEAT_CTL_RENDER_MAP_H */
