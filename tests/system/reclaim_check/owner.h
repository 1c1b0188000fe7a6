/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner.h - the process whose memory is observed: its guest, or it itself, touches the page sets
 */
#ifndef OWNER_H
#define OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "page_set.h"

/**
 * struct owner_memory - what the process tells, shared with it
 * @address: of its page 0, once all pages have been touched; 0 before
 * @records: what it has touched since
 */
struct owner_memory {
	atomic_uintptr_t address;
	struct round_record records[SETS];
};

/**
 * struct owner_kind - what it is
 * @vm:   a guest touches the pages; else the process itself
 * @huge: the host is asked for huge pages; else it must not use them
 */
struct owner_kind {
	bool vm;
	bool huge;
};

/**
 * owner_start() - start it in a memory cgroup; returns when it goes on touching its sets by itself
 * @cgroup: the cgroup's folder
 * @pid:    set to its process
 *
 * It is killed when this program ends. Exits the program if something fails.
 */
struct owner_memory *owner_start(const char *cgroup, const struct owner_kind *kind, pid_t *pid);

#endif /* OWNER_H */
