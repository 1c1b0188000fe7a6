/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_scan.c - one window from the sources into the pages, with sources made for the test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vm_scan.h"

G_DEFINE_QUARK(test_source_error, source_error)

/* The VM: two chunks, the second of one leaf; frame 0 at virtual page 512. */
#define CHUNK_PAGES SOURCE_CHUNK_PAGES
#define VM_PAGES    (CHUNK_PAGES + 512)

/* A host whose pages are all present, in large leaves, and accessed; and a guest that calls all of them idle.
 */
struct host_source {
	double windows[2];
	gboolean first[2];
	guint harvests;
	guint fail_at; /* the harvest that fails, from 1; 0: none */
};

struct guest_source {
	struct vmheat_scan_end end;
	gboolean start_fails, finish_fails;
	gboolean asked;
	struct guest_leaf *pages;
	struct guest_stream_counts counts;
};

static gboolean fake_harvest(struct host_source *source, guint64 index, struct host_chunk *chunk,
			     GError **error)
{
	if (++source->harvests == source->fail_at) {
		g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_GONE, "it has ended");
		return FALSE;
	}
	memset(chunk, 0, sizeof(*chunk));
	memset(chunk->present, 0xff, index == 0 ? sizeof(chunk->present) : 512 / 8);
	memcpy(chunk->coarse, chunk->present, sizeof(chunk->coarse));
	memset(chunk->large, 0xff, index == 0 ? sizeof(chunk->large) : 1);
	chunk->window_seconds = source->windows[index / CHUNK_PAGES];
	chunk->first = source->first[index / CHUNK_PAGES];
	return TRUE;
}

static gboolean fake_start(struct guest_source *source, GError **error)
{
	source->asked = !source->start_fails;
	if (source->start_fails)
		g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE, "nobody there");
	return source->asked;
}

static gboolean fake_finish(struct guest_source *source, int timeout_ms, const struct guest_leaf **pages,
			    const struct vmheat_scan_end **end, GError **error)
{
	assert_true(source->asked);
	source->asked = FALSE;
	if (source->finish_fails) {
		g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_FAILED, "no answer");
		return FALSE;
	}
	*pages = source->pages;
	*end = &source->end;
	return TRUE;
}

static const struct host_source_ops fake_host_ops = { .name = "fake", .harvest = fake_harvest };
static const struct guest_source_ops fake_guest_ops = { .name = "fake",
							.start = fake_start,
							.finish = fake_finish };

static const struct vm_scan_settings settings = { .agent_timeout_ms = 100, .working_set_age = 1.0 };

/* What each test starts from: all chunks marked 2 s ago, the guest's window as long. */
struct scene {
	struct host_source host;
	struct guest_source guest;
	struct vm_sources sources;
	struct vm_pages *pages;
	struct vm_scan_result result;
};

static int open_scene(void **state)
{
	const struct ram_range range = { .gfn = 0, .vpn = 512, .pages = VM_PAGES };
	struct scene *scene = g_new0(struct scene, 1);
	const char *reason;

	scene->host.windows[0] = scene->host.windows[1] = 2.0;
	scene->guest.end.window_ns = 2000000000;
	scene->guest.pages = g_new0(struct guest_leaf, guest_pages_leaves(VM_PAGES));
	guest_pages_fill(scene->guest.pages, 0, VM_PAGES, VMHEAT_PAGE_IDLE);
	scene->pages = vm_pages_new(page_map_new(&range, 1, &reason));
	scene->sources = (struct vm_sources){ .host_ops = &fake_host_ops,
					      .host = &scene->host,
					      .guest_ops = &fake_guest_ops,
					      .guest = &scene->guest };
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	vm_scan_result_clear(&scene->result);
	vm_pages_free(scene->pages);
	g_free(scene->guest.pages);
	g_free(scene);
	return 0;
}

static void scan(struct scene *scene)
{
	GError *error = NULL;

	if (!vm_scan(&scene->sources, scene->pages, &settings, &scene->result, &error))
		fail_msg("%s", error->message);
}

/* Why the guest's data was not used. */
static void assert_problem(const struct vm_scan_result *result, const char *wanted)
{
	assert_string_equal(result->guest_error == NULL ? "none" : result->guest_error->message, wanted);
}

/* Host and guest agree on the window: the guest's idle pages inside accessed large leaves are idle. */
static void test_merges_both(void **state)
{
	struct scene *scene = *state;

	scan(scene);
	assert_true(scene->result.guest_used);
	assert_null(scene->result.guest_error);
	assert_int_equal(scene->result.counts.merge.idle, VM_PAGES);
	assert_int_equal(scene->result.counts.merge.host_accessed, VM_PAGES);
	assert_int_equal(scene->pages->ages[VM_PAGES - 1], 1);
	assert_int_equal(vm_pages_host_young(scene->pages), VM_PAGES);
	assert_int_equal(scene->pages->windows, 1);
}

/* The first scan only marks: no window, no figures, ages as they were. */
static void test_first_scan_has_no_data(void **state)
{
	struct scene *scene = *state;

	scene->host.windows[0] = scene->host.windows[1] = 0.0;
	scene->host.first[0] = scene->host.first[1] = TRUE;
	scan(scene);
	assert_true(scene->result.window_seconds == 0.0);
	assert_false(scene->result.guest_used);
	assert_int_equal(scene->pages->windows, 0);
	assert_int_equal(scene->pages->ages[0], PAGE_AGE_HOLE);
}

