/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_moves.c - two passes over a VM's pages: hot ones near, then cold ones far
 *
 * The passes are apart because room on the near node and the limit belong to the hot pages first, wherever in
 * the VM they lie.
 */
#include "vm_moves.h"
#include <string.h>

/* Indices planned at once: 64 leaves, the word of the bitmap of large ones. */
#define BLOCK_INDICES ((gsize)64 * PAGE_MAP_LEAF_PAGES)
_Static_assert(SOURCE_CHUNK_PAGES % BLOCK_INDICES == 0, "a block lies in one chunk");

/* Keep the extents of one class. */
static gsize keep_class(struct placement_extent *extents, gsize count, enum placement_class class)
{
	gsize kept = 0;

	for (gsize i = 0; i < count; i++) {
		if (extents[i].class != class)
			continue;
		extents[kept++] = extents[i];
	}
	return kept;
}

static void add_result(struct page_move_result *sum, const struct page_move_result *part)
{
	sum->wanted += part->wanted;
	sum->moved += part->moved;
	sum->busy += part->busy;
	sum->refused += part->refused;
	sum->no_memory += part->no_memory;
	sum->absent += part->absent;
	sum->hidden += part->hidden;
	sum->other += part->other;
	sum->left += part->left;
	sum->cold_far += part->cold_far;
	sum->cold += part->cold;
	sum->hot_near += part->hot_near;
	sum->hot += part->hot;
}

/* What one pass over the VM needs. */
struct pass {
	const struct domain *domain;
	const struct vm_pages *pages;
	const struct vm_sources *sources;
	const struct page_move_nodes *nodes;
	const struct placement_policy *policy;
	struct placement_extent *extents; /* room for BLOCK_INDICES */
	gboolean (*before)(gpointer data, GError **error);
	gpointer before_data;
	gboolean told; /* before() has allowed it */
};

/* What was moved of one block. */
struct moved {
	struct pass *pass;
	guint64 index; /* the block's first */
	gboolean any;
	guint64 pages[BLOCK_INDICES / 64];
};

static gboolean tell_before(gpointer data, GError **error)
{
	struct pass *pass = ((struct moved *)data)->pass;

	pass->told = pass->told || pass->before == NULL || pass->before(pass->before_data, error);
	return pass->told;
}

static void note_moved(guint64 index, guint64 pages, gpointer data)
{
	struct moved *moved = data;

	moved->any = moved->any || pages > 0;
	for (guint64 bit = index - moved->index; pages-- > 0; bit++)
		moved->pages[bit / 64] |= G_GUINT64_CONSTANT(1) << bit % 64;
}

/* A page that the daemon moved must not look as if the guest had touched it. */
static void mark_moved(const struct vm_sources *sources, const struct moved *moved)
{
	g_autoptr(GError) error = NULL;

	/* Worst case, the pages are hot for one window, or their chunk is left out of it. */
	if (moved->any && !sources->host_ops->mark(sources->host, moved->index, G_N_ELEMENTS(moved->pages),
						   moved->pages, &error))
		g_debug("moved pages are not marked again: %s", error->message);
}

/*
 * Plan one block of the VM, with indices counted from the VM's first. @extents has room for BLOCK_INDICES.
 * Returns how many extents there are.
 */
static gsize classify_block(const struct vm_pages *pages, const struct placement_policy *policy,
			    guint64 index, struct placement_extent *extents)
{
	guint64 length = MIN(BLOCK_INDICES, pages->map->index_count - index);
	gsize count = placement_classify(policy, pages->ages + index, length,
					 pages->large + index / BLOCK_INDICES, extents, BLOCK_INDICES);

	for (gsize i = 0; i < count; i++)
		extents[i].index += index;
	return count;
}

/* Bring the pages of one class where they belong, at most @limit of them. */
static gboolean run_pass(struct pass *pass, enum placement_class class, guint64 limit,
			 struct page_move_result *result, GError **error)
{
	const struct vm_pages *pages = pass->pages;
	guint64 index_count = pages->map->index_count;

	memset(result, 0, sizeof(*result));
	for (guint64 index = 0; index < index_count; index += BLOCK_INDICES) {
		struct page_move_result part = { 0 };
		struct moved moved = { .pass = pass, .index = index };
		struct page_move_watch watch = { .before = tell_before, .moved = note_moved, .data = &moved };
		gboolean done;
		gsize count = classify_block(pages, pass->policy, index, pass->extents);

		count = keep_class(pass->extents, count, class);
		if (count == 0)
			continue;
		done = page_moves_apply(pass->domain, pages->map, pass->nodes, pass->extents, count,
					limit - result->moved, &watch, &part, error);
		mark_moved(pass->sources, &moved);
		if (!done)
			return FALSE;
		add_result(result, &part);
	}
	return TRUE;
}

static gboolean run_passes(struct pass *pass, guint64 limit, struct page_move_result *result, GError **error)
{
	struct page_move_result far, near;

	if (!run_pass(pass, PLACEMENT_NEAR, limit, result, error) ||
	    !run_pass(pass, PLACEMENT_FAR, limit - result->moved, &far, error))
		return FALSE;
	add_result(result, &far);
	if (far.moved == 0)
		return TRUE;
	/* A cold page may have taken hot neighbours of its huge page along: ask where they lie now. */
	if (!run_pass(pass, PLACEMENT_NEAR, 0, &near, error))
		return FALSE;
	result->hot = near.hot;
	result->hot_near = near.hot_near;
	return TRUE;
}

gboolean vm_moves_apply(const struct domain *domain, const struct vm_pages *pages,
			const struct vm_sources *sources, const struct page_move_nodes *nodes,
			const struct placement_policy *policy, guint64 limit,
			gboolean (*before)(gpointer data, GError **error), gpointer data,
			struct page_move_result *result, GError **error)
{
	struct placement_extent *extents = g_new(struct placement_extent, BLOCK_INDICES);
	struct pass pass = { .domain = domain,
			     .pages = pages,
			     .sources = sources,
			     .nodes = nodes,
			     .policy = policy,
			     .extents = extents,
			     .before = before,
			     .before_data = data };
	gboolean done = run_passes(&pass, limit, result, error);

	g_free(extents);
	return done;
}

GArray *vm_moves_runs(const struct vm_pages *pages, const struct placement_policy *policy, guint limit)
{
	struct placement_extent *extents = g_new(struct placement_extent, BLOCK_INDICES);
	GArray *runs = g_array_new(FALSE, FALSE, sizeof(struct vm_run));

	for (guint64 index = 0; index < pages->map->index_count; index += BLOCK_INDICES) {
		gsize count = classify_block(pages, policy, index, extents);

		for (gsize i = 0; i < count && runs->len < limit; i++) {
			struct vm_run run = { .pages = extents[i].pages, .age = (guint8)extents[i].class };

			/* An extent has no padding in it: it is contiguous in both. */
			if (page_map_gfn_of_index(pages->map, extents[i].index, &run.gfn) &&
			    page_map_vpn_of_index(pages->map, extents[i].index, &run.vpn))
				g_array_append_val(runs, run);
		}
	}
	g_free(extents);
	return runs;
}
