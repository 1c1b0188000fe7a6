/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rounds.h - touch random sets of pages, and compare what each observer is told with what must come out
 */
#ifndef ROUNDS_H
#define ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROUNDS_MAX_WAYS 4

/**
 * struct rounds_way - a way by which pages are touched
 * @modes: 'r' reads, 'w' writes, 'x' executes, 'u' unmaps, as far as this way can; NULL: there is no such way
 * @guest: it goes through the guest layer; the host layer maps what that maps, too
 */
struct rounds_way {
	const char *modes;
	bool guest;
};

/**
 * struct rounds - what is tested
 * @pid:     the process
 * @address: of its first page; nothing touches the pages but @touch
 * @pages:   how many
 * @leaf:    how many of them one leaf maps, in both layers; @address and @pages are multiples of it
 * @ready:   the process has mapped the pages already, and they may be executed without having been written
 * @zeroes:  pages that were only read so far are all one page, which the first write replaces
 * @mapped:  begin by writing all pages in every way that can, so that nobody maps any later
 * @crowded: others mark pages, too, so the shared observer is left out
 * @paths:   VMHEAT_IDLE_PATH_* that scans must name; 0: any
 * @ways:    of touching pages
 * @touch:   touches a set of pages, and takes those out that this way does not reach
 * @change:  changes how the guest reaches the pages, without touching them; NULL if nothing changes
 * @context: for both
 */
struct rounds {
	pid_t pid;
	uintptr_t address;
	size_t pages;
	size_t leaf;
	bool ready;
	bool zeroes;
	bool mapped;
	bool crowded;
	uint32_t paths;
	struct rounds_way ways[ROUNDS_MAX_WAYS];
	void (*touch)(void *context, unsigned int way, char mode, bool *set, size_t pages);
	void (*change)(void *context);
	void *context;
};

/**
 * rounds_run() - let some rounds go by
 *
 * There are four observers: the shared one of read() and write(), that file's own, which is only asked for the
 * leaves (of whole blocks of 2 MiB), and those of two files that scan. Each round marks a random set of pages
 * and touches one or two others in random modes; before and after that either file may scan, in one call or in
 * small parts. At the end all pages are read twice.
 *
 * A page must be idle exactly if it was mapped when it was last marked, and no page of its leaf has been
 * touched since. A scan must tell as accessed exactly the pages of leaves that were touched since the last
 * scan by the same file (before its first one all count), and which pages are mapped, by which leaves.
 *
 * Return: true if every page of every round was right; otherwise what was wrong has been printed
 */
bool rounds_run(const struct rounds *rounds, unsigned int count);

#endif /* ROUNDS_H */
