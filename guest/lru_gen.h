/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lru_gen.h - how much of each cgroup's memory is idle, by the multi-generational LRU, for kernels without page_idle
 *
 * Theory of operation (Documentation/admin-guide/mm/multigen_lru.rst, "Working set estimation")
 *
 * The kernel sorts each cgroup's pages of each node into up to four generations. To age means to look through the page
 * tables, to put what was accessed since into the youngest generation, and to begin a younger one. So after aging twice,
 * what lies in a generation that began with the first aging or later was accessed between the two, or is new; all else is
 * idle. A generation's beginning is told as its age in milliseconds.
 *
 * What it cannot tell is more than with page_idle: nothing of single pages; page cache that read(2) brings in begins in an
 * old generation, so it looks idle at once; and the guest's reclaim goes by the same generations, so that aging is not
 * without effect on it. It makes the guest's own choice of what to evict better informed, at the cost of the walk.
 * It is only used where the guest's owner has switched it on.
 */
#ifndef VMHEAT_GUEST_LRU_GEN_H
#define VMHEAT_GUEST_LRU_GEN_H

#include <stdbool.h>
#include <stdint.h>
#include "cgroup_names.h"
#include "cgroup_table.h"

/** lru_gen_is_on() - whether this kernel has it, it is switched on, and we may use it. */
bool lru_gen_is_on(const char *path, const char *enabled_path);

/** lru_gen_age() - age all cgroups once. 0 or a negative errno. */
int lru_gen_age(const char *path);

/**
 * lru_gen_count() - count all pages into @table, the cgroups by the kernel's numbers for them (not their inodes)
 * @window_ms: how long ago the last aging but one began; 0: there was none, and what is idle is unknown
 *
 * Return: 0 or a negative errno.
 */
int lru_gen_count(const char *path, uint64_t window_ms, struct cgroup_table *table);

/** lru_gen_names() - as cgroup_names_update(), for these numbers. 0 or a negative errno. */
int lru_gen_names(const char *path, struct cgroup_names *names, const struct vmheat_cgroup *cgroups,
		  size_t count);

#endif /* VMHEAT_GUEST_LRU_GEN_H */