/* A chunk that was not marked before says nothing, nor does a window of part of it; the others count, with theirs. */
static void test_unmarked_chunk(void **state)
{
	struct scene *scene = *state;

	scene->host.windows[1] = 1.0;
	scene->host.first[1] = TRUE;
	scan(scene);
	assert_true(scene->result.window_seconds == 2.0);
	assert_int_equal(scene->pages->ages[0], 1);
	assert_int_equal(scene->pages->ages[CHUNK_PAGES], PAGE_AGE_HOLE);
}

/*
 * A chunk that was marked before and in which nothing was mapped then has no window, and what it says counts: it is
 * accessed. The other chunk has the window.
 */
static void test_chunk_without_window(void **state)
{
	struct scene *scene = *state;

	scene->host.windows[1] = 0.0;
	scene->sources.guest = NULL;
	scan(scene);
	assert_true(scene->result.window_seconds == 2.0);
	assert_int_equal(scene->pages->ages[CHUNK_PAGES], 0);
	assert_int_equal(scene->pages->large[SOURCE_CHUNK_LEAVES / 64 - 1], G_MAXUINT64);
	assert_int_equal(scene->pages->large[SOURCE_CHUNK_LEAVES / 64], 0xff);
}

/* Chunks are read one after another, so windows differ: the VM's is the shortest, as an age lasts "at least".
 */
static void test_shortest_window(void **state)
{
	struct scene *scene = *state;

	scene->host.windows[1] = 1.9;
	scan(scene);
	assert_true(scene->result.window_seconds == 1.9);
}

/* Without a guest, and with a guest that cannot be asked or does not answer, the host's data stands alone. */
static void test_host_alone(void **state)
{
	struct scene *scene = *state;

	scene->sources.guest = NULL;
	scan(scene);
	assert_false(scene->result.guest_used);
	assert_null(scene->result.guest_error);
	assert_int_equal(scene->result.counts.merge.accessed, VM_PAGES);

	scene->sources.guest = &scene->guest;
	scene->guest.start_fails = TRUE;
	scan(scene);
	assert_false(scene->result.guest_used);
	assert_problem(&scene->result, "nobody there");
	vm_scan_result_clear(&scene->result);

	scene->guest.start_fails = FALSE;
	scene->guest.finish_fails = TRUE;
	scan(scene);
	assert_false(scene->result.guest_answered);
	assert_problem(&scene->result, "no answer");
	assert_int_equal(scene->result.counts.merge.accessed, VM_PAGES);
}

/* A guest window of less than a third or more than three times the host's is another one: 0.6 and 6.1 s of 2. */
static void test_foreign_window(void **state)
{
	static const struct {
		guint64 ns;
		gboolean used;
	} windows[] = { { 0, FALSE },
			{ 600000000, FALSE },
			{ 700000000, TRUE },
			{ 5900000000u, TRUE },
			{ 6100000000u, FALSE } };

	for (gsize i = 0; i < G_N_ELEMENTS(windows); i++) {
		struct scene *scene = *state;

		scene->guest.end.window_ns = windows[i].ns;
		scan(scene);
		assert_int_equal(scene->result.guest_used, windows[i].used);
		assert_true(scene->result.guest_answered);
		assert_int_equal(scene->result.guest_error == NULL, windows[i].used);
		vm_scan_result_clear(&scene->result);
	}
}

/* An answer that tells nothing of pages is one, for its counters, but its bytes are not used: nothing is not "kernel". */
static void test_no_page_data(void **state)
{
	static const struct {
		guint64 flag;
		const char *problem;
	} answers[] = {
		{ VMHEAT_SCAN_OVER_BUDGET,
		  "the agent has used what it may: it looks at pages again when that is paid back" },
		{ VMHEAT_SCAN_NO_PAGE_IDLE,
		  "the guest's kernel has no page_idle: the agent cannot tell which pages are idle" },
	};
	struct scene *scene = *state;

	guest_pages_fill(scene->guest.pages, 0, VM_PAGES, VMHEAT_PAGE_UNKNOWN);
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
		scene->guest.end.flags = answers[i].flag;
		scan(scene);
		assert_true(scene->result.guest_answered);
		assert_false(scene->result.guest_used);
		assert_problem(&scene->result, answers[i].problem);
		assert_int_equal(scene->result.counts.merge.kernel_idle, 0);
		vm_scan_result_clear(&scene->result);
	}
}

/*
 * The VM dies in mid-scan, after the first chunk: the error comes up, the agent is not waited for, and the
 * first chunk, which was read and marked, is merged.
 */
static void test_breaks_off(void **state)
{
	struct scene *scene = *state;
	GError *error = NULL;

	scene->host.fail_at = 2;
	assert_false(vm_scan(&scene->sources, scene->pages, &settings, &scene->result, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_GONE));
	g_clear_error(&error);
	assert_false(scene->result.guest_answered);
	assert_int_equal(scene->pages->ages[0], 0);
	assert_int_equal(scene->pages->ages[CHUNK_PAGES], PAGE_AGE_HOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_merges_both, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_first_scan_has_no_data, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_unmarked_chunk, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_chunk_without_window, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_shortest_window, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_host_alone, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_foreign_window, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_no_page_data, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_breaks_off, open_scene, close_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
