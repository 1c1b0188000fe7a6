/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_idle_bitmap.c - the module source, on the module of idle_module.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "idle_bitmap.h"
#include "idle_module.h"
#include "proc_folder.h"

#define PID 4711

/*
 * Virtual pages 612 to 1859; 1960 to 2559, which begin in the block in which the first end; and 5000 to 70999, which lie
 * in two chunks.
 */
#define FIRST_VPN    612u
#define FIRST_PAGES  1248u
#define SECOND_VPN   1960u
#define SECOND_PAGES 600u
#define THIRD_VPN    5000u
#define THIRD_PAGES  66000u

/* A page of the third range that lies in the second chunk. */
#define FAR_VPN (THIRD_VPN + THIRD_PAGES - 10)

struct bench {
	struct proc_folder folder;
	struct page_map *map;
	struct host_source *source;
	struct host_chunk chunks[2];
};

static gboolean get_bit(const guint64 *words, guint64 bit)
{
	return words[bit / 64] >> bit % 64 & 1;
}

static guint64 count_bits(const guint64 *words, gsize count)
{
	guint64 bits = 0;

	for (gsize i = 0; i < count; i++)
		bits += (guint64)__builtin_popcountll(words[i]);
	return bits;
}

static guint64 index_of_vpn(const struct bench *bench, guint64 vpn)
{
	gsize number = vpn < SECOND_VPN ? 0 : vpn < THIRD_VPN ? 1 : 2;

	return bench->map->ranges[number].index + (vpn - bench->map->ranges[number].ram.vpn);
}

static int open_bench(void **state)
{
	static const struct ram_range ranges[] = {
		{ .gfn = 0, .vpn = FIRST_VPN, .pages = FIRST_PAGES },
		{ .gfn = 0x100000, .vpn = SECOND_VPN, .pages = SECOND_PAGES },
		{ .gfn = 0x200000, .vpn = THIRD_VPN, .pages = THIRD_PAGES },
	};
	struct bench *bench = g_new0(struct bench, 1);
	const char *reason;

	memset(&module, 0, sizeof(module));
	proc_folder_new(&bench->folder, PID);
	bench->map = page_map_new(ranges, G_N_ELEMENTS(ranges), &reason);
	assert_true(bench->map->index_count > SOURCE_CHUNK_PAGES);
	bench->source = idle_bitmap_open_at(bench->folder.proc, PID, "g1", bench->map, NULL);
	assert_non_null(bench->source);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	host_source_module.close(bench->source);
	page_map_free(bench->map);
	proc_folder_free(&bench->folder);
	g_free(bench);
	return 0;
}

/* Harvest both chunks @seconds after the last time. */
static void harvest(struct bench *bench, double seconds)
{
	g_autoptr(GError) error = NULL;

	module.now += (guint64)(seconds * 1e9);
	memset(bench->chunks, 0x5a, sizeof(bench->chunks));
	for (gsize i = 0; i < 2; i++)
		if (!host_source_module.harvest(bench->source, i * SOURCE_CHUNK_PAGES, &bench->chunks[i],
						&error))
			fail_msg("%s", error->message);
}

/* What the last harvest said of the page at @vpn. */
static void assert_page(const struct bench *bench, guint64 vpn, gboolean present, gboolean idle,
			gboolean coarse)
{
	guint64 index = index_of_vpn(bench, vpn);
	const struct host_chunk *chunk = &bench->chunks[index / SOURCE_CHUNK_PAGES];
	guint64 bit = index % SOURCE_CHUNK_PAGES;

	if (get_bit(chunk->present, bit) != present || get_bit(chunk->idle, bit) != idle ||
	    get_bit(chunk->coarse, bit) != coarse)
		fail_msg("page %" G_GUINT64_FORMAT ": present %d, idle %d, coarse %d", vpn,
			 get_bit(chunk->present, bit), get_bit(chunk->idle, bit),
			 get_bit(chunk->coarse, bit));
}

static guint64 count_present(const struct bench *bench)
{
	return count_bits(bench->chunks[0].present, SOURCE_CHUNK_WORDS) +
	       count_bits(bench->chunks[1].present, SOURCE_CHUNK_WORDS);
}

static guint64 count_idle(const struct bench *bench)
{
	return count_bits(bench->chunks[0].idle, SOURCE_CHUNK_WORDS) +
	       count_bits(bench->chunks[1].idle, SOURCE_CHUNK_WORDS);
}

