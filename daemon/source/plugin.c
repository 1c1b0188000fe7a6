/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin.c - host source "plugin": the file of libvmheat-plugin.so, for guests that run without KVM
 *
 * Theory of operation
 *
 * What was accessed comes from the plugin, by guest page; what is mapped from QEMU's /proc/PID/pagemap, by
 * virtual page, as for a KVM guest. The plugin knows each page of 4 KiB, whatever maps it, so nothing is coarse
 * and there are no large leaves. It does not know what QEMU's devices do to the guest's memory.
 *
 * A source is one observer. Until it is armed nothing is known, and every harvest is a first one. The window of
 * a chunk begins when the harvest before has taken its last bit, and ends when this one takes its first. If the
 * plugin has lost an access meanwhile, pages that look idle may not be: that harvest is a first one too.
 *
 * When the daemon moves a page the guest does not access it, so there is nothing to mark.
 */
#include "plugin.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "plugin_observer.h"
#include "source_error.h"

#define WORD_PAGES ((guint64)64)

/* In an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): a page is mapped. */
#define PAGEMAP_PRESENT (G_GUINT64_CONSTANT(1) << 63)

struct chunk_state {
	gboolean taken; /* by the last harvest, when all showed */
	gint64 end_us;	/* monotonic: when that had taken it */
	guint64 lost;	/* the plugin's count then */
};

struct host_source {
	const struct page_map *map;
	char *name;
	struct plugin_observer *observer;
	int pagemap;
	struct chunk_state *chunks;
	guint64 *entries;  /* of pagemap, for a chunk */
	guint64 *bits;	   /* likewise, of one range */
	guint64 *accessed; /* likewise, of the chunk */
};

/*
 * Set @count bits from number @first on to those of @bits. They were clear, and all of @bits behind @count is.
 */
static void put_bits(guint64 *words, guint64 first, const guint64 *bits, guint64 count)
{
	guint64 shift = first % WORD_PAGES;

	words += first / WORD_PAGES;
	for (guint64 i = 0; i < (count + WORD_PAGES - 1) / WORD_PAGES; i++) {
		words[i] |= bits[i] << shift;
		if (shift != 0 && bits[i] >> (WORD_PAGES - shift) != 0)
			words[i + 1] |= bits[i] >> (WORD_PAGES - shift);
	}
}

/* A bit for each of @count pages from @vpn on that QEMU has. */
static gboolean read_present(struct host_source *source, guint64 vpn, guint64 count, GError **error)
{
	const gsize size = count * sizeof(*source->entries);
	ssize_t got = pread(source->pagemap, source->entries, size, (off_t)(vpn * sizeof(*source->entries)));

	/* The memory of a process that has ended is of no size. */
	if (got != (ssize_t)size) {
		g_set_error(error, SOURCE_ERROR, got < 0 ? SOURCE_ERROR_FAILED : SOURCE_ERROR_GONE,
			    "%s: cannot read its QEMU's pagemap: %s", source->name,
			    got < 0 ? g_strerror(errno) : "the process has ended");
		return FALSE;
	}
	memset(source->bits, 0, (count + WORD_PAGES - 1) / WORD_PAGES * sizeof(*source->bits));
	for (guint64 i = 0; i < count; i++)
		if ((source->entries[i] & PAGEMAP_PRESENT) != 0)
			source->bits[i / WORD_PAGES] |= G_GUINT64_CONSTANT(1) << i % WORD_PAGES;
	return TRUE;
}

/* Range number @number's part of the chunk at @index: what is mapped, and what was accessed. */
static gboolean harvest_range(struct host_source *source, gsize number, guint64 index,
			      struct host_chunk *chunk, GError **error)
{
	const struct ram_range *ram = &source->map->ranges[number].ram;
	guint64 range_index = source->map->ranges[number].index;
	guint64 first = MAX(index, range_index);
	guint64 count = MIN(index + SOURCE_CHUNK_PAGES, range_index + ram->pages) - first;
	guint64 offset = first - range_index;
	GError *reason = NULL;

	if (!plugin_observer_collect(source->observer, ram->gfn + offset, count, source->bits, &reason))
		return source_error_of_observer(source->name, reason, error);
	put_bits(source->accessed, first - index, source->bits, count);
	if (!read_present(source, ram->vpn + offset, count, error))
		return FALSE;
	put_bits(chunk->present, first - index, source->bits, count);
	return TRUE;
}

