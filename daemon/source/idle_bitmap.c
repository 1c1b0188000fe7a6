/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_bitmap.c - host source "module": /proc/PID/idle_bitmap of kvm_idle.ko
 *
 * Theory of operation
 *
 * The module scans blocks of 2 MiB of virtual addresses. As index % 512 == vpn % 512 (page_map.h), a block is an aligned
 * run of 512 indices, and the words that a scan writes are the words of the chunk. Each range of the map has an observer
 * of its own, for two reasons: whatever else looks at that process neither disturbs it nor is disturbed; and two ranges
 * may lie in one block, which an observer must not scan twice, because the first scan would take the answer away from
 * the second. At a range's ends a block may hold other memory of QEMU's; its bits are cleared.
 *
 * The window of a page begins when the scan before has flushed the TLBs and ends when this one looks at the page's
 * block: every access in it shows. The module measures it, and the chunk's is the shortest of its blocks'. A chunk whose
 * scan breaks off loses what was learnt so far, so the next harvest of it is a first one again.
 *
 * Blocks that nothing maps are not remembered by the module. What is mapped there later has no window; it counts as
 * accessed, which it was, for the chunk had been scanned before.
 *
 * Marking what the daemon moved scans the whole chunk in mid-window. What that scan tells of the pages that were not
 * moved is kept, together with its window, and added to the next harvest: the two windows follow one another without a
 * gap. Where two ranges share a block at a chunk's border, each sees to its own pages.
 *
 * The kernel's zero page is mapped like any other, so what a guest has only ever read counts as present.
 */
#include "idle_bitmap.h"
#include <string.h>
#include "idle_observer.h"
#include "source_error.h"

#define WORD_PAGES   ((guint64)VMHEAT_IDLE_BITMAP_WORD_PAGES)
#define LEAF_PAGES   ((guint64)PAGE_MAP_LEAF_PAGES)
#define LEAF_WORDS   (LEAF_PAGES / WORD_PAGES)
#define BLOCK_SHIFT  VMHEAT_IDLE_BITMAP_BLOCK_SHIFT

#define SMALL_LEAVES (VMHEAT_IDLE_LEAF_GUEST_4K | VMHEAT_IDLE_LEAF_HOST_4K)

_Static_assert(G_GUINT64_CONSTANT(1) << BLOCK_SHIFT == LEAF_PAGES * PAGE_MAP_PAGE_SIZE,
	       "a block of the module's is an aligned run of 512 indices");

/* What a scan told of a chunk. */
struct look {
	guint64 present[SOURCE_CHUNK_WORDS];
	guint64 accessed[SOURCE_CHUNK_WORDS];
	guint64 coarse[SOURCE_CHUNK_WORDS];
	guint8 leaves[SOURCE_CHUNK_LEAVES]; /* VMHEAT_IDLE_LEAF_* */
	guint64 window_ns;		    /* the shortest; 0: nothing in it had been scanned before */
};

struct chunk_state {
	gboolean scanned;  /* by the last scan, completely */
	struct look *kept; /* since the last harvest; NULL: nothing */
};

struct host_source {
	const struct page_map *map;
	char *name;
	struct idle_observer **observers; /* one a range */
	struct chunk_state *chunks;
	gsize chunk_count;
};

/* Clear the bits of @words from number @from up to number @to. */
static void clear_bits(guint64 *words, guint64 from, guint64 to)
{
	for (guint64 bit = from; bit < to; bit++)
		words[bit / WORD_PAGES] &= ~(G_GUINT64_CONSTANT(1) << bit % WORD_PAGES);
}

/* Scan for range number @number its part of the chunk at @index. */
static gboolean scan_range(struct host_source *source, gsize number, guint64 index, struct look *look,
			   GError **error)
{
	const struct ram_range *ram = &source->map->ranges[number].ram;
	guint64 range_index = source->map->ranges[number].index;
	guint64 first = MAX(index, range_index) - index;
	guint64 end = MIN(index + SOURCE_CHUNK_PAGES, range_index + ram->pages) - index;
	/* Of whole blocks, counted from the chunk's first index on. */
	guint64 block_first = first / LEAF_PAGES * LEAF_PAGES;
	guint64 block_end = (end + LEAF_PAGES - 1) / LEAF_PAGES * LEAF_PAGES;
	guint64 vpn = ram->vpn + (index + first - range_index) - (first - block_first);
	struct vmheat_idle_scan scan = {
		.start = vpn * PAGE_MAP_PAGE_SIZE,
		.end = (vpn + (block_end - block_first)) * PAGE_MAP_PAGE_SIZE,
		.present = (uintptr_t)(look->present + block_first / WORD_PAGES),
		.accessed = (uintptr_t)(look->accessed + block_first / WORD_PAGES),
		.coarse = (uintptr_t)(look->coarse + block_first / WORD_PAGES),
		.leaves = (uintptr_t)(look->leaves + block_first / LEAF_PAGES),
	};
	guint64 *const bitmaps[] = { look->present, look->accessed, look->coarse };
	GError *reason = NULL;

	if (!idle_observer_scan(source->observers[number], &scan, &reason))
		return source_error_of_observer(source->name, reason, error);
	for (gsize i = 0; i < G_N_ELEMENTS(bitmaps); i++) {
		clear_bits(bitmaps[i], block_first, first);
		clear_bits(bitmaps[i], end, block_end);
	}
	if (scan.window_min_ns != 0 && (look->window_ns == 0 || scan.window_min_ns < look->window_ns))
		look->window_ns = scan.window_min_ns;
	return TRUE;
}

