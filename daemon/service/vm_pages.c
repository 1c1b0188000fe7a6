/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_pages.c - ages of a VM's pages from window to window, across changes of its memory layout
 */
#include "vm_pages.h"
#include <string.h>

#define CHUNK_LEAVES ((gsize)VM_PAGES_CHUNK / PAGE_MAP_LEAF_PAGES)

static gsize leaf_count(const struct vm_pages *pages)
{
	return pages->map->index_count / PAGE_MAP_LEAF_PAGES;
}

gsize vm_pages_chunks(const struct vm_pages *pages)
{
	return (pages->map->index_count + VM_PAGES_CHUNK - 1) / VM_PAGES_CHUNK;
}

static gsize chunk_indices(const struct vm_pages *pages, gsize chunk)
{
	return MIN(VM_PAGES_CHUNK, pages->map->index_count - chunk * VM_PAGES_CHUNK);
}

struct vm_pages *vm_pages_new(struct page_map *map)
{
	struct vm_pages *pages = g_new0(struct vm_pages, 1);

	/* As large as the guest: may fail without taking the daemon down. */
	pages->map = map;
	pages->ages = g_try_malloc(map->index_count);
	pages->leaf_ages = g_try_malloc(leaf_count(pages));
	pages->large = g_try_new0(guint64, (leaf_count(pages) + 63) / 64);
	pages->chunks = g_try_new0(struct vm_chunk, vm_pages_chunks(pages));
	if (pages->ages == NULL || pages->leaf_ages == NULL || pages->large == NULL ||
	    pages->chunks == NULL) {
		vm_pages_free(pages);
		return NULL;
	}
	memset(pages->ages, PAGE_AGE_HOLE, map->index_count);
	memset(pages->leaf_ages, LEAF_AGE_MAX, leaf_count(pages));
	for (gsize i = 0; i < vm_pages_chunks(pages); i++)
		pages->chunks[i].counts.pages[PAGE_AGE_HOLE] = (guint32)chunk_indices(pages, i);
	return pages;
}

void vm_pages_free(struct vm_pages *pages)
{
	if (pages == NULL)
		return;
	g_free(pages->ages);
	g_free(pages->leaf_ages);
	g_free(pages->large);
	g_free(pages->chunks);
	page_map_free(pages->map);
	g_free(pages);
}

/* The part of [gfn, gfn + count) that @range holds; FALSE if none. */
static gboolean intersect(const struct ram_range *range, guint64 gfn, guint64 count, guint64 *first,
			  guint64 *end)
{
	*first = MAX(range->gfn, gfn);
	*end = MIN(range->gfn + range->pages, gfn + count);
	return *first < *end;
}

/* Count the chunks' ages anew, after all kinds of changes. */
static void recount(struct vm_pages *pages)
{
	for (gsize i = 0; i < vm_pages_chunks(pages); i++) {
		uint64_t counts[256] = { 0 };

		page_ages_count(pages->ages + i * VM_PAGES_CHUNK, chunk_indices(pages, i), counts);
		for (gsize age = 0; age < G_N_ELEMENTS(counts); age++)
			pages->chunks[i].counts.pages[age] = (guint32)counts[age];
	}
}

/* What the leaves' ages say is not carried over: the next window says it anew, for leaves that lie elsewhere now. */
void vm_pages_carry_over(struct vm_pages *pages, const struct vm_pages *old)
{
	const struct page_map *map = pages->map;

	pages->ring = old->ring;
	pages->windows = old->windows;
	for (gsize i = 0; i < map->range_count; i++) {
		const struct ram_range *range = &map->ranges[i].ram;

		for (gsize j = 0; j < old->map->range_count; j++) {
			const struct ram_range *before = &old->map->ranges[j].ram;
			guint64 first, end, to, from;

			if (!intersect(range, before->gfn, before->pages, &first, &end))
				continue;
			to = map->ranges[i].index + (first - range->gfn);
			from = old->map->ranges[j].index + (first - before->gfn);
			memcpy(pages->ages + to, old->ages + from, end - first);
		}
	}
	recount(pages);
}

void vm_pages_begin_window(struct vm_pages *pages, double seconds, double working_set_age)
{
	pages->rule.oldest = age_rule_oldest(pages->windows);
	window_ring_add(&pages->ring, seconds);
	if (pages->windows < G_MAXUINT)
		pages->windows++;

	/* An age that has not been seen to last for so long is young; if none has, all are. */
	pages->rule.young = (guint8)window_ring_age_of(&pages->ring, working_set_age);
	if (window_ring_seconds(&pages->ring, PAGE_AGE_MAX) < working_set_age)
		pages->rule.young = PAGE_AGE_HOLE;
}

