/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_table.c - whose memory is idle: pages counted by cgroup, see cgroup_table.h
 */
#include "cgroup_table.h"

#include <stdlib.h>
#include <string.h>

void cgroup_table_clear(struct cgroup_table *table)
{
	memset(table, 0, sizeof(*table));
}

/* The numbers are counted upwards by the guest's kernel; multiplied by the golden ratio they are spread. */
static size_t first_slot(uint64_t id)
{
	return (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) % CGROUP_TABLE_SLOTS;
}

struct vmheat_cgroup *cgroup_table_entry(struct cgroup_table *table, uint64_t id)
{
	for (size_t i = first_slot(id);; i = (i + 1) % CGROUP_TABLE_SLOTS) {
		struct vmheat_cgroup *slot = &table->slots[i];

		if (slot->id == id)
			return slot;
		if (slot->id != 0)
			continue;
		if (table->used == CGROUP_TABLE_MOST)
			return &table->others;
		table->used++;
		slot->id = id;
		return slot;
	}
}

void cgroup_table_add(struct cgroup_table *table, uint64_t id, uint8_t page, int mapped)
{
	struct vmheat_cgroup *entry = cgroup_table_entry(table, id);

	switch (page & VMHEAT_PAGE_STATE_MASK) {
	case VMHEAT_PAGE_IDLE:
		if (page & VMHEAT_PAGE_ANON) {
			entry->idle_anon_pages++;
		} else {
			entry->idle_file_pages++;
			entry->idle_unmapped_pages += !mapped;
		}
		break;
	case VMHEAT_PAGE_ACCESSED:
		if (page & VMHEAT_PAGE_ANON)
			entry->accessed_anon_pages++;
		else
			entry->accessed_file_pages++;
		break;
	default:
		entry->unknown_pages++;
		break;
	}
}

static uint64_t idle_pages(const struct vmheat_cgroup *cgroup)
{
	return cgroup->idle_anon_pages + cgroup->idle_file_pages;
}

static uint64_t all_pages(const struct vmheat_cgroup *cgroup)
{
	return idle_pages(cgroup) + cgroup->accessed_anon_pages + cgroup->accessed_file_pages +
	       cgroup->unknown_pages;
}

/* Larger first; an unused slot has no pages and comes behind one that has none. */
static int compare(const void *a, const void *b)
{
	const struct vmheat_cgroup *left = a, *right = b;
	uint64_t l = idle_pages(left), r = idle_pages(right);

	if (l == r) {
		l = all_pages(left);
		r = all_pages(right);
	}
	if (l == r) {
		l = left->id;
		r = right->id;
	}
	return l < r ? 1 : l > r ? -1 : 0;
}

static void add(struct vmheat_cgroup *to, const struct vmheat_cgroup *from)
{
	to->idle_anon_pages += from->idle_anon_pages;
	to->idle_file_pages += from->idle_file_pages;
	to->idle_unmapped_pages += from->idle_unmapped_pages;
	to->accessed_anon_pages += from->accessed_anon_pages;
	to->accessed_file_pages += from->accessed_file_pages;
	to->unknown_pages += from->unknown_pages;
}

size_t cgroup_table_largest(struct cgroup_table *table, size_t most, const struct vmheat_cgroup **cgroups)
{
	size_t count = table->used;

	qsort(table->slots, CGROUP_TABLE_SLOTS, sizeof(table->slots[0]), compare);
	*cgroups = table->slots;
	if (count > most || (count == most && all_pages(&table->others))) {
		for (size_t i = most - 1; i < count; i++)
			add(&table->others, &table->slots[i]);
		count = most - 1;
	}
	if (all_pages(&table->others))
		table->slots[count++] = table->others;
	return count;
}
