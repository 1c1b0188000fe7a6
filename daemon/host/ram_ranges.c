/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ram_ranges.c - which of KVM's memslots are a guest's memory, see ram_ranges.h
 */
#include "ram_ranges.h"
#include <linux/kvm.h>
#include "page_map.h"
#include "process_maps.h"
#include "vmheat/idle_bitmap.h"

static gboolean has_size(const GArray *blocks, guint64 pages)
{
	for (guint i = 0; i < blocks->len; i++)
		if (g_array_index(blocks, guint64, i) == pages)
			return TRUE;
	return FALSE;
}

/* The mapping in which all of @slot lies; NULL if there is none. */
static const struct process_mapping *find_mapping(const GArray *mappings,
						  const struct vmheat_idle_memslot *slot)
{
	for (guint i = 0; i < mappings->len; i++) {
		const struct process_mapping *mapping = &g_array_index(mappings, struct process_mapping, i);

		if (slot->hva >= mapping->start && slot->hva < mapping->end)
			return slot->pages <= (mapping->end - slot->hva) / PAGE_MAP_PAGE_SIZE ? mapping
											      : NULL;
	}
	return NULL;
}

static gboolean is_ram(const struct vmheat_idle_memslot *slot, const GArray *mappings, const GArray *blocks)
{
	const struct process_mapping *mapping;

	if (slot->address_space != 0 || (slot->flags & KVM_MEM_READONLY) != 0)
		return FALSE;
	mapping = find_mapping(mappings, slot);
	return mapping != NULL && has_size(blocks, (mapping->end - mapping->start) / PAGE_MAP_PAGE_SIZE);
}

/* The memory of VM number @vm, and how many pages that is. */
static GArray *find_of_vm(const GArray *slots, guint32 vm, const GArray *mappings, const GArray *blocks,
			  guint64 *pages)
{
	GArray *ranges = g_array_new(FALSE, FALSE, sizeof(struct ram_range));

	*pages = 0;
	for (guint i = 0; i < slots->len; i++) {
		const struct vmheat_idle_memslot *slot = &g_array_index(slots, struct vmheat_idle_memslot, i);
		struct ram_range range = { .gfn = slot->gfn,
					   .vpn = slot->hva / PAGE_MAP_PAGE_SIZE,
					   .pages = slot->pages };

		if (slot->vm != vm || !is_ram(slot, mappings, blocks))
			continue;
		*pages += slot->pages;
		g_array_append_val(ranges, range);
	}
	return ranges;
}

GArray *ram_ranges_find(const GArray *slots, const GArray *mappings, const GArray *blocks)
{
	guint32 vms =
		slots->len == 0 ? 0 : g_array_index(slots, struct vmheat_idle_memslot, slots->len - 1).vm + 1;
	GArray *best = g_array_new(FALSE, FALSE, sizeof(struct ram_range));
	guint64 best_pages = 0;

	for (guint32 vm = 0; vm < vms; vm++) {
		guint64 pages;
		GArray *ranges = find_of_vm(slots, vm, mappings, blocks, &pages);

		if (pages > best_pages) {
			best_pages = pages;
			g_array_unref(best);
			best = ranges;
		} else {
			g_array_unref(ranges);
		}
	}
	return best;
}
