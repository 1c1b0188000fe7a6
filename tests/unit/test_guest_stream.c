/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_stream.c - the host's parser takes what is right and nothing else
 *
 * The VM of all tests has pages 0-1023 and 4096-5119; between them is a hole. Index and gfn are the same in
 * the first range, since its vpn is a multiple of 512; the second begins at index 1536 (a 2 MiB leaf lies
 * between them).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "guest_frame.h"
#include "guest_stream.h"
#include "page_map.h"
#include "run_encoder.h"

#define MEMORY_END 5120
#define SEQUENCE   7
#define IDLE	   VMHEAT_PAGE_IDLE
#define ACCESSED   VMHEAT_PAGE_ACCESSED
#define ANON	   VMHEAT_PAGE_ANON

/* Runs as bytes, with their size. */
#define RUNS(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

struct fixture {
	struct page_map *map;
	struct guest_stream *stream;
	struct guest_bytes sent; /* what the guest will have sent */
};

static int set_up(void **state)
{
	static const struct ram_range ranges[] = {
		{ .gfn = 0, .vpn = 51200, .pages = 1024 },
		{ .gfn = 4096, .vpn = 102400, .pages = 1024 },
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *reason = NULL;

	assert_non_null(fixture);
	fixture->map = page_map_new(ranges, 2, &reason);
	assert_null(reason);
	fixture->stream = guest_stream_new(fixture->map);
	guest_stream_start_scan(fixture->stream, SEQUENCE);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	guest_stream_free(fixture->stream);
	page_map_free(fixture->map);
	free(fixture);
	return 0;
}

/* Let the parser have what was put together, in one piece. */
static void push(struct fixture *fixture)
{
	guest_stream_push(fixture->stream, fixture->sent.bytes, fixture->sent.length);
	fixture->sent.length = 0;
}

static uint8_t page_at(const struct fixture *fixture, uint64_t gfn)
{
	uint64_t index;

	assert_true(page_map_index_of_gfn(fixture->map, gfn, &index));
	return guest_pages_get(guest_stream_pages(fixture->stream), index);
}

static void assert_state(const struct fixture *fixture, enum guest_scan_state state)
{
	assert_string_equal(guest_scan_state_name(guest_stream_state(fixture->stream)),
			    guest_scan_state_name(state));
}

static void assert_nothing_stored(const struct fixture *fixture)
{
	for (uint64_t i = 0; i < fixture->map->index_count; i++)
		assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), i),
				 VMHEAT_PAGE_UNKNOWN);
}

/* What was put together is one broken frame: it is counted, leaves nothing, and the next frame is understood.
 */
static void assert_bad_frame(struct fixture *fixture)
{
	uint64_t before = guest_stream_counts(fixture->stream)->bad_frames;

	put_scan_end(&fixture->sent, SEQUENCE, 1);
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, before + 1);
	assert_nothing_stored(fixture);
	assert_state(fixture, GUEST_SCAN_COMPLETE);
	guest_stream_start_scan(fixture->stream, SEQUENCE);
}

static int put_encoded(void *context, const uint8_t *payload, size_t length)
{
	struct fixture *fixture = context;

	put_frame(&fixture->sent, VMHEAT_FRAME_PAGES, SEQUENCE, payload, length);
	return 0;
}

/* Encode @pages, one a gfn, as the agent does: chunk by chunk, the hole left out, into payloads of 64 bytes.
 */
static void put_all_pages(struct fixture *fixture, const uint8_t *pages)
{
	uint8_t payload[64];
	struct run_encoder encoder = {
		.payload = payload, .capacity = sizeof(payload), .emit = put_encoded, .context = fixture
	};

	for (uint64_t gfn = 0; gfn < MEMORY_END; gfn += 512)
		if (gfn < 1024 || gfn >= 4096)
			assert_int_equal(run_encoder_add(&encoder, gfn, pages + gfn, 512), 0);
	assert_int_equal(run_encoder_finish(&encoder), 0);
}

/* Pages of every kind, in runs of 1 to 600. */
static uint8_t *make_pages(void)
{
	uint8_t *pages = malloc(MEMORY_END);
	uint32_t random = 1;

	assert_non_null(pages);
	for (size_t i = 0; i < MEMORY_END;) {
		random = random * 1103515245 + 12345;

		size_t run = random >> 31 ? 1 : 1 + (random >> 16) % 600;
		uint8_t page = (random >> 8) & 0x7f;

		for (; run && i < MEMORY_END; run--)
			pages[i++] = page;
	}
	return pages;
}

