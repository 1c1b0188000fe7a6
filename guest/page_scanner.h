/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_scanner.h - what happened to the guest's pages since the last scan
 *
 * Theory of operation
 *
 * A scan goes through the guest's memory in chunks. A chunk's idle bits are read first, which makes the
 * kernel look into the page tables, then its flags; then it is marked again at once, before its pages are
 * handed out: what a slow host makes the scan wait for must not widen the gap between reading and marking, in
 * which an access goes unseen. Pages that were read as idle still carry their mark, so only the others are
 * marked. To whom its pages are charged, and whether they are mapped, is read with its flags, and counted.
 *
 * Without page_idle, and where the multi-generational LRU is on, that one says which memory of each cgroup is idle
 * (lru_gen.h); of single pages only what is free and of which kind they are is known then.
 *
 * Invariants
 * - The window is from the end of the last marking to the start of this reading. Every page's own window
 *   holds it, and is longer by no more than what the last scan and this one took.
 * - Idle and accessed are told only of a window that began with a whole marking by this scanner. A scan
 *   that failed half-way, like the first, is followed by one without window.
 * - Memory is one chunk and a table of cgroups, whatever the guest's size.
 */
#ifndef VMHEAT_GUEST_PAGE_SCANNER_H
#define VMHEAT_GUEST_PAGE_SCANNER_H

#include <stdbool.h>
#include <stdint.h>
#include "cgroup_names.h"
#include "cgroup_table.h"
#include "page_idle.h"
#include "paths.h"
#include "physical_memory.h"
#include "run_encoder.h"
#include "vmheat/guest_protocol.h"

/** Pages of a chunk: 16 MiB, a multiple of every compound page that can be on an LRU list. */
#define PAGE_SCANNER_CHUNK_PAGES 4096

/** A scanner with the buffers that it uses again and again; private to page_scanner.c. */
struct page_scanner {
	const struct guest_paths *paths;
	int page_idle_fd;  /* -1 where the guest has none */
	int page_flags_fd; /* likewise, and the next two */
	int page_counts_fd;
	int page_cgroups_fd;
	bool lru_gen; /* it stands in for page_idle */

	uint64_t marked_ns; /* CLOCK_MONOTONIC at the end of the last marking; 0: not marked */
	uint64_t aged_ns;   /* likewise at the beginning of the last aging */

	struct physical_memory memory;
	uint64_t idle[PAGE_SCANNER_CHUNK_PAGES / PAGE_IDLE_WORD_PAGES];
	uint64_t not_idle[PAGE_SCANNER_CHUNK_PAGES / PAGE_IDLE_WORD_PAGES];
	uint64_t flags[PAGE_SCANNER_CHUNK_PAGES];
	uint64_t counts[PAGE_SCANNER_CHUNK_PAGES];
	uint64_t cgroup_ids[PAGE_SCANNER_CHUNK_PAGES];
	uint8_t pages[PAGE_SCANNER_CHUNK_PAGES];

	struct cgroup_table cgroups;
	struct cgroup_names names;
};

/** page_scanner_open() - open what this guest has of @paths, which outlive the scanner. */
void page_scanner_open(struct page_scanner *scanner, const struct guest_paths *paths);

void page_scanner_close(struct page_scanner *scanner);

/**
 * page_scanner_hello() - fill in what the scanner can tell, in the host's byte order
 *
 * VMHEAT_GUEST_HAS_PAGE_IDLE only with kpageflags: alone, the idle bit cannot tell an accessed page from one
 * that page_idle does not know.
 */
void page_scanner_hello(struct page_scanner *scanner, struct vmheat_hello *hello);

/**
 * page_scanner_run() - scan all pages and mark them again
 * @encoder: takes the page bytes; new
 * @end:     times and counters go here, in the guest's byte order
 * @failed:  what failed goes here, a static text for people; NULL if it was @encoder's emit()
 *
 * Return: 0, or a negative errno.
 */
int page_scanner_run(struct page_scanner *scanner, struct run_encoder *encoder, struct vmheat_scan_end *end,
		     const char **failed);

/**
 * page_scanner_cgroups() - whose memory the last page_scanner_run() found, the most idle memory first
 *
 * Return: how many there are at *@cgroups, which is the scanner's; once a scan. cgroup_names_find(&scanner->names) knows
 * their paths.
 */
size_t page_scanner_cgroups(struct page_scanner *scanner, const struct vmheat_cgroup **cgroups);

#endif /* VMHEAT_GUEST_PAGE_SCANNER_H */