/*
 * A page is where the index says it is: at the first and the last of each range, and on both sides of the chunks'
 * border. What else is mapped in their blocks is no page of the VM's.
 */
static void test_states(void **state)
{
	static const guint64 vpns[] = {
		FIRST_VPN, FIRST_VPN + FIRST_PAGES - 1, SECOND_VPN,	   SECOND_VPN + SECOND_PAGES - 1,
		THIRD_VPN, THIRD_VPN + 62583,		THIRD_VPN + 62584, THIRD_VPN + THIRD_PAGES - 1,
	};
	struct bench *bench = *state;

	assert_int_equal(index_of_vpn(bench, THIRD_VPN + 62584), SOURCE_CHUNK_PAGES);
	module_touch(512, 2560);
	module_unmap(FIRST_VPN, FIRST_PAGES);
	module_unmap(SECOND_VPN, SECOND_PAGES);
	module_touch(THIRD_VPN - 1, 1);
	module_touch(THIRD_VPN + THIRD_PAGES, 1);
	for (gsize i = 0; i < G_N_ELEMENTS(vpns); i++)
		module_touch(vpns[i], 1);
	harvest(bench, 0.0);
	module_touch(FIRST_VPN - 1, 1);
	module_touch(vpns[6], 1);
	harvest(bench, 2.0);

	assert_int_equal(count_present(bench), G_N_ELEMENTS(vpns));
	assert_int_equal(count_idle(bench), G_N_ELEMENTS(vpns) - 1);
	for (gsize i = 0; i < G_N_ELEMENTS(vpns); i++)
		assert_page(bench, vpns[i], TRUE, i != 6, FALSE);
}

/* Pages of two ranges in one block: looking at the one takes nothing away from the other. */
static void test_shared_block(void **state)
{
	struct bench *bench = *state;

	module_touch(FIRST_VPN, FIRST_PAGES);
	module_touch(SECOND_VPN, SECOND_PAGES);
	harvest(bench, 0.0);
	module_touch(FIRST_VPN + FIRST_PAGES - 1, 1);
	module_touch(SECOND_VPN, 1);
	harvest(bench, 2.0);
	assert_page(bench, FIRST_VPN + FIRST_PAGES - 1, TRUE, FALSE, FALSE);
	assert_page(bench, SECOND_VPN, TRUE, FALSE, FALSE);
	assert_int_equal(count_idle(bench), FIRST_PAGES + SECOND_PAGES - 2);
	assert_true(bench->chunks[0].window_seconds == 2.0);
}

/* Ranges are scanned one after the other, so their windows differ: the chunk's is the shortest. */
static void test_shortest_window(void **state)
{
	struct bench *bench = *state;

	module_touch(FIRST_VPN, 1);
	module_touch(SECOND_VPN, 1);
	module_touch(THIRD_VPN, 1);
	harvest(bench, 0.0);
	module.now_step = 500000000; /* 2.0, 2.5 and 3.0 s */
	harvest(bench, 2.0);
	assert_true(bench->chunks[0].window_seconds == 2.0);
	module.now_step = 0; /* 4.0, 3.5 and 3.0 s */
	harvest(bench, 2.0);
	assert_true(bench->chunks[0].window_seconds == 3.0);
}

/* The first harvest says that it is; then the window is the time between two. Each chunk has its own. */
static void test_window(void **state)
{
	struct bench *bench = *state;

	module_touch(FIRST_VPN, 1);
	module_touch(FAR_VPN, 1);
	harvest(bench, 7.0);
	assert_true(bench->chunks[0].first && bench->chunks[1].first);
	assert_true(bench->chunks[0].window_seconds == 0.0);
	module.now += 500000000;
	assert_true(host_source_module.harvest(bench->source, 0, &bench->chunks[0], NULL));
	assert_true(bench->chunks[0].window_seconds == 0.5);
	harvest(bench, 1.5);
	assert_false(bench->chunks[0].first || bench->chunks[1].first);
	assert_true(bench->chunks[0].window_seconds == 1.5);
	assert_true(bench->chunks[1].window_seconds == 2.0);
}

/*
 * What is mapped where nothing was before counts as accessed, and is no first harvest: the hole that was there had been
 * seen.
 */
