/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_scan.c - ask the agent, harvest the host, wait for the agent, merge
 */
#include "vm_scan.h"
#include <string.h>

/*
 * How short and how long the guest's window may be, as a share of the host's. Both are marked once a scan,
 * but the guest's ends where its reading begins, and a guest reads for as long as it is let run. Below the
 * least, what it calls idle was watched for too little of the host's window; above the most, it is of older
 * windows.
 */
#define GUEST_WINDOW_LEAST (1.0 / 3)
#define GUEST_WINDOW_MOST  3.0

G_STATIC_ASSERT(SOURCE_CHUNK_PAGES == VM_PAGES_CHUNK);

/* Words of struct host_chunk.large. */
#define CHUNK_LARGE_WORDS (SOURCE_CHUNK_LEAVES / 64)

/* The host's words of the whole VM, in whole chunks; and for each chunk its window, whether it was the first, and whether
 * a bit of its coarse words is set. */
struct host_words {
	gsize chunks;
	guint64 *present, *idle, *coarse, *large;
	double *windows;
	gboolean *first;
	gboolean *any_coarse;
};

static void host_words_free(struct host_words *words)
{
	g_free(words->present);
	g_free(words->idle);
	g_free(words->coarse);
	g_free(words->large);
	g_free(words->windows);
	g_free(words->first);
	g_free(words->any_coarse);
}

static gboolean host_words_alloc(struct host_words *words, gsize chunks, GError **error)
{
	gsize count = chunks * SOURCE_CHUNK_WORDS;

	words->chunks = chunks;
	words->present = g_try_new(guint64, count);
	words->idle = g_try_new(guint64, count);
	words->coarse = g_try_new(guint64, count);
	words->large = g_try_new(guint64, chunks * CHUNK_LARGE_WORDS);
	words->windows = g_try_new0(double, chunks);
	words->first = g_try_new(gboolean, chunks);
	words->any_coarse = g_try_new0(gboolean, chunks);
	if (words->present != NULL && words->idle != NULL && words->coarse != NULL && words->large != NULL &&
	    words->windows != NULL && words->first != NULL && words->any_coarse != NULL)
		return TRUE;
	g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_FAILED,
		    "not enough memory for a scan: %" G_GSIZE_FORMAT " KiB", 3 * count * 8 / 1024);
	return FALSE;
}

static gboolean any_bit(const guint64 *words, gsize count)
{
	guint64 bits = 0;

	for (gsize i = 0; i < count; i++)
		bits |= words[i];
	return bits != 0;
}

static gboolean harvest(const struct vm_sources *sources, struct host_words *words, GError **error)
{
	g_autofree struct host_chunk *chunk = g_new(struct host_chunk, 1);

	for (gsize i = 0; i < words->chunks; i++)
		words->first[i] = TRUE; /* as long as nothing is known of it */
	for (gsize i = 0; i < words->chunks; i++) {
		gsize word = i * SOURCE_CHUNK_WORDS;

		if (!sources->host_ops->harvest(sources->host, i * SOURCE_CHUNK_PAGES, chunk, error))
			return FALSE;
		memcpy(words->present + word, chunk->present, sizeof(chunk->present));
		memcpy(words->idle + word, chunk->idle, sizeof(chunk->idle));
		memcpy(words->coarse + word, chunk->coarse, sizeof(chunk->coarse));
		memcpy(words->large + i * CHUNK_LARGE_WORDS, chunk->large, sizeof(chunk->large));
		words->windows[i] = chunk->window_seconds;
		words->first[i] = chunk->first;
		words->any_coarse[i] = any_bit(chunk->coarse, SOURCE_CHUNK_WORDS);
	}
	return TRUE;
}

/* The shortest window of the chunks that have one: an age then lasts at least as long as it says. */
static double shortest_window(const struct host_words *words)
{
	double shortest = 0.0;

	for (gsize i = 0; i < words->chunks; i++)
		if (!words->first[i] && words->windows[i] > 0.0 &&
		    (shortest == 0.0 || words->windows[i] < shortest))
			shortest = words->windows[i];
	return shortest;
}