/* Pages of @counts in the working set. */
static guint64 count_young(const struct age_counts *counts, const struct age_rule *rule)
{
	guint64 sum = 0;

	for (guint age = 0; age < rule->young; age++)
		sum += counts->pages[age];
	return sum;
}

void vm_pages_update(struct vm_pages *pages, gsize number, const struct host_view *host, const guint64 *large,
		     const struct guest_leaf *guest, struct vm_window_counts *counts)
{
	guint64 accessed[VM_PAGES_CHUNK_WORDS], young[VM_PAGES_CHUNK_WORDS];
	guint8 large_accessed[CHUNK_LEAVES];
	struct vm_chunk *chunk = &pages->chunks[number];
	gsize indices = chunk_indices(pages, number), leaves = indices / PAGE_MAP_LEAF_PAGES;
	guint64 mapped, hot;

	merge_pages(host, guest, leaves, accessed, large_accessed, &counts->merge);
	page_ages_update(pages->ages + number * VM_PAGES_CHUNK, host->present, accessed, indices / 64,
			 &pages->rule, young, &chunk->counts);
	hot = count_young(&chunk->counts, &pages->rule);
	mapped = indices - chunk->counts.pages[PAGE_AGE_HOLE];
	counts->classes.pages[PAGE_CLASS_HOT] += hot;
	if (guest != NULL)
		merge_classes(host->present, young, guest, leaves, &counts->classes);
	else
		counts->classes.pages[PAGE_CLASS_UNKNOWN] += mapped - hot;
	chunk->host_young =
		(guint32)(hot + leaf_ages_update(pages->leaf_ages + number * CHUNK_LEAVES, large_accessed,
						 leaves, host->present, young, pages->rule.young));
	memcpy(pages->large + number * CHUNK_LEAVES / 64, large, (leaves + 63) / 64 * sizeof(*large));
}

void vm_pages_count(const struct vm_pages *pages, guint64 counts[256])
{
	memset(counts, 0, 256 * sizeof(*counts));
	for (gsize i = 0; i < vm_pages_chunks(pages); i++)
		for (gsize age = 0; age < 256; age++)
			counts[age] += pages->chunks[i].counts.pages[age];
	counts[PAGE_AGE_HOLE] -= pages->map->index_count - pages->map->page_count;
}

guint64 vm_pages_host_young(const struct vm_pages *pages)
{
	guint64 sum = 0;

	for (gsize i = 0; i < vm_pages_chunks(pages); i++)
		sum += pages->chunks[i].host_young;
	return sum;
}

/* The youngest of the ages from @index up to @end; a hole is the oldest of all. */
static guint8 youngest(const guint8 *ages, guint64 index, guint64 end)
{
	guint8 age = PAGE_AGE_HOLE;

	for (; index < end && age != 0; index++)
		age = MIN(age, ages[index]);
	return age;
}

/* The runs of one range in blocks of @block indices; FALSE when there would be more than @limit in all. */
static gboolean add_range_runs(const struct vm_pages *pages, gsize range, guint64 block, guint limit,
			       GArray *runs)
{
	const struct ram_range *ram = &pages->map->ranges[range].ram;
	guint64 start = pages->map->ranges[range].index, end = start + ram->pages;
	struct vm_run run = { .pages = 0 };

	for (guint64 index = start; index < end;) {
		guint64 next = MIN(end, (index / block + 1) * block);
		guint8 age = youngest(pages->ages, index, next);

		if (run.pages > 0 && run.age != age) {
			g_array_append_val(runs, run);
			run.pages = 0;
		}
		if (runs->len >= limit)
			return FALSE;
		if (run.pages == 0)
			run = (struct vm_run){ .gfn = ram->gfn + (index - start),
					       .vpn = ram->vpn + (index - start),
					       .age = age };
		run.pages += next - index;
		index = next;
	}
	g_array_append_val(runs, run);
	return TRUE;
}

GArray *vm_pages_runs(const struct vm_pages *pages, guint limit)
{
	GArray *runs = g_array_new(FALSE, FALSE, sizeof(struct vm_run));

	/* A range takes one run at least, whatever the block. */
	limit = MAX(limit, (guint)pages->map->range_count);
	for (guint64 block = 1;; block *= 2) {
		gsize range;

		g_array_set_size(runs, 0);
		for (range = 0; range < pages->map->range_count; range++)
			if (!add_range_runs(pages, range, block, limit, runs))
				break;
		if (range == pages->map->range_count)
			return runs;
	}
}