static void assert_all_pages(const struct fixture *fixture, const uint8_t *pages)
{
	for (uint64_t gfn = 0; gfn < MEMORY_END; gfn++)
		if (gfn < 1024 || gfn >= 4096)
			assert_int_equal(page_at(fixture, gfn), guest_page_kept(pages[gfn]));
}

/* What the agent's encoder writes is what the parser stores, page by page, with the window and no complaint.
 */
static void test_round_trip(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *pages = make_pages();

	put_hello(&fixture->sent, 12, MEMORY_END);
	put_all_pages(fixture, pages);
	put_scan_end(&fixture->sent, SEQUENCE, 1500);
	push(fixture);

	assert_state(fixture, GUEST_SCAN_COMPLETE);
	assert_all_pages(fixture, pages);
	assert_int_equal(guest_stream_end(fixture->stream)->window_ns, 1500);
	assert_int_equal(guest_stream_hello(fixture->stream)->end_gfn, MEMORY_END);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 0);
	assert_int_equal(guest_stream_counts(fixture->stream)->skipped_bytes, 0);
	assert_int_equal(guest_stream_counts(fixture->stream)->foreign_pages, 0);
	free(pages);
}

/* Wherever the stream is cut in two, or in pieces of any size up to 40 bytes, the result is the same. */
static void test_any_split(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *pages = make_pages();
	size_t length;

	put_hello(&fixture->sent, 12, MEMORY_END);
	put_all_pages(fixture, pages);
	put_scan_end(&fixture->sent, SEQUENCE, 1);
	length = fixture->sent.length;

	for (size_t cut = 0; cut <= length; cut++) {
		guest_stream_start_scan(fixture->stream, SEQUENCE);
		guest_stream_push(fixture->stream, fixture->sent.bytes, cut);
		guest_stream_push(fixture->stream, fixture->sent.bytes + cut, length - cut);
		assert_state(fixture, GUEST_SCAN_COMPLETE);
	}
	for (size_t piece = 1; piece <= 40; piece++) {
		guest_stream_start_scan(fixture->stream, SEQUENCE);
		for (size_t at = 0; at < length; at += piece)
			guest_stream_push(fixture->stream, fixture->sent.bytes + at,
					  length - at < piece ? length - at : piece);
		assert_state(fixture, GUEST_SCAN_COMPLETE);
		assert_all_pages(fixture, pages);
	}
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 0);
	free(pages);
}

/* Largest frames one after the other, pushed at once: more than the buffer holds, nothing is lost. */
static void test_largest_frames(void **state)
{
	struct fixture *fixture = *state;
	uint8_t runs[VMHEAT_FRAME_PAYLOAD_MAX - 8];

	/* 32764 runs of one page do not fit into 1024 pages: the frame is broken at run 1025, byte 8 + 2 *
	 * 1024. */
	memset(runs, 1, sizeof(runs));
	put_pages(&fixture->sent, SEQUENCE, 4096, runs, sizeof(runs));
	put_pages(&fixture->sent, SEQUENCE, 4096, runs, sizeof(runs));
	put_scan_end(&fixture->sent, SEQUENCE, 1);
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 2);
	/* The magics and what follows them up to the end of both frames; 16 bytes of header each. */
	assert_int_equal(guest_stream_counts(fixture->stream)->skipped_bytes,
			 2 * (16 + VMHEAT_FRAME_PAYLOAD_MAX));
	assert_state(fixture, GUEST_SCAN_COMPLETE);
}

/* A map of 2^20 pages can be told page by page in largest frames; all of them are taken. */
static void test_large_frames_are_taken(void **state)
{
	struct fixture *fixture = *state;
	const struct ram_range range = { .gfn = 0, .vpn = 0, .pages = 1 << 20 };
	const char *reason;
	struct page_map *map = page_map_new(&range, 1, &reason);
	struct guest_stream *stream = guest_stream_new(map);
	uint8_t runs[VMHEAT_FRAME_PAYLOAD_MAX - 8];

	for (size_t i = 0; i < sizeof(runs); i += 2) {
		runs[i] = i % 4 ? IDLE : ACCESSED;
		runs[i + 1] = 1;
	}
	guest_stream_start_scan(stream, SEQUENCE);
	for (uint64_t i = 0; i < 32; i++) {
		fixture->sent.length = 0;
		put_pages(&fixture->sent, SEQUENCE, i * (sizeof(runs) / 2), runs, sizeof(runs));
		guest_stream_push(stream, fixture->sent.bytes, fixture->sent.length);
	}
	assert_int_equal(guest_stream_counts(stream)->frames, 32);
	for (uint64_t i = 0; i < 32 * (sizeof(runs) / 2); i++)
		assert_int_equal(guest_pages_get(guest_stream_pages(stream), i), i % 2 ? IDLE : ACCESSED);
	guest_stream_free(stream);
	page_map_free(map);
}

