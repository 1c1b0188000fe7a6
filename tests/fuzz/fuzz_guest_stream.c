/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_guest_stream.c - no bytes from a guest make the host's parser store what they may not, or stop
 * understanding
 *
 * An input is a series of steps. A byte below 0x07 begins a new scan with that sequence number, and what was
 * pushed in half stays in half; 0x07 is a new connection; any other is followed by as many bytes, minus 8,
 * that are pushed in one piece, fewer at the end. Whatever they were, afterwards hold:
 * - padding between the VM's ranges was never written;
 * - texts are printable, counts agree with one another, cgroups have no more pages than the VM;
 * - a second parser that was given every byte by itself has come to the very same result;
 * - three honest answers later at the latest the parser understands one as if nothing had happened.
 *   Three, because a frame that garbage began may swallow what follows until its claimed end or until a
 *   header breaks it.
 */
#include <stdlib.h>
#include <string.h>
#include "guest_stream.h"
#include "page_map.h"
#include "../unit/guest_frame.h"

#define SEQUENCES     7
#define RECONNECT     7
#define PUSH	      8
#define HONEST_TRIES  3
#define HONEST_WINDOW 12345

static void require(bool condition)
{
	if (!condition)
		abort();
}

static struct page_map *make_map(void)
{
	/* Pages 0-99 at an odd place of their leaf, 4096-5119 in another. */
	static const struct ram_range ranges[] = { { 0, 51207, 100 }, { 4096, 102400, 1024 } };
	const char *reason;

	return page_map_new(ranges, 2, &reason);
}

static void check_text(const char *text, size_t most)
{
	require(strlen(text) <= most);
	for (; *text; text++)
		require(*text >= 0x20 && *text <= 0x7e);
}

static void check_cgroups(const struct guest_stream *stream, const struct page_map *map)
{
	size_t count;
	const struct guest_cgroup *cgroups = guest_stream_cgroups(stream, &count);
	uint64_t left = map->page_count;

	require(count <= VMHEAT_CGROUPS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct vmheat_cgroup *pages = &cgroups[i].pages;
		const uint64_t parts[] = { pages->idle_anon_pages, pages->idle_file_pages,
					   pages->accessed_anon_pages, pages->accessed_file_pages,
					   pages->unknown_pages };

		for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
			require(parts[part] <= left);
			left -= parts[part];
		}
		require(pages->idle_unmapped_pages <= pages->idle_file_pages);
		check_text(cgroups[i].path, VMHEAT_CGROUP_PATH_MAX);
	}
}

static void check_invariants(const struct guest_stream *stream, const struct page_map *map)
{
	const struct guest_leaf *pages = guest_stream_pages(stream);
	const struct guest_stream_counts *counts = guest_stream_counts(stream);
	uint64_t gfn;

	for (uint64_t i = 0; i < map->index_count; i++)
		if (!page_map_gfn_of_index(map, i, &gfn))
			require(guest_pages_get(pages, i) == VMHEAT_PAGE_UNKNOWN);
	check_text(guest_stream_error_text(stream), VMHEAT_ERROR_TEXT_MAX);
	check_cgroups(stream, map);
	require(counts->stale_frames <= counts->frames);
	require(counts->skipped_bytes <= counts->bytes);
	require(counts->frames * sizeof(struct vmheat_frame_header) <= counts->bytes - counts->skipped_bytes);
	require(counts->bad_frames * sizeof(uint32_t) <= counts->skipped_bytes);
	require(guest_stream_state(stream) != GUEST_SCAN_COMPLETE || guest_stream_end(stream) != NULL);
}

/* Both have seen the same bytes, in pieces of other sizes. */
static void check_same(const struct guest_stream *a, const struct guest_stream *b, const struct page_map *map)
{
	require(memcmp(guest_stream_counts(a), guest_stream_counts(b), sizeof(struct guest_stream_counts)) ==
		0);
	require(memcmp(guest_stream_pages(a), guest_stream_pages(b),
		       guest_pages_leaves(map->index_count) * sizeof(struct guest_leaf)) == 0);
	require(guest_stream_state(a) == guest_stream_state(b));
	require(strcmp(guest_stream_error_text(a), guest_stream_error_text(b)) == 0);

	size_t count_a, count_b;
	const struct guest_cgroup *cgroups_a = guest_stream_cgroups(a, &count_a);
	const struct guest_cgroup *cgroups_b = guest_stream_cgroups(b, &count_b);

	require(count_a == count_b);
	for (size_t i = 0; i < count_a; i++) {
		require(memcmp(&cgroups_a[i].pages, &cgroups_b[i].pages, sizeof(cgroups_a[i].pages)) == 0);
		require(strcmp(cgroups_a[i].path, cgroups_b[i].path) == 0);
	}
}

/* Push an honest answer, with HELLO, and see whether it was understood. */
static bool understands(struct guest_stream *stream, const struct page_map *map, uint32_t sequence)
{
	static const uint8_t runs[] = { VMHEAT_PAGE_IDLE, 90, VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON, 10 };
	static const struct vmheat_cgroup cgroup = { .id = 3, .idle_anon_pages = 90 };
	static struct guest_bytes sent;
	const struct guest_cgroup *cgroups;
	size_t count;
	uint64_t first;

	sent.length = 0;
	put_hello(&sent, 12, 5120);
	put_pages(&sent, sequence, 0, runs, sizeof(runs));
	put_cgroup(&sent, sequence, &cgroup, "/honest", 7);
	put_scan_end(&sent, sequence, HONEST_WINDOW);
	guest_stream_start_scan(stream, sequence);
	guest_stream_push(stream, sent.bytes, sent.length);

	require(page_map_index_of_gfn(map, 0, &first));
	cgroups = guest_stream_cgroups(stream, &count);
	return count == 1 && strcmp(cgroups[0].path, "/honest") == 0 &&
	       guest_stream_state(stream) == GUEST_SCAN_COMPLETE &&
	       guest_stream_end(stream)->window_ns == HONEST_WINDOW &&
	       guest_pages_get(guest_stream_pages(stream), first) == VMHEAT_PAGE_IDLE &&
	       guest_pages_get(guest_stream_pages(stream), first + 99) ==
		       (VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct page_map *map = make_map();
	struct guest_stream *stream = guest_stream_new(map);
	struct guest_stream *twin = guest_stream_new(map);
	bool understood = false;

	require(map && stream && twin);
	while (size) {
		uint8_t step = *data++;

		size--;
		if (step < SEQUENCES) {
			guest_stream_start_scan(stream, step + 1u);
			guest_stream_start_scan(twin, step + 1u);
		} else if (step == RECONNECT) {
			guest_stream_reconnected(stream);
			guest_stream_reconnected(twin);
		} else {
			size_t length = step - PUSH;

			if (length > size)
				length = size;
			guest_stream_push(stream, data, length);
			for (size_t i = 0; i < length; i++)
				guest_stream_push(twin, data + i, 1);
			data += length;
			size -= length;
		}
	}
	check_invariants(stream, map);
	check_same(stream, twin, map);
	for (uint32_t i = 0; i < HONEST_TRIES && !understood; i++)
		understood = understands(stream, map, 1000 + i);
	require(understood);
	check_invariants(stream, map);
	guest_stream_free(twin);
	guest_stream_free(stream);
	page_map_free(map);
	return 0;
}
