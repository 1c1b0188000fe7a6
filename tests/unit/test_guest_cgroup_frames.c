/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_cgroup_frames.c - what the host's parser takes of cgroups, and of payloads that may grow
 *
 * The VM of all tests has 1000 pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "guest_frame.h"
#include "guest_stream.h"
#include "page_map.h"

#define PAGES	 1000
#define SEQUENCE 7

struct fixture {
	struct page_map *map;
	struct guest_stream *stream;
	struct guest_bytes sent;
};

static int set_up(void **state)
{
	static const struct ram_range range = { .gfn = 0, .vpn = 51200, .pages = PAGES };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *reason = NULL;

	assert_non_null(fixture);
	fixture->map = page_map_new(&range, 1, &reason);
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

static void push(struct fixture *fixture)
{
	guest_stream_push(fixture->stream, fixture->sent.bytes, fixture->sent.length);
	fixture->sent.length = 0;
}

/* End the scan, and see how many cgroups were kept and how many dropped since the last time. */
static const struct guest_cgroup *end(struct fixture *fixture, size_t kept, uint64_t dropped)
{
	const struct guest_cgroup *cgroups;
	size_t count;

	put_scan_end(&fixture->sent, SEQUENCE, 1);
	push(fixture);
	assert_int_equal(guest_stream_state(fixture->stream), GUEST_SCAN_COMPLETE);
	cgroups = guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, kept);
	assert_int_equal(guest_stream_counts(fixture->stream)->excess_cgroups, dropped);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 0);
	return cgroups;
}

/* Every field comes through, and the path but for what a terminal could take for a command. */
static void test_taken(void **state)
{
	struct fixture *fixture = *state;
	const struct vmheat_cgroup pages = { .id = 0x1122334455667788,
					     .idle_anon_pages = 1,
					     .idle_file_pages = 20,
					     .idle_unmapped_pages = 19,
					     .accessed_anon_pages = 3,
					     .accessed_file_pages = 4,
					     .unknown_pages = 5 };
	const struct guest_cgroup *cgroups;

	put_cgroup(&fixture->sent, SEQUENCE, &pages, "/a\x1b[31m\n\xc3\xa4", 10);
	put_cgroup(&fixture->sent, SEQUENCE, &pages, "", 0);
	cgroups = end(fixture, 2, 0);
	assert_memory_equal(&cgroups[0].pages, &pages, sizeof(pages));
	assert_string_equal(cgroups[0].path, "/a?[31m???");
	assert_string_equal(cgroups[1].path, "");
}

/* The next scan begins with none, and what is said under another number is not taken. */
static void test_other_scan(void **state)
{
	struct fixture *fixture = *state;
	const struct vmheat_cgroup pages = { .id = 1, .unknown_pages = PAGES };

	put_cgroup(&fixture->sent, SEQUENCE - 1, &pages, "/old", 4);
	put_cgroup(&fixture->sent, SEQUENCE, &pages, "/new", 4);
	assert_string_equal(end(fixture, 1, 0)->path, "/new");
	guest_stream_start_scan(fixture->stream, SEQUENCE);
	put_cgroup(&fixture->sent, SEQUENCE, &pages, "/newer", 6);
	assert_string_equal(end(fixture, 1, 0)->path, "/newer");
	assert_int_equal(guest_stream_counts(fixture->stream)->stale_frames, 1);
}

/* 64 are taken, the 65th is not. */
static void test_too_many(void **state)
{
	struct fixture *fixture = *state;
	const struct vmheat_cgroup pages = { .id = 1, .idle_anon_pages = 1 };

	for (unsigned int i = 0; i < VMHEAT_CGROUPS_MAX + 1; i++)
		put_cgroup(&fixture->sent, SEQUENCE, &pages, "/x", 2);
	end(fixture, VMHEAT_CGROUPS_MAX, 1);
}