/* An answer to another request changes nothing; it is counted as stale, and the right one still counts. */
static void test_stale_sequence(void **state)
{
	struct fixture *fixture = *state;

	put_pages(&fixture->sent, SEQUENCE - 1, 0, RUNS(IDLE, 10));
	put_scan_end(&fixture->sent, SEQUENCE - 1, 1);
	put_error(&fixture->sent, SEQUENCE + 1, 5, "late");
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->stale_frames, 3);
	assert_nothing_stored(fixture);
	assert_state(fixture, GUEST_SCAN_PENDING);
	assert_string_equal(guest_stream_error_text(fixture->stream), "");

	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10));
	put_scan_end(&fixture->sent, SEQUENCE, 1);
	push(fixture);
	assert_int_equal(page_at(fixture, 9), IDLE);
	assert_state(fixture, GUEST_SCAN_COMPLETE);
}

/* Nothing was asked: no answer is current, not even one with sequence 0. */
static void test_unasked(void **state)
{
	struct fixture *fixture = *state;
	struct guest_stream *stream = guest_stream_new(fixture->map);

	put_pages(&fixture->sent, 0, 0, RUNS(IDLE, 10));
	put_scan_end(&fixture->sent, 0, 1);
	guest_stream_push(stream, fixture->sent.bytes, fixture->sent.length);
	assert_int_equal(guest_stream_state(stream), GUEST_SCAN_NONE);
	assert_null(guest_stream_end(stream));
	assert_null(guest_stream_hello(stream));
	assert_int_equal(guest_stream_counts(stream)->stale_frames, 2);
	guest_stream_free(stream);
}

/* Garbage before, between and in the shape of half a magic is passed over and counted: 7 + 3 + 9 bytes. */
static void test_garbage(void **state)
{
	struct fixture *fixture = *state;

	put_bytes(&fixture->sent, "garbage", 7);
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10));
	put_bytes(&fixture->sent, "VMH", 3);
	put_pages(&fixture->sent, SEQUENCE, 10, RUNS(ACCESSED, 10));
	put_bytes(&fixture->sent, "VMVMHVVVM", 9);
	put_scan_end(&fixture->sent, SEQUENCE, 1);
	push(fixture);
	assert_state(fixture, GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_counts(fixture->stream)->skipped_bytes, 19);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 0);
	assert_int_equal(page_at(fixture, 0), IDLE);
	assert_int_equal(page_at(fixture, 19), ACCESSED);
}

/* Each of a header's fields, when wrong, breaks the frame: version, type, reserved, length. */
static void test_broken_header(void **state)
{
	struct fixture *fixture = *state;
	uint8_t runs[] = { IDLE, 10 };

	put_pages(&fixture->sent, SEQUENCE, 0, runs, sizeof(runs));
	fixture->sent.bytes[offsetof(struct vmheat_frame_header, version)] = VMHEAT_PROTOCOL_VERSION + 1;
	assert_bad_frame(fixture);
	put_pages(&fixture->sent, SEQUENCE, 0, runs, sizeof(runs));
	fixture->sent.bytes[offsetof(struct vmheat_frame_header, reserved) + 1] = 1;
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, 0, SEQUENCE, runs, sizeof(runs));
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_ERROR + 1, SEQUENCE, runs, sizeof(runs));
	assert_bad_frame(fixture);
	put_header(&fixture->sent, VMHEAT_FRAME_PAGES, SEQUENCE, VMHEAT_FRAME_PAYLOAD_MAX + 1);
	assert_bad_frame(fixture);
	put_header(&fixture->sent, VMHEAT_FRAME_PAGES, SEQUENCE, UINT32_MAX);
	assert_bad_frame(fixture);
}

/* A guest cannot ask: SCAN is the host's. */
static void test_request_from_guest(void **state)
{
	struct fixture *fixture = *state;

	put_frame(&fixture->sent, VMHEAT_FRAME_SCAN, SEQUENCE, NULL, 0);
	assert_bad_frame(fixture);
}

