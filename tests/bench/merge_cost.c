// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * merge_cost.c - what merging a scan into the ages costs, beside a memcpy of the ages, and the memory it takes
 *
 * Theory of operation
 *
 * What is measured is what vmheatd runs (vm_pages_update()), chunk after chunk over the whole guest: merge, ages,
 * counts of ages, classes, and the host's own word. All arrays are as large as the guest demands, so that they come
 * from memory, as they do where many guests are scanned in turn. A round copies the ages, merges a scan without an agent,
 * and merges one with; so a busy spell of the machine hits all alike. Each guest has one or none, so before a merge that is
 * timed stands one of the same kind that is not. Time is that of the processor for this thread.
 * After each round the counts are held against those of the ages themselves.
 *
 * Memory is the growth of the resident set over one scan of a guest with an agent that tells of each page by itself,
 * its answer through the parser; at its peak, with what the scan alone needs. The sources' own needs are not in it.
 *
 * Output, tab-separated: "cost", pattern, MiB of ages, microseconds of memcpy, of the merge without and with an agent, a
 * line a round; "way", its name, microseconds of the ages alone; then "memory", bytes a page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest_stream.h"
#include "measure.h"
#include "vm_pages.h"
#include "vm_scan.h"

#define TIB_PAGES (G_GUINT64_CONSTANT(1) << 28)
#define MIN_PAGES (G_GUINT64_CONSTANT(1) << 22)
/* Ages twice, three bitmaps, half a byte of the guest's; and as much again as a reserve for others. */
#define BYTES_NEEDED(pages) (4 * (pages))

G_DEFINE_QUARK(bench_source_error, source_error)