static void test_holes(void **state)
{
	struct bench *bench = *state;

	module_touch(FIRST_VPN, 1);
	harvest(bench, 0.0);
	harvest(bench, 2.0);
	assert_false(bench->chunks[1].first);
	assert_true(bench->chunks[1].window_seconds == 0.0);
	assert_int_equal(count_present(bench), 1);
	module_touch(FAR_VPN, 1);
	harvest(bench, 2.0);
	assert_false(bench->chunks[1].first);
	assert_page(bench, FAR_VPN, TRUE, FALSE, FALSE);
	module_unmap(FAR_VPN, 1);
	harvest(bench, 2.0);
	assert_page(bench, FAR_VPN, FALSE, FALSE, FALSE);
}

/* A harvest that breaks off after its first range has lost what that said: the next one is a first one. */
static void test_breaks_off(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;

	module_touch(FIRST_VPN, 2);
	harvest(bench, 0.0);
	module.error = ENOMEM;
	module.calls_that_do = 1;
	assert_false(host_source_module.harvest(bench->source, 0, &bench->chunks[0], &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_FAILED));
	module.error = 0;
	harvest(bench, 2.0);
	assert_true(bench->chunks[0].first);
	assert_false(bench->chunks[1].first);
	harvest(bench, 2.0);
	assert_false(bench->chunks[0].first);
	assert_page(bench, FIRST_VPN, TRUE, TRUE, FALSE);
}

/* A leaf is large if nothing smaller maps its pages; what it alone has seen is coarse. */
static void test_large(void **state)
{
	struct bench *bench = *state;
	guint64 leaf = index_of_vpn(bench, 1024) / 512;

	module_set_large(1024, TRUE);
	module_touch(5120, 512);
	harvest(bench, 0.0);
	assert_true(get_bit(bench->chunks[0].large, leaf));
	assert_int_equal(count_bits(bench->chunks[0].large, G_N_ELEMENTS(bench->chunks[0].large)), 1);
	harvest(bench, 2.0);
	assert_true(get_bit(bench->chunks[0].large, leaf));
	assert_page(bench, 1024, TRUE, TRUE, FALSE);
	module_touch(1030, 1);
	module_touch(5121, 1);
	harvest(bench, 2.0);
	assert_page(bench, 1024, TRUE, FALSE, TRUE);
	assert_page(bench, 1535, TRUE, FALSE, TRUE);
	assert_page(bench, 5121, TRUE, FALSE, FALSE);
	module_set_large(1024, FALSE);
	harvest(bench, 2.0);
	assert_false(get_bit(bench->chunks[0].large, leaf));
	assert_page(bench, 1024, TRUE, FALSE, FALSE);
}

/* Mark the @pages pages from @vpn on, which lie in one chunk. */
static void mark(struct bench *bench, guint64 vpn, guint64 pages)
{
	guint64 moved[512] = { 0 };
	guint64 index = index_of_vpn(bench, vpn), first = index - index % 64;

	for (guint64 bit = index - first; bit < index - first + pages; bit++)
		moved[bit / 64] |= G_GUINT64_CONSTANT(1) << bit % 64;
	assert_true(host_source_module.mark(bench->source, first, 512, moved, NULL));
}

/*
 * Pages that the daemon moved, which looks like a touch of each, are idle unless they are touched after that; what
 * others were touched before and after counts, and the window is the whole one.
 */
static void test_mark(void **state)
{
	struct bench *bench = *state;
	const guint64 moved = THIRD_VPN + 100;

	module_touch(THIRD_VPN, 1000);
	harvest(bench, 0.0);
	harvest(bench, 2.0);
	module_touch(moved - 1, 102);
	module.now += 500000000;
	mark(bench, moved, 100);
	module_touch(moved + 50, 1);
	module_touch(moved + 200, 1);
	module.now += 250000000;
	mark(bench, moved + 200, 1);
	harvest(bench, 1.5);
	assert_page(bench, moved - 1, TRUE, FALSE, FALSE);
	assert_page(bench, moved, TRUE, TRUE, FALSE);
	assert_page(bench, moved + 50, TRUE, FALSE, FALSE);
	assert_page(bench, moved + 99, TRUE, TRUE, FALSE);
	assert_page(bench, moved + 100, TRUE, FALSE, FALSE);
	assert_page(bench, moved + 200, TRUE, TRUE, FALSE);
	assert_int_equal(count_idle(bench), 1000 - 3);
	assert_true(bench->chunks[0].window_seconds == 2.25);

	harvest(bench, 2.0);
	assert_int_equal(count_idle(bench), 1000);
	assert_true(bench->chunks[0].window_seconds == 2.0);
}