/* A payload shorter or longer than its type's breaks the frame. */
static void test_wrong_payload_length(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[VMHEAT_ERROR_TEXT_MAX + 5] = { 1 };

	_Static_assert(sizeof(bytes) > VMHEAT_GROWING_PAYLOAD_MAX, "there is something beyond every payload");
	put_frame(&fixture->sent, VMHEAT_FRAME_HELLO, 0, bytes, sizeof(struct vmheat_hello) - 1);
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_HELLO, 0, bytes, VMHEAT_GROWING_PAYLOAD_MAX + 1);
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_HELLO, 0, bytes, 0);
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_SCAN_END, SEQUENCE, bytes,
		  offsetof(struct vmheat_scan_end, flags) - 1);
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_SCAN_END, SEQUENCE, bytes, VMHEAT_GROWING_PAYLOAD_MAX + 1);
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_ERROR, SEQUENCE, bytes, 3);
	assert_bad_frame(fixture);
	put_frame(&fixture->sent, VMHEAT_FRAME_ERROR, SEQUENCE, bytes, sizeof(bytes));
	assert_bad_frame(fixture);
	put_pages(&fixture->sent, SEQUENCE, 0, NULL, 0);
	assert_bad_frame(fixture);
	assert_null(guest_stream_hello(fixture->stream));
}

/* Runs that LEB128 or the protocol forbids break the whole frame, the good run before them included. */
static void test_broken_runs(void **state)
{
	struct fixture *fixture = *state;

	/* Of no pages. */
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10, IDLE, 0));
	assert_bad_frame(fixture);
	/* 5 written in two bytes. */
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10, IDLE, 0x85, 0));
	assert_bad_frame(fixture);
	/* A sixth byte of length. */
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10, IDLE, 0x80, 0x80, 0x80, 0x80, 0x80, 1));
	assert_bad_frame(fixture);
	/* The frame ends behind the page byte, or within the length. */
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10, IDLE));
	assert_bad_frame(fixture);
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10, IDLE, 0x80));
	assert_bad_frame(fixture);
	/* The page byte's reserved bit. */
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10, IDLE | VMHEAT_PAGE_RESERVED, 1));
	assert_bad_frame(fixture);
}

/* A run must end within the VM's memory (page 5119 is the last), however large a number it gives. */
static void test_run_past_memory(void **state)
{
	struct fixture *fixture = *state;

	put_pages(&fixture->sent, SEQUENCE, 5110, RUNS(IDLE, 11));
	assert_bad_frame(fixture);
	put_pages(&fixture->sent, SEQUENCE, 5120, RUNS(IDLE, 1));
	assert_bad_frame(fixture);
	put_pages(&fixture->sent, SEQUENCE, UINT64_MAX, RUNS(IDLE, 1));
	assert_bad_frame(fixture);
	/* 2^35 - 1 pages. */
	put_pages(&fixture->sent, SEQUENCE, 4096, RUNS(IDLE, 0xff, 0xff, 0xff, 0xff, 0x7f));
	assert_bad_frame(fixture);

	put_pages(&fixture->sent, SEQUENCE, 5110, RUNS(IDLE, 10));
	push(fixture);
	assert_int_equal(page_at(fixture, 5119), IDLE);
}

/* A run must also keep within what the agent itself announced. */
static void test_run_past_announced_end(void **state)
{
	struct fixture *fixture = *state;

	put_hello(&fixture->sent, 12, 100);
	push(fixture);
	put_pages(&fixture->sent, SEQUENCE, 90, RUNS(IDLE, 11));
	assert_bad_frame(fixture);
	put_pages(&fixture->sent, SEQUENCE, 90, RUNS(IDLE, 10));
	push(fixture);
	assert_int_equal(page_at(fixture, 99), IDLE);
}

/* Frames of a scan go upward: one that overlaps the last, goes back or comes twice is dropped. */
static void test_backward_and_repeated_frames(void **state)
{
	struct fixture *fixture = *state;

	put_pages(&fixture->sent, SEQUENCE, 100, RUNS(IDLE, 100));
	put_pages(&fixture->sent, SEQUENCE, 199, RUNS(ACCESSED, 2));
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(ACCESSED, 10));
	put_pages(&fixture->sent, SEQUENCE, 100, RUNS(IDLE, 100));
	put_pages(&fixture->sent, SEQUENCE, 200, RUNS(ACCESSED, 1));
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 3);
	assert_int_equal(page_at(fixture, 0), VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(page_at(fixture, 199), IDLE);
	assert_int_equal(page_at(fixture, 200), ACCESSED);
}