/* Together they have no more pages than the VM: 600 + 400, then one page more; a sum beyond 64 bits is no small sum. */
static void test_too_many_pages(void **state)
{
	struct fixture *fixture = *state;
	const struct vmheat_cgroup most = { .id = 1, .idle_file_pages = 300, .accessed_file_pages = 300 };
	const struct vmheat_cgroup rest = { .id = 2, .accessed_anon_pages = 400 };
	const struct vmheat_cgroup one = { .id = 3, .unknown_pages = 1 };
	const struct vmheat_cgroup wraps = { .id = 4, .unknown_pages = UINT64_MAX, .idle_anon_pages = 1 };
	/* More of it unmapped than there is. */
	const struct vmheat_cgroup odd = { .id = 5, .idle_unmapped_pages = 1 };

	put_cgroup(&fixture->sent, SEQUENCE, &wraps, "/w", 2);
	put_cgroup(&fixture->sent, SEQUENCE, &odd, "/o", 2);
	put_cgroup(&fixture->sent, SEQUENCE, &most, "/m", 2);
	put_cgroup(&fixture->sent, SEQUENCE, &rest, "/r", 2);
	put_cgroup(&fixture->sent, SEQUENCE, &one, "/1", 2);
	assert_string_equal(end(fixture, 2, 3)[1].path, "/r");
}

/* Shorter than its numbers, or with a path longer than the longest: no frame at all. */
static void test_wrong_length(void **state)
{
	static const uint8_t bytes[sizeof(struct vmheat_cgroup) + VMHEAT_CGROUP_PATH_MAX + 1];
	struct fixture *fixture = *state;
	size_t count;

	put_frame(&fixture->sent, VMHEAT_FRAME_CGROUP, SEQUENCE, bytes, sizeof(struct vmheat_cgroup) - 1);
	put_frame(&fixture->sent, VMHEAT_FRAME_CGROUP, SEQUENCE, bytes, sizeof(bytes));
	put_frame(&fixture->sent, VMHEAT_FRAME_CGROUP, SEQUENCE, bytes, sizeof(bytes) - 1);
	push(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 2);
	(void)guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, 1);
}

/* An older agent's SCAN_END, without what was added: those fields are 0, also if the last answer had them. */
static void test_shorter_end(void **state)
{
	struct fixture *fixture = *state;
	const struct vmheat_scan_end whole = { .window_ns = htole64(5),
					       .flags = htole64(VMHEAT_SCAN_OVER_BUDGET),
					       .cpu_ns = htole64(9) };

	put_frame(&fixture->sent, VMHEAT_FRAME_SCAN_END, SEQUENCE, &whole, sizeof(whole));
	push(fixture);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, VMHEAT_SCAN_OVER_BUDGET);
	assert_int_equal(guest_stream_end(fixture->stream)->cpu_ns, 9);

	guest_stream_start_scan(fixture->stream, SEQUENCE);
	put_frame(&fixture->sent, VMHEAT_FRAME_SCAN_END, SEQUENCE, &whole,
		  offsetof(struct vmheat_scan_end, flags));
	/* What follows the frame is none of its fields. */
	put_bytes(&fixture->sent, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee", 16);
	push(fixture);
	assert_int_equal(guest_stream_state(fixture->stream), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->window_ns, 5);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, 0);
	assert_int_equal(guest_stream_end(fixture->stream)->cpu_ns, 0);
}

/* A newer agent's HELLO and SCAN_END, with what is not known yet: it is passed over. */
static void test_longer_payloads(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[VMHEAT_GROWING_PAYLOAD_MAX];
	const struct vmheat_hello hello = { .page_shift = htole32(12), .end_gfn = htole64(PAGES) };
	const struct vmheat_scan_end numbers = { .window_ns = htole64(5), .cpu_ns = htole64(9) };

	memset(bytes, 0xee, sizeof(bytes));
	memcpy(bytes, &hello, sizeof(hello));
	put_frame(&fixture->sent, VMHEAT_FRAME_HELLO, 0, bytes, sizeof(bytes));
	memcpy(bytes, &numbers, sizeof(numbers));
	put_frame(&fixture->sent, VMHEAT_FRAME_SCAN_END, SEQUENCE, bytes, sizeof(bytes));
	push(fixture);
	assert_int_equal(guest_stream_hello(fixture->stream)->end_gfn, PAGES);
	assert_int_equal(guest_stream_end(fixture->stream)->cpu_ns, 9);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_taken),	    TEST(test_other_scan),   TEST(test_too_many),
		TEST(test_too_many_pages),  TEST(test_wrong_length), TEST(test_shorter_end),
		TEST(test_longer_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