/* The agent's bytes if they can be merged, else NULL and result->guest_error says why. */
static const struct guest_leaf *guest_pages(const struct vm_sources *sources, int timeout_ms,
					    struct vm_scan_result *result)
{
	const struct vmheat_scan_end *end;
	const struct guest_leaf *pages;
	double share;

	if (!sources->guest_ops->finish(sources->guest, timeout_ms, &pages, &end, &result->guest_error))
		return NULL;
	result->guest_answered = TRUE;
	result->guest_end = *end;
	result->guest_seconds = (double)end->window_ns / 1e9;

	if (end->flags & VMHEAT_SCAN_OVER_BUDGET) {
		g_set_error(&result->guest_error, SOURCE_ERROR, SOURCE_ERROR_FAILED,
			    "the agent has used what it may: it looks at pages again when that is paid back");
		return NULL;
	}
	/* Without states all that is not free would count as the kernel's own. */
	if (end->flags & VMHEAT_SCAN_NO_PAGE_IDLE) {
		g_set_error(
			&result->guest_error, SOURCE_ERROR, SOURCE_ERROR_FAILED,
			"the guest's kernel has no page_idle: the agent cannot tell which pages are idle");
		return NULL;
	}
	/* Without a window of the host's there is nothing to merge with. */
	if (result->window_seconds == 0.0)
		return NULL;
	if (end->window_ns == 0) {
		g_set_error(&result->guest_error, SOURCE_ERROR, SOURCE_ERROR_FAILED,
			    "the agent's first scan only marks the pages");
		return NULL;
	}
	share = result->guest_seconds / result->window_seconds;
	if (share < GUEST_WINDOW_LEAST || share > GUEST_WINDOW_MOST) {
		g_set_error(&result->guest_error, SOURCE_ERROR, SOURCE_ERROR_FAILED,
			    "the agent's window (%.2f s) is not the host's (%.2f s)", result->guest_seconds,
			    result->window_seconds);
		return NULL;
	}
	return pages;
}

static void merge(struct vm_pages *pages, const struct host_words *words, const struct guest_leaf *guest,
		  struct vm_window_counts *counts)
{
	for (gsize i = 0; i < words->chunks; i++) {
		gsize word = i * SOURCE_CHUNK_WORDS;
		struct host_view view = { .present = words->present + word,
					  .idle = words->idle + word,
					  .coarse = words->any_coarse[i] ? words->coarse + word : NULL };

		/* Not marked before (new memory, or a scan that broke off): its bits say nothing. */
		if (words->first[i])
			continue;
		vm_pages_update(pages, i, &view, words->large + i * CHUNK_LARGE_WORDS,
				guest == NULL ? NULL : guest + i * SOURCE_CHUNK_LEAVES, counts);
	}
}

gboolean vm_scan(const struct vm_sources *sources, struct vm_pages *pages,
		 const struct vm_scan_settings *settings, struct vm_scan_result *result, GError **error)
{
	struct host_words words = { 0 };
	const struct guest_leaf *guest = NULL;
	gboolean asked, done;

	memset(result, 0, sizeof(*result));
	if (!host_words_alloc(&words, vm_pages_chunks(pages), error)) {
		host_words_free(&words);
		return FALSE;
	}
	asked = sources->guest != NULL && sources->guest_ops->start(sources->guest, &result->guest_error);
	done = harvest(sources, &words, error);
	result->window_seconds = shortest_window(&words);
	if (done && asked)
		guest = guest_pages(sources, settings->agent_timeout_ms, result);
	if (result->window_seconds > 0.0) {
		result->guest_used = guest != NULL;
		vm_pages_begin_window(pages, result->window_seconds, settings->working_set_age);
		merge(pages, &words, guest, &result->counts);
	}
	host_words_free(&words);
	return done;
}

void vm_scan_result_clear(struct vm_scan_result *result)
{
	g_clear_error(&result->guest_error);
}