/* After the end of an answer its sequence is spent: PAGES, a second SCAN_END and an ERROR change nothing. */
static void test_frames_after_end(void **state)
{
	struct fixture *fixture = *state;

	put_scan_end(&fixture->sent, SEQUENCE, 1);
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10));
	put_scan_end(&fixture->sent, SEQUENCE, 2);
	put_error(&fixture->sent, SEQUENCE, 5, "no");
	push(fixture);
	assert_state(fixture, GUEST_SCAN_COMPLETE);
	assert_nothing_stored(fixture);
	assert_int_equal(guest_stream_end(fixture->stream)->window_ns, 1);
	assert_int_equal(guest_stream_counts(fixture->stream)->stale_frames, 3);
}

/* A new scan forgets the pages of the last one and refuses its replay. */
static void test_replay(void **state)
{
	struct fixture *fixture = *state;
	size_t length;

	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10));
	put_scan_end(&fixture->sent, SEQUENCE, 1);
	length = fixture->sent.length;
	push(fixture);
	assert_state(fixture, GUEST_SCAN_COMPLETE);

	guest_stream_start_scan(fixture->stream, SEQUENCE + 1);
	assert_nothing_stored(fixture);
	guest_stream_push(fixture->stream, fixture->sent.bytes, length);
	assert_state(fixture, GUEST_SCAN_PENDING);
	assert_nothing_stored(fixture);
}

/* A frame of the last scan, half of which came before the new one was asked for, is stale as a whole. */
static void test_scan_started_in_mid_frame(void **state)
{
	struct fixture *fixture = *state;

	put_pages(&fixture->sent, SEQUENCE, 500, RUNS(IDLE, 10, ACCESSED, 10));
	guest_stream_push(fixture->stream, fixture->sent.bytes, 26);
	guest_stream_start_scan(fixture->stream, SEQUENCE + 1);
	guest_stream_push(fixture->stream, fixture->sent.bytes + 26, fixture->sent.length - 26);
	assert_int_equal(guest_stream_counts(fixture->stream)->stale_frames, 1);
	assert_nothing_stored(fixture);
}

/* Pages 1000-4105 lie in both ranges and in the hole between: 24 and 10 are stored, 3072 counted as foreign.
 */
static void test_foreign_pages(void **state)
{
	struct fixture *fixture = *state;

	/* 3106 = 0x22 + 24 * 128. */
	put_pages(&fixture->sent, SEQUENCE, 1000, RUNS(IDLE, 0xa2, 24));
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->foreign_pages, 3072);
	assert_int_equal(page_at(fixture, 999), VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(page_at(fixture, 1000), IDLE);
	assert_int_equal(page_at(fixture, 1023), IDLE);
	assert_int_equal(page_at(fixture, 4096), IDLE);
	assert_int_equal(page_at(fixture, 4105), IDLE);
	assert_int_equal(page_at(fixture, 4106), VMHEAT_PAGE_UNKNOWN);
	/* The padding between the ranges' indices belongs to no page. */
	for (uint64_t i = 1024; i < 1536; i++)
		assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), i),
				 VMHEAT_PAGE_UNKNOWN);
}

/* Saying nothing of pages that do not exist is no complaint. */
static void test_unknown_foreign_pages(void **state)
{
	struct fixture *fixture = *state;

	put_pages(&fixture->sent, SEQUENCE, 2000, RUNS(VMHEAT_PAGE_UNKNOWN, 10));
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->foreign_pages, 0);
}

/* An agent with pages of 64 KiB can introduce itself, but its PAGES are not taken. */
static void test_other_page_size(void **state)
{
	struct fixture *fixture = *state;

	put_hello(&fixture->sent, 16, MEMORY_END);
	push(fixture);
	assert_int_equal(guest_stream_hello(fixture->stream)->page_shift, 16);
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(IDLE, 10));
	assert_bad_frame(fixture);
}

/* An ERROR fails the scan; of its text nothing but printable ASCII is kept. */
static void test_error_text(void **state)
{
	struct fixture *fixture = *state;

	put_error(&fixture->sent, SEQUENCE, 5, "bad\x1b[31m\n\xc3\xa4~ ok");
	push(fixture);
	assert_state(fixture, GUEST_SCAN_FAILED);
	assert_string_equal(guest_stream_error_text(fixture->stream), "bad?[31m???~ ok");
}