static gboolean is_armed(struct host_source *source, gboolean *armed, GError **error)
{
	GError *reason = NULL;

	*armed = plugin_observer_is_armed(source->observer, &reason);
	return reason == NULL || source_error_of_observer(source->name, reason, error);
}

static gboolean plugin_harvest(struct host_source *source, guint64 index, struct host_chunk *chunk,
			       GError **error)
{
	struct chunk_state *state = &source->chunks[index / SOURCE_CHUNK_PAGES];
	struct chunk_state now = { .end_us = 0 };
	gint64 start_us = g_get_monotonic_time();

	memset(chunk, 0, sizeof(*chunk));
	memset(source->accessed, 0, SOURCE_CHUNK_WORDS * sizeof(*source->accessed));
	/* Asked first: whatever is accessed after that shows, so the chunk's next window is known. */
	if (!is_armed(source, &now.taken, error))
		return FALSE;
	for (gsize i = 0; i < source->map->range_count; i++) {
		guint64 first = source->map->ranges[i].index;

		if (first < index + SOURCE_CHUNK_PAGES && index < first + source->map->ranges[i].ram.pages &&
		    !harvest_range(source, i, index, chunk, error)) {
			state->taken = FALSE;
			return FALSE;
		}
	}
	now.end_us = g_get_monotonic_time();
	now.lost = plugin_observer_lost(source->observer);
	chunk->first = !state->taken || now.lost != state->lost;
	if (!chunk->first)
		chunk->window_seconds = (double)(start_us - state->end_us) / G_USEC_PER_SEC;
	for (gsize i = 0; i < SOURCE_CHUNK_WORDS; i++)
		chunk->idle[i] = chunk->present[i] & ~source->accessed[i];
	*state = now;
	return TRUE;
}

static gboolean plugin_mark(struct host_source *source, guint64 index, gsize words, const guint64 *moved,
			    GError **error)
{
	return TRUE;
}

static void plugin_close(struct host_source *source)
{
	plugin_observer_free(source->observer);
	if (source->pagemap >= 0)
		close(source->pagemap);
	g_free(source->chunks);
	g_free(source->entries);
	g_free(source->bits);
	g_free(source->accessed);
	g_free(source->name);
	g_free(source);
}

struct host_source *plugin_open_at(const char *proc, pid_t pid, const char *name, const char *path,
				   const struct page_map *map, GError **error)
{
	struct host_source *source = g_new0(struct host_source, 1);
	g_autofree char *pagemap = g_strdup_printf("%s/%d/pagemap", proc, (int)pid);
	GError *reason = NULL;

	source->map = map;
	source->name = g_strdup(name);
	source->chunks =
		g_new0(struct chunk_state, (map->index_count + SOURCE_CHUNK_PAGES - 1) / SOURCE_CHUNK_PAGES);
	source->entries = g_new(guint64, SOURCE_CHUNK_PAGES);
	source->bits = g_new(guint64, SOURCE_CHUNK_WORDS);
	source->accessed = g_new(guint64, SOURCE_CHUNK_WORDS);
	source->pagemap = open(pagemap, O_RDONLY | O_CLOEXEC);
	if (source->pagemap < 0)
		g_set_error(error, SOURCE_ERROR,
			    errno == ENOENT ? SOURCE_ERROR_GONE : SOURCE_ERROR_UNAVAILABLE, "%s: %s: %s",
			    name, pagemap, g_strerror(errno));
	else if ((source->observer = plugin_observer_new(path, &reason)) == NULL)
		source_error_of_observer(name, reason, error);
	if (source->observer == NULL)
		g_clear_pointer(&source, plugin_close);
	return source;
}

static struct host_source *plugin_open(const struct domain *domain, const struct page_map *map,
				       GError **error)
{
	struct host_source *source =
		plugin_open_at("/proc", domain->pid, domain->name, domain->plugin_map, map, error);

	if (source != NULL && !source_is_of_domain(domain, error))
		g_clear_pointer(&source, plugin_close);
	return source;
}

const struct host_source_ops host_source_plugin = {
	.name = "plugin",
	.open = plugin_open,
	.harvest = plugin_harvest,
	.mark = plugin_mark,
	.close = plugin_close,
};