/* xorshift64 */
static guint64 random_word(void)
{
	static guint64 seed = 88172645463325252;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A word with about one bit set of 2^@shift. */
static guint64 sparse_word(guint shift)
{
	guint64 word = G_MAXUINT64;

	while (shift-- > 0)
		word &= random_word();
	return word;
}

/* What there is to merge; the guest's share of chunk i is at its place. */
struct scan_data {
	gboolean large_leaves, moves;
	gsize chunks;
	guint64 *present, *idle, *coarse;
	struct guest_leaf *guest;
	guint64 large[VM_PAGES_CHUNK / PAGE_MAP_LEAF_PAGES / 64];
};

struct pattern {
	const char *name;
	void (*fill_leaf)(guint64 *present, guint64 *idle, guint64 *coarse);
	gboolean moves; /* what is accessed is another in each window */
	gboolean large; /* there are large leaves */
};

/* A guest on 4 KiB pages whose tenth is not mapped, a tenth always accessed, in runs, the rest idle. */
static void fill_steady(guint64 *present, guint64 *idle, guint64 *coarse)
{
	guint kind = random_word() % 10;

	memset(present, kind == 0 ? 0 : 0xff, LEAF_VECTOR_WORDS * 8);
	memset(idle, kind <= 1 ? 0 : 0xff, LEAF_VECTOR_WORDS * 8);
	memset(coarse, 0, LEAF_VECTOR_WORDS * 8);
}

/* A guest on large leaves, a fifth of them accessed, of which the guest calls every eighth page accessed. */
static void fill_large(guint64 *present, guint64 *idle, guint64 *coarse)
{
	gboolean accessed = random_word() % 5 == 0;

	memset(present, 0xff, LEAF_VECTOR_WORDS * 8);
	memset(idle, accessed ? 0 : 0xff, LEAF_VECTOR_WORDS * 8);
	memset(coarse, accessed ? 0xff : 0, LEAF_VECTOR_WORDS * 8);
}

/* 4 KiB pages, every 64th accessed by chance, others in each window. */
static void fill_scattered(guint64 *present, guint64 *idle, guint64 *coarse)
{
	memset(present, 0xff, LEAF_VECTOR_WORDS * 8);
	memset(coarse, 0, LEAF_VECTOR_WORDS * 8);
	for (gsize i = 0; i < LEAF_VECTOR_WORDS; i++)
		idle[i] = ~sparse_word(6);
}

/* 4 KiB pages, every second accessed by chance, others in each window: nothing is worse. */
static void fill_random(guint64 *present, guint64 *idle, guint64 *coarse)
{
	memset(present, 0xff, LEAF_VECTOR_WORDS * 8);
	memset(coarse, 0, LEAF_VECTOR_WORDS * 8);
	for (gsize i = 0; i < LEAF_VECTOR_WORDS; i++)
		idle[i] = random_word();
}

static const struct pattern patterns[] = {
	{ "steady", fill_steady, FALSE, FALSE },
	{ "large leaves", fill_large, FALSE, TRUE },
	{ "scattered", fill_scattered, TRUE, FALSE },
	{ "random", fill_random, TRUE, FALSE },
};

/* A guest's word to go with the host's: runs of the usual kinds, accessed where the host says so, every eighth page of a
 * large leaf. */
static void fill_guest(struct guest_leaf *leaf, gsize word, guint64 accessed, guint64 coarse)
{
	static const guint8 kinds[] = { VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON,
					VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE,
					VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY,
					VMHEAT_PAGE_FREE, VMHEAT_PAGE_UNKNOWN };
	guint64 hot = accessed & ~(coarse & ~G_GUINT64_CONSTANT(0x0101010101010101));

	guest_pages_fill(leaf, 64 * word, 64, kinds[random_word() % G_N_ELEMENTS(kinds)]);
	leaf->low.word[word] |= hot;
	leaf->high.word[word] |= hot;
}

static void fill(struct scan_data *data, const struct pattern *pattern)
{
	gsize words = data->chunks * VM_PAGES_CHUNK_WORDS;

	data->large_leaves = pattern->large;
	data->moves = pattern->moves;
	for (gsize w = 0; w < words; w += LEAF_VECTOR_WORDS)
		pattern->fill_leaf(data->present + w, data->idle + w, data->coarse + w);
	for (gsize w = 0; w < words; w++)
		fill_guest(&data->guest[w / LEAF_VECTOR_WORDS], w % LEAF_VECTOR_WORDS,
			   data->present[w] & ~data->idle[w], data->coarse[w]);
}

static struct vm_pages *new_pages(guint64 count)
{
	const struct ram_range range = { .gfn = 0, .vpn = 512, .pages = count };
	const char *reason;
	struct page_map *map = page_map_new(&range, 1, &reason);
	struct vm_pages *pages = map == NULL ? NULL : vm_pages_new(map);

	if (pages == NULL)
		die("not enough memory");
	return pages;
}

/* Merge one window; what moves is taken @shift chunks further on. Returns microseconds. */
static double merge(struct vm_pages *pages, const struct scan_data *data, gboolean agent, gsize shift)
{
	struct vm_window_counts counts = { 0 };
	double start = clock_us(CLOCK_THREAD_CPUTIME_ID), end;

	vm_pages_begin_window(pages, 5.0, 60.0);
	for (gsize i = 0; i < data->chunks; i++) {
		gsize word = i * VM_PAGES_CHUNK_WORDS;
		gsize moved = (i + (data->moves ? shift : 0)) % data->chunks * VM_PAGES_CHUNK_WORDS;
		struct host_view view = { .present = data->present + word,
					  .idle = data->idle + moved,
					  .coarse = data->large_leaves ? data->coarse + word : NULL };

		vm_pages_update(pages, i, &view, data->large,
				agent ? data->guest + moved / LEAF_VECTOR_WORDS : NULL, &counts);
	}
	end = clock_us(CLOCK_THREAD_CPUTIME_ID);
	if (counts.merge.holes + counts.merge.idle + counts.merge.accessed != pages->map->index_count)
		die("pages were lost");
	return end - start;
}

static void check_counts(const struct vm_pages *pages)
{
	guint64 kept[256];
	uint64_t counted[256] = { 0 };

	vm_pages_count(pages, kept);
	page_ages_count(pages->ages, pages->map->index_count, counted);
	for (guint age = 0; age < 256; age++)
		if (kept[age] != counted[age])
			die("the counts are not those of the ages");
}

static void *alloc(gsize bytes)
{
	void *memory = malloc(bytes);

	if (memory == NULL)
		die("not enough memory");
	memset(memory, 1, bytes);
	return memory;
}

/* Time each way to make ages older, over the last pattern. */
static void measure_ways(struct vm_pages *pages, const struct scan_data *data)
{
	guint64 young[VM_PAGES_CHUNK_WORDS];

	for (enum vector_level level = VECTOR_ANY; level < VECTOR_LEVELS; level++) {
		double start = clock_us(CLOCK_THREAD_CPUTIME_ID);

		if (!vector_level_runs(level))
			continue;
		for (gsize i = 0; i < data->chunks; i++)
			page_ages_update_at(level, pages->ages + i * VM_PAGES_CHUNK,
					    data->present + i * VM_PAGES_CHUNK_WORDS,
					    data->present + i * VM_PAGES_CHUNK_WORDS, VM_PAGES_CHUNK_WORDS,
					    &pages->rule, young, NULL);
		printf("way\t%s\t%.0f\n", vector_level_name(level),
		       clock_us(CLOCK_THREAD_CPUTIME_ID) - start);
	}
}

static void measure_cost(guint64 count, guint rounds)
{
	struct scan_data data = { .chunks = count / VM_PAGES_CHUNK };
	guint8 *copy = alloc(count);
	struct vm_pages *pages = NULL;

	data.present = alloc(count / 8);
	data.idle = alloc(count / 8);
	data.coarse = alloc(count / 8);
	data.guest = alloc(count / 2);
	for (gsize p = 0; p < G_N_ELEMENTS(patterns); p++) {
		vm_pages_free(pages);
		pages = new_pages(count);
		fill(&data, &patterns[p]);
		/* The first windows are like no other: all pages appear. */
		for (guint i = 0; i < 3; i++)
			merge(pages, &data, TRUE, (gsize)101 * i);
		for (guint round = 0; round < rounds; round++) {
			gsize shift = 1000 + 202 * round;
			double start = clock_us(CLOCK_THREAD_CPUTIME_ID), copied, host, both;

			memcpy(copy, pages->ages, count);
			copied = clock_us(CLOCK_THREAD_CPUTIME_ID) - start;
			if (memcmp(copy, pages->ages, count) != 0)
				die("memcpy was left out");
			merge(pages, &data, FALSE, shift + 303);
			host = merge(pages, &data, FALSE, shift);
			merge(pages, &data, TRUE, shift + 303);
			both = merge(pages, &data, TRUE, shift + 101);
			printf("cost\t%s\t%.0f\t%.0f\t%.0f\t%.0f\n", patterns[p].name,
			       (double)count / 1048576.0, copied, host, both);
		}
		check_counts(pages);
	}
	measure_ways(pages, &data);
	vm_pages_free(pages);
	free(data.present);
	free(data.idle);
	free(data.coarse);
	free(data.guest);
	free(copy);
}

/* ---- memory ---- */

/* All pages are there, in large leaves, and accessed. */
static gboolean stub_harvest(struct host_source *source, guint64 index, struct host_chunk *chunk,
			     GError **error)
{
	memset(chunk, 0, sizeof(*chunk));
	memset(chunk->present, 0xff, sizeof(chunk->present));
	memset(chunk->coarse, 0xff, sizeof(chunk->coarse));
	chunk->window_seconds = 5.0;
	return TRUE;
}

struct guest_source {
	struct guest_stream *stream;
	guint64 pages;
};

static gboolean stub_start(struct guest_source *source, GError **error)
{
	guest_stream_start_scan(source->stream, 1);
	return TRUE;
}

static void push_frame(struct guest_stream *stream, enum vmheat_frame_type type, const void *payload,
		       guint32 length)
{
	struct vmheat_frame_header header = { .magic = VMHEAT_FRAME_MAGIC,
					      .version = VMHEAT_PROTOCOL_VERSION,
					      .type = (guint8)type,
					      .sequence = 1,
					      .length = length };

	guest_stream_push(stream, (const guint8 *)&header, sizeof(header));
	guest_stream_push(stream, payload, length);
}

/* Each page is told by a run of its own. */
static gboolean stub_finish(struct guest_source *source, int timeout_ms, const struct guest_leaf **pages,
			    const struct vmheat_scan_end **end, GError **error)
{
	const struct vmheat_scan_end answer = { .window_ns = 5000000000 };
	guint8 payload[8 + 2 * 4096];

	for (guint64 gfn = 0; gfn < source->pages; gfn += 4096) {
		memcpy(payload, &gfn, sizeof(gfn));
		for (guint i = 0; i < 4096; i++) {
			payload[8 + 2 * i] =
				i % 2 ? VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON : VMHEAT_PAGE_ACCESSED;
			payload[9 + 2 * i] = 1;
		}
		push_frame(source->stream, VMHEAT_FRAME_PAGES, payload, sizeof(payload));
	}
	push_frame(source->stream, VMHEAT_FRAME_SCAN_END, &answer, sizeof(answer));
	if (guest_stream_state(source->stream) != GUEST_SCAN_COMPLETE)
		die("the guest's answer was not understood");
	*pages = guest_stream_pages(source->stream);
	*end = guest_stream_end(source->stream);
	return TRUE;
}

/* The peak of the resident set so far, in bytes. */
static double peak_bytes(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtod(line + 6, NULL);
	if (file == NULL || kib == 0)
		die("/proc/self/status");
	fclose(file);
	return kib * 1024;
}

static void measure_memory(guint64 count)
{
	static const struct host_source_ops host_ops = { .name = "stub", .harvest = stub_harvest };
	static const struct guest_source_ops guest_ops = { .name = "stub",
							   .start = stub_start,
							   .finish = stub_finish };
	const struct vm_scan_settings settings = { .agent_timeout_ms = 1, .working_set_age = 60.0 };
	double before = peak_bytes();
	struct vm_pages *pages = new_pages(count);
	struct guest_source guest = { .stream = guest_stream_new(pages->map), .pages = count };
	const struct vm_sources sources = { .host_ops = &host_ops, .guest_ops = &guest_ops, .guest = &guest };
	struct vm_scan_result result;
	GError *error = NULL;

	if (guest.stream == NULL || !vm_scan(&sources, pages, &settings, &result, &error) ||
	    !result.guest_used)
		die("the scan");
	printf("memory\t%.0f\t%.4f\n", (double)count / 1048576.0, (peak_bytes() - before) / (double)count);
	vm_scan_result_clear(&result);
	guest_stream_free(guest.stream);
	vm_pages_free(pages);
}

int main(int argc, char **argv)
{
	guint rounds = argc == 2 ? (guint)strtoul(argv[1], NULL, 10) : 0;
	double available = (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	guint64 count = TIB_PAGES;

	if (rounds == 0) {
		fprintf(stderr, "usage: %s ROUNDS\n", argv[0]);
		return 2;
	}
	while (count > MIN_PAGES && (double)BYTES_NEEDED(count) > available)
		count /= 2;
	measure_memory(MIN(count, TIB_PAGES / 8)); /* first: a peak does not sink */
	measure_cost(count, rounds);
	return 0;
}
