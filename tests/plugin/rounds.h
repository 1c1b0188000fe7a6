/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rounds.h - random accesses by the test guest, and which pages these are
 *
 * A round tells each processor some accesses through the window of pages, whose page table entries are random
 * pages of the machine's memory. So two pages that follow one another for the guest are any two for the
 * machine.
 */
#ifndef PLUGIN_ROUNDS_H
#define PLUGIN_ROUNDS_H

#include "machine.h"

/** Pages that rounds choose from. */
#define ROUND_PAGES 4096u

struct rounds {
	struct machine *machine;
	GRand *random;
	guint64 pages[ROUND_PAGES]; /* guest frame numbers */
	guint64 go;
};

/**
 * rounds_init() - choose among @count spans of pages, first and end: their first and last ones, dense and
 * scattered ones.
 */
void rounds_init(struct rounds *rounds, struct machine *machine, guint32 seed, const guint64 (*spans)[2],
		 gsize count);
void rounds_clear(struct rounds *rounds);

/**
 * rounds_start() - begin a round.
 *
 * Return: the pages that are accessed in it, a set of guint64; the caller unrefs it.
 */
GHashTable *rounds_start(struct rounds *rounds);

#endif /* PLUGIN_ROUNDS_H */