/* Scan all of the chunk at @index into a new look. What had been kept of the chunk is lost if that fails. */
static struct look *scan_chunk(struct host_source *source, guint64 index, GError **error)
{
	struct chunk_state *state = &source->chunks[index / SOURCE_CHUNK_PAGES];
	g_autofree struct look *look = g_new0(struct look, 1);

	state->scanned = FALSE;
	for (gsize i = 0; i < source->map->range_count; i++) {
		guint64 first = source->map->ranges[i].index;

		if (first < index + SOURCE_CHUNK_PAGES && index < first + source->map->ranges[i].ram.pages &&
		    !scan_range(source, i, index, look, error)) {
			g_clear_pointer(&state->kept, g_free);
			return NULL;
		}
	}
	state->scanned = TRUE;
	return g_steal_pointer(&look);
}

/* Add to @look what was kept from the part of its window before. */
static void add_kept(struct look *look, const struct look *kept)
{
	for (gsize i = 0; i < SOURCE_CHUNK_WORDS; i++) {
		/* What a 4 KiB leaf saw at either time was these pages. */
		guint64 fine =
			(look->accessed[i] & ~look->coarse[i]) | (kept->accessed[i] & ~kept->coarse[i]);

		look->accessed[i] |= kept->accessed[i];
		look->coarse[i] = look->accessed[i] & ~fine;
	}
	look->window_ns += kept->window_ns;
}

static void fill_chunk(struct host_chunk *chunk, const struct look *look)
{
	memset(chunk, 0, sizeof(*chunk));
	for (gsize i = 0; i < SOURCE_CHUNK_WORDS; i++) {
		chunk->present[i] = look->present[i];
		chunk->idle[i] = look->present[i] & ~look->accessed[i];
		chunk->coarse[i] = look->coarse[i];
	}
	for (gsize i = 0; i < SOURCE_CHUNK_LEAVES; i++)
		if (look->leaves[i] != 0 && (look->leaves[i] & SMALL_LEAVES) == 0)
			chunk->large[i / 64] |= G_GUINT64_CONSTANT(1) << i % 64;
	chunk->window_seconds = (double)look->window_ns / 1e9;
}

static gboolean idle_bitmap_harvest(struct host_source *source, guint64 index, struct host_chunk *chunk,
				    GError **error)
{
	struct chunk_state *state = &source->chunks[index / SOURCE_CHUNK_PAGES];
	g_autofree struct look *look = NULL;
	gboolean first = !state->scanned;

	g_return_val_if_fail(index % SOURCE_CHUNK_PAGES == 0 && index < source->map->index_count, FALSE);

	look = scan_chunk(source, index, error);
	if (look == NULL)
		return FALSE;
	if (state->kept != NULL)
		add_kept(look, state->kept);
	g_clear_pointer(&state->kept, g_free);
	fill_chunk(chunk, look);
	chunk->first = first;
	return TRUE;
}

static gboolean idle_bitmap_mark(struct host_source *source, guint64 index, gsize words, const guint64 *moved,
				 GError **error)
{
	guint64 chunk_index = index / SOURCE_CHUNK_PAGES * SOURCE_CHUNK_PAGES;
	struct chunk_state *state = &source->chunks[index / SOURCE_CHUNK_PAGES];
	gsize word = (index - chunk_index) / WORD_PAGES;
	struct look *look;

	g_return_val_if_fail(index % WORD_PAGES == 0 && word + words <= SOURCE_CHUNK_WORDS, FALSE);

	if (!state->scanned) /* its next harvest says nothing anyway */
		return TRUE;
	look = scan_chunk(source, chunk_index, error);
	if (look == NULL)
		return FALSE;
	if (state->kept != NULL)
		add_kept(look, state->kept);
	for (gsize i = 0; i < words; i++) {
		look->accessed[word + i] &= ~moved[i];
		look->coarse[word + i] &= ~moved[i];
	}
	g_free(state->kept);
	state->kept = look;
	return TRUE;
}

static void idle_bitmap_close(struct host_source *source)
{
	for (gsize i = 0; i < source->map->range_count; i++)
		idle_observer_free(source->observers[i]);
	for (gsize i = 0; i < source->chunk_count; i++)
		g_free(source->chunks[i].kept);
	g_free(source->observers);
	g_free(source->chunks);
	g_free(source->name);
	g_free(source);
}

struct host_source *idle_bitmap_open_at(const char *proc, pid_t pid, const char *name,
					const struct page_map *map, GError **error)
{
	struct host_source *source = g_new0(struct host_source, 1);

	source->map = map;
	source->name = g_strdup(name);
	source->observers = g_new0(struct idle_observer *, map->range_count);
	source->chunk_count = (map->index_count + SOURCE_CHUNK_PAGES - 1) / SOURCE_CHUNK_PAGES;
	source->chunks = g_new0(struct chunk_state, source->chunk_count);
	for (gsize i = 0; i < map->range_count; i++) {
		GError *reason = NULL;

		source->observers[i] = idle_observer_new(proc, pid, &reason);
		if (source->observers[i] == NULL) {
			source_error_of_observer(name, reason, error);
			idle_bitmap_close(source);
			return NULL;
		}
	}
	return source;
}

static struct host_source *idle_bitmap_open(const struct domain *domain, const struct page_map *map,
					    GError **error)
{
	struct host_source *source = idle_bitmap_open_at("/proc", domain->pid, domain->name, map, error);

	if (source != NULL && !source_is_of_domain(domain, error))
		g_clear_pointer(&source, idle_bitmap_close);
	return source;
}

const struct host_source_ops host_source_module = {
	.name = "module",
	.open = idle_bitmap_open,
	.harvest = idle_bitmap_harvest,
	.mark = idle_bitmap_mark,
	.close = idle_bitmap_close,
};
