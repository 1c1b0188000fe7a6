/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_plugin_source.c - the plugin source, on the plugin's own recorder and a pagemap made by hand
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "map_recorder.h"
#include "plugin.h"
#include "proc_folder.h"

#define PID 4711

/*
 * Guest pages 0 to 1247 at virtual pages from 612 on; 0x100000 and on, 66,000 pages, in two chunks, at 5003 and
 * on.
 */
#define LOW_VPN	   612u
#define LOW_PAGES  1248u
#define HIGH_GFN   0x100000u
#define HIGH_VPN   5003u
#define HIGH_PAGES 66000u

struct bench {
	struct proc_folder folder;
	char *pagemap, *path;
	struct map_recorder recorder;
	struct page_map *map;
	struct host_source *source;
	struct host_chunk chunks[2];
};

/* Whether QEMU has a page. */
static void set_present(const struct bench *bench, guint64 vpn, gboolean present)
{
	/* Bits 0 to 54 are the frame's number, which only root is told; bit 61 is another flag. */
	guint64 entry =
		present ? G_GUINT64_CONSTANT(0xa000000000000000) : G_GUINT64_CONSTANT(0x2000000000000000);
	int fd = open(bench->pagemap, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(pwrite(fd, &entry, sizeof(entry), (off_t)(vpn * sizeof(entry))), sizeof(entry));
	close(fd);
}

static int set_up(void **state)
{
	static const struct ram_range ranges[] = {
		{ .gfn = 0, .vpn = LOW_VPN, .pages = LOW_PAGES },
		{ .gfn = HIGH_GFN, .vpn = HIGH_VPN, .pages = HIGH_PAGES },
	};
	struct bench *bench = g_new0(struct bench, 1);
	const char *reason;

	proc_folder_new(&bench->folder, PID);
	bench->pagemap = g_build_filename(bench->folder.process, "pagemap", NULL);
	bench->path = g_build_filename(bench->folder.process, "map", NULL);
	/* As long as it must be; what is not written is not there. */
	set_present(bench, HIGH_VPN + HIGH_PAGES - 1, FALSE);
	assert_int_equal(map_recorder_start(&bench->recorder, bench->path), 0);
	bench->map = page_map_new(ranges, G_N_ELEMENTS(ranges), &reason);
	bench->source = plugin_open_at(bench->folder.proc, PID, "g1", bench->path, bench->map, NULL);
	assert_non_null(bench->source);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	host_source_plugin.close(bench->source);
	page_map_free(bench->map);
	if (bench->recorder.file.map != NULL) {
		munmap(bench->recorder.file.map, VMHEAT_PLUGIN_MAP_FILE_BYTES);
		close(bench->recorder.file.fd);
	}
	(void)g_remove(bench->pagemap);
	(void)g_remove(bench->path);
	g_free(bench->pagemap);
	g_free(bench->path);
	proc_folder_free(&bench->folder);
	g_free(bench);
	return 0;
}

static void arm(struct bench *bench)
{
	if (map_recorder_look(&bench->recorder, FALSE))
		map_recorder_switch(&bench->recorder);
}

static void harvest(struct bench *bench)
{
	g_autoptr(GError) error = NULL;

	memset(bench->chunks, 0x5a, sizeof(bench->chunks));
	for (gsize i = 0; i < 2; i++)
		if (!host_source_plugin.harvest(bench->source, i * SOURCE_CHUNK_PAGES, &bench->chunks[i],
						&error))
			fail_msg("%s", error->message);
}

/* What the last harvest says of guest page @gfn. */
static void assert_page(const struct bench *bench, guint64 gfn, gboolean present, gboolean idle)
{
	const struct host_chunk *chunk;
	guint64 index, bit;

	assert_true(page_map_index_of_gfn(bench->map, gfn, &index));
	chunk = &bench->chunks[index / SOURCE_CHUNK_PAGES];
	bit = index % SOURCE_CHUNK_PAGES;
	assert_int_equal(chunk->present[bit / 64] >> bit % 64 & 1, present);
	assert_int_equal(chunk->idle[bit / 64] >> bit % 64 & 1, idle);
	assert_int_equal(chunk->coarse[bit / 64] >> bit % 64 & 1, 0);
}

/* How many pages of both chunks are present, or idle. */
static guint64 count(const struct bench *bench, gboolean of_idle)
{
	guint64 bits = 0;

	for (gsize i = 0; i < (gsize)2 * SOURCE_CHUNK_WORDS; i++) {
		const struct host_chunk *chunk = &bench->chunks[i / SOURCE_CHUNK_WORDS];
		gsize word = i % SOURCE_CHUNK_WORDS;

		bits += (guint64)__builtin_popcountll(of_idle ? chunk->idle[word] : chunk->present[word]);
	}
	return bits;
}

/*
 * Six pages that QEMU has: 0, the last low one, the first high one, one on each side of where the chunk ends,
 * the last. Three of them are accessed: these are not idle. Then nothing is: all are idle. A page that QEMU
 * does not have is a hole, accessed or not.
 */
static void test_states(void **state)
{
	static const guint64 pages[] = {
		0, LOW_PAGES - 1, HIGH_GFN, HIGH_GFN + 60000, HIGH_GFN + 65000, HIGH_GFN + HIGH_PAGES - 1
	};
	struct bench *bench = *state;

	arm(bench);
	for (gsize i = 0; i < G_N_ELEMENTS(pages); i++)
		set_present(bench,
			    pages[i] < HIGH_GFN ? LOW_VPN + pages[i] : HIGH_VPN + (pages[i] - HIGH_GFN),
			    TRUE);
	harvest(bench);
	assert_true(bench->chunks[0].first && bench->chunks[1].first);
	for (gsize i = 0; i < G_N_ELEMENTS(pages); i += 2)
		map_recorder_record(&bench->recorder, pages[i]);
	map_recorder_record(&bench->recorder, 7);
	g_usleep(10000);
	harvest(bench);
	assert_false(bench->chunks[0].first || bench->chunks[1].first);
	assert_true(bench->chunks[0].window_seconds >= 0.01 && bench->chunks[0].window_seconds < 10.0);
	for (gsize i = 0; i < G_N_ELEMENTS(pages); i++)
		assert_page(bench, pages[i], TRUE, i % 2 == 1);
	assert_page(bench, 7, FALSE, FALSE);
	assert_int_equal(count(bench, FALSE), 6);
	assert_int_equal(count(bench, TRUE), 3);
	harvest(bench);
	assert_int_equal(count(bench, TRUE), 6);
	set_present(bench, LOW_VPN, FALSE);
	harvest(bench);
	assert_page(bench, 0, FALSE, FALSE);
	assert_int_equal(count(bench, TRUE), 5);
}

/*
 * Until the plugin records, and for the first harvest then, nothing is known of idle pages; what is mapped is
 * known.
 */
static void test_not_armed(void **state)
{
	struct bench *bench = *state;

	set_present(bench, LOW_VPN, TRUE);
	for (gsize i = 0; i < 3; i++) {
		harvest(bench);
		assert_true(bench->chunks[0].first && bench->chunks[1].first);
		assert_true(bench->chunks[0].window_seconds == 0.0);
		assert_int_equal(count(bench, FALSE), 1);
	}
	arm(bench);
	harvest(bench);
	assert_true(bench->chunks[0].first);
	harvest(bench);
	assert_false(bench->chunks[0].first);
}

/* After an access that the plugin has lost nothing is called idle on the strength of that window. */
static void test_lost(void **state)
{
	struct bench *bench = *state;

	arm(bench);
	harvest(bench);
	map_recorder_lost(&bench->recorder);
	harvest(bench);
	assert_true(bench->chunks[0].first && bench->chunks[1].first);
	harvest(bench);
	assert_false(bench->chunks[0].first || bench->chunks[1].first);
}

static void assert_fails(struct bench *bench, enum source_error code)
{
	g_autoptr(GError) error = NULL;

	assert_false(host_source_plugin.harvest(bench->source, 0, &bench->chunks[0], &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, (gint)code));
	assert_true(g_str_has_prefix(error->message, "g1: "));
}

/* A QEMU that has ended is said to be gone, by its file's lock or by its pagemap. */
static void test_gone(void **state)
{
	struct bench *bench = *state;

	arm(bench);
	assert_int_equal(truncate(bench->pagemap, 0), 0);
	assert_fails(bench, SOURCE_ERROR_GONE);
	munmap(bench->recorder.file.map, VMHEAT_PLUGIN_MAP_FILE_BYTES);
	close(bench->recorder.file.fd);
	bench->recorder.file.map = NULL;
	assert_fails(bench, SOURCE_ERROR_GONE);
}

/* Without the file the daemon asks again later; without the process it does not. */
static void test_open(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;

	assert_null(plugin_open_at(bench->folder.proc, PID, "g1", "/nonexistent/map", bench->map, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE));
	g_clear_error(&error);
	assert_null(plugin_open_at(bench->folder.proc, PID + 1, "g1", bench->path, bench->map, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_GONE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states), TEST(test_not_armed), TEST(test_lost), TEST(test_gone), TEST(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