/* What a large leaf saw before the marking stays coarse, unless a small one saw the page as well. */
static void test_mark_coarse(void **state)
{
	struct bench *bench = *state;

	module_set_large(5120, TRUE);
	module_touch(6144, 512);
	harvest(bench, 0.0);
	module_touch(5121, 1);
	mark(bench, 6144, 1);
	harvest(bench, 2.0);
	assert_page(bench, 5120, TRUE, FALSE, TRUE);
	module_touch(5121, 1);
	mark(bench, 6144, 1);
	for (guint64 page = 5120; page < 5632; page++)
		module.pages[page].large = false; /* split, which touches nothing */
	module_touch(5130, 1);
	harvest(bench, 2.0);
	assert_page(bench, 5120, TRUE, FALSE, TRUE);
	assert_page(bench, 5130, TRUE, FALSE, FALSE);
}

/* Marking what was never harvested leaves the next harvest a first one. One that breaks off makes it one. */
static void test_mark_without_window(void **state)
{
	struct bench *bench = *state;
	const guint64 moved[8] = { 1 };

	module_touch(THIRD_VPN, 1);
	mark(bench, THIRD_VPN, 1);
	assert_int_equal(module.calls, 0);
	harvest(bench, 0.0);
	assert_true(bench->chunks[0].first);
	mark(bench, THIRD_VPN, 1);
	module.error = ENOMEM;
	assert_false(host_source_module.mark(bench->source, 0, 8, moved, NULL));
	module.error = 0;
	harvest(bench, 2.0);
	assert_true(bench->chunks[0].first);
	assert_false(bench->chunks[1].first);
}

/* Two sources of one process each see every access, whatever the other does. */
static void test_two_sources(void **state)
{
	struct bench *bench = *state;
	struct host_source *other = idle_bitmap_open_at(bench->folder.proc, PID, "g1", bench->map, NULL);
	struct host_chunk *chunk = g_new(struct host_chunk, 1);

	assert_non_null(other);
	module_touch(FIRST_VPN, 10);
	harvest(bench, 0.0);
	module_touch(FIRST_VPN, 1);
	assert_true(host_source_module.harvest(other, 0, chunk, NULL));
	assert_true(chunk->first);
	harvest(bench, 2.0);
	assert_page(bench, FIRST_VPN, TRUE, FALSE, FALSE);
	assert_int_equal(count_idle(bench), 9);
	assert_true(bench->chunks[0].window_seconds == 2.0);
	host_source_module.close(other);
	g_free(chunk);
}

/* What the daemon can do next depends on where a failure lies; the VM is named. */
static void test_errors(void **state)
{
	static const struct {
		int number;
		enum source_error code;
		const char *message;
	} cases[] = {
		{ ESRCH, SOURCE_ERROR_GONE, "g1: process 4711 has ended or begun another program" },
		{ ENOTTY, SOURCE_ERROR_UNAVAILABLE,
		  "the kvm_idle that is loaded is older than this program" },
		{ ENOMEM, SOURCE_ERROR_FAILED, "Cannot allocate memory" },
	};
	struct bench *bench = *state;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		module.error = cases[i].number;
		assert_false(host_source_module.harvest(bench->source, 0, &bench->chunks[0], &error));
		assert_true(g_error_matches(error, SOURCE_ERROR, (gint)cases[i].code));
		assert_true(g_str_has_prefix(error->message, "g1: "));
		assert_non_null(strstr(error->message, cases[i].message));
	}
}

/* No process and no module are two different things. */
static void test_open_fails(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) gone = NULL, missing = NULL;

	assert_null(idle_bitmap_open_at(bench->folder.proc, PID + 1, "g1", bench->map, &gone));
	assert_true(g_error_matches(gone, SOURCE_ERROR, SOURCE_ERROR_GONE));
	assert_int_equal(g_remove(bench->folder.file), 0);
	assert_null(idle_bitmap_open_at(bench->folder.proc, PID, "g1", bench->map, &missing));
	assert_true(g_error_matches(missing, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE));
	assert_non_null(strstr(missing->message, "modprobe kvm_idle"));
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_states),	  BENCH_TEST(test_shared_block),
		BENCH_TEST(test_shortest_window), BENCH_TEST(test_window),
		BENCH_TEST(test_holes),		  BENCH_TEST(test_breaks_off),
		BENCH_TEST(test_large),		  BENCH_TEST(test_mark),
		BENCH_TEST(test_mark_coarse),	  BENCH_TEST(test_mark_without_window),
		BENCH_TEST(test_two_sources),	  BENCH_TEST(test_errors),
		BENCH_TEST(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
