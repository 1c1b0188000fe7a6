/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_table.h - whose memory is idle: pages counted by cgroup, in bounded memory
 *
 * Theory of operation
 *
 * A hash table of fixed size by the cgroup's number, with open addressing and never a removal but of all entries. A guest
 * with more cgroups than it holds loses names, not pages: what finds no slot is counted in one entry for all others, and
 * so is what is not among the largest when these are asked for.
 */
#ifndef VMHEAT_GUEST_CGROUP_TABLE_H
#define VMHEAT_GUEST_CGROUP_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include "vmheat/guest_protocol.h"

/** Slots, a power of two; only three quarters are used, so that a search stays short. */
#define CGROUP_TABLE_SLOTS 1024u
#define CGROUP_TABLE_MOST  768u

/** 56 KiB. All zero is empty. */
struct cgroup_table {
	size_t used;
	struct vmheat_cgroup slots[CGROUP_TABLE_SLOTS]; /* id 0: unused */
	struct vmheat_cgroup others;			/* likewise id 0 */
};

void cgroup_table_clear(struct cgroup_table *table);

/** cgroup_table_entry() - where the pages of cgroup @id (not 0) are counted; the entry for all others if it is full. */
struct vmheat_cgroup *cgroup_table_entry(struct cgroup_table *table, uint64_t id);

/** cgroup_table_add() - count one page of cgroup @id by its page byte; @mapped: whether some process has mapped it. */
void cgroup_table_add(struct cgroup_table *table, uint64_t id, uint8_t page, int mapped);

/**
 * cgroup_table_largest() - the cgroups with most idle memory, then with most memory, first
 *
 * If there are more than @most, which is at least 1, the last place is taken by the entry for all others. The slots are
 * in another order afterwards: clear the table before it is used again.
 *
 * Return: how many there are; the first of them is at *@cgroups, which is the table's.
 */
size_t cgroup_table_largest(struct cgroup_table *table, size_t most, const struct vmheat_cgroup **cgroups);

#endif /* VMHEAT_GUEST_CGROUP_TABLE_H */