/* Longest text there is: 255 characters; and an errno that no kernel has breaks the frame. */
static void test_error_bounds(void **state)
{
	struct fixture *fixture = *state;
	char text[VMHEAT_ERROR_TEXT_MAX + 1];

	put_error(&fixture->sent, SEQUENCE, 0, "");
	assert_bad_frame(fixture);
	put_error(&fixture->sent, SEQUENCE, 4096, "");
	assert_bad_frame(fixture);

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put_error(&fixture->sent, SEQUENCE, 4095, text);
	push(fixture);
	assert_state(fixture, GUEST_SCAN_FAILED);
	assert_string_equal(guest_stream_error_text(fixture->stream), text);
}

/*
 * An agent dies in the middle of a largest frame. Its successor's HELLO is found at once, not when 64 KiB
 * have come, wherever the old frame was cut.
 */
static void test_successor_of_dead_agent(void **state)
{
	struct fixture *fixture = *state;
	uint8_t runs[] = { IDLE, 0x81, 1, ACCESSED, 2, ANON, 3, IDLE, 4 };

	for (size_t cut = 0; cut <= 8 + sizeof(runs); cut++) {
		struct guest_stream *stream = guest_stream_new(fixture->map);
		uint64_t gfn = htole64(100);

		fixture->sent.length = 0;
		guest_stream_start_scan(stream, SEQUENCE);
		put_header(&fixture->sent, VMHEAT_FRAME_PAGES, SEQUENCE, VMHEAT_FRAME_PAYLOAD_MAX);
		put_bytes(&fixture->sent, &gfn, cut < 8 ? cut : 8);
		put_bytes(&fixture->sent, runs, cut < 8 ? 0 : cut - 8);
		put_hello(&fixture->sent, 12, MEMORY_END);
		guest_stream_push(stream, fixture->sent.bytes, fixture->sent.length);
		assert_non_null(guest_stream_hello(stream));
		assert_int_equal(guest_stream_counts(stream)->bad_frames, 1);
		guest_stream_free(stream);
	}
}

/* The connection breaks in mid-frame: what comes over the next one does not become the old payload. */
static void test_reconnected(void **state)
{
	struct fixture *fixture = *state;

	put_scan_end(&fixture->sent, SEQUENCE, 1);
	guest_stream_push(fixture->stream, fixture->sent.bytes, fixture->sent.length - 30);
	guest_stream_reconnected(fixture->stream);
	assert_int_equal(guest_stream_counts(fixture->stream)->skipped_bytes, fixture->sent.length - 30);

	fixture->sent.length = 0;
	put_pages(&fixture->sent, SEQUENCE, 0, RUNS(ACCESSED, 3));
	put_scan_end(&fixture->sent, SEQUENCE, 1);
	guest_stream_push(fixture->stream, fixture->sent.bytes, fixture->sent.length);
	assert_int_equal(guest_stream_state(fixture->stream), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), 2), ACCESSED);
}

/* Every state has a name; what is no state says so. */
static void test_state_names(void **state)
{
	assert_string_equal(guest_scan_state_name(GUEST_SCAN_NONE), "none");
	assert_string_equal(guest_scan_state_name(GUEST_SCAN_FAILED), "failed");
	assert_string_equal(guest_scan_state_name(GUEST_SCAN_STATES), "invalid");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_any_split),
		TEST(test_largest_frames),
		TEST(test_large_frames_are_taken),
		TEST(test_stale_sequence),
		TEST(test_unasked),
		TEST(test_garbage),
		TEST(test_broken_header),
		TEST(test_request_from_guest),
		TEST(test_wrong_payload_length),
		TEST(test_broken_runs),
		TEST(test_run_past_memory),
		TEST(test_run_past_announced_end),
		TEST(test_backward_and_repeated_frames),
		TEST(test_frames_after_end),
		TEST(test_replay),
		TEST(test_scan_started_in_mid_frame),
		TEST(test_foreign_pages),
		TEST(test_unknown_foreign_pages),
		TEST(test_other_page_size),
		TEST(test_error_text),
		TEST(test_error_bounds),
		TEST(test_successor_of_dead_agent),
		TEST(test_reconnected),
		TEST(test_state_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
