/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_pages.c - ages of a VM's pages from window to window, across changes of its memory layout
 */
#include "vm_pages.h"
#include <stdlib.h>
#include <string.h>

/* Words merged at once: the verdicts of 2 MiB x 64 lie on the stack. */
#define BLOCK_WORDS 512u

/* Indices whose leaves fill a word of the bitmap of large ones, and how many words of indices these are. */
#define LARGE_INDICES (64 * (guint64)PAGE_MAP_LEAF_PAGES)
#define LARGE_WORDS   ((gsize)LARGE_INDICES / 64)

struct vm_pages *vm_pages_new(struct page_map *map)
{
	gsize leaves = map->index_count / PAGE_MAP_LEAF_PAGES;
	struct vm_pages *pages = g_new0(struct vm_pages, 1);

	/* As large as the guest: may fail without taking the daemon down. */
	pages->map = map;
	pages->ages = g_try_malloc(map->index_count);
	pages->host_ages = g_try_malloc(map->index_count);
	pages->large = g_try_new0(guint64, (leaves + 63) / 64);
	if (pages->ages == NULL || pages->host_ages == NULL || pages->large == NULL) {
		vm_pages_free(pages);
		return NULL;
	}
	memset(pages->ages, PAGE_AGE_HOLE, map->index_count);
	memset(pages->host_ages, PAGE_AGE_HOLE, map->index_count);
	return pages;
}

void vm_pages_free(struct vm_pages *pages)
{
	if (pages == NULL)
		return;
	g_free(pages->ages);
	g_free(pages->host_ages);
	g_free(pages->large);
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
			memcpy(pages->host_ages + to, old->host_ages + from, end - first);
		}
	}
}

void vm_pages_update(struct vm_pages *pages, guint64 index, gsize words, const struct host_view *host,
		     const guint64 *large, const guint8 *guest, struct merge_counts *counts)
{
	guint64 accessed[BLOCK_WORDS];

	for (gsize word = 0; word < words; word += BLOCK_WORDS) {
		gsize block = MIN(BLOCK_WORDS, words - word);
		gsize page = word * 64;
		struct host_view view = { .present = host->present + word,
					  .idle = host->idle + word,
					  .coarse = host->coarse + word };

		merge_pages(&view, guest == NULL ? NULL : guest + page, block, accessed, counts);
		page_ages_update(pages->ages + index + page, view.present, accessed, block);
		for (gsize i = 0; i < block; i++)
			accessed[i] = view.present[i] & ~view.idle[i];
		page_ages_update(pages->host_ages + index + page, view.present, accessed, block);
	}
	memcpy(pages->large + index / LARGE_INDICES, large,
	       (words + LARGE_WORDS - 1) / LARGE_WORDS * sizeof(*large));
}

void vm_pages_end_window(struct vm_pages *pages, double seconds)
{
	window_ring_add(&pages->ring, seconds);
	if (pages->windows < G_MAXUINT)
		pages->windows++;
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
