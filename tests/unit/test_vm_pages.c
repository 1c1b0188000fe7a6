/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_pages.c - what is kept of a VM's pages: ages by both data, large leaves, runs, changes of the
 * layout
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vm_pages.h"
#include "vmheat/guest_protocol.h"

static struct vm_pages *pages_of(const struct ram_range *ranges, gsize count)
{
	const char *reason = NULL;
	struct page_map *map = page_map_new(ranges, count, &reason);
	struct vm_pages *pages;

	assert_non_null(map);
	pages = vm_pages_new(map);
	assert_non_null(pages);
	return pages;
}

/* One range of @pages pages, guest frame 0 at virtual page 512, so that index 0 is frame 0. */
static struct vm_pages *simple_pages(guint64 count)
{
	const struct ram_range range = { .gfn = 0, .vpn = 512, .pages = count };
	struct vm_pages *pages = pages_of(&range, 1);

	assert_int_equal(pages->map->ranges[0].index, 0);
	return pages;
}

/* The counts kept are those of the ages; padding is in none. */
static void assert_counted(const struct vm_pages *pages)
{
	guint64 kept[256];
	uint64_t counted[256] = { 0 };

	vm_pages_count(pages, kept);
	page_ages_count(pages->ages, pages->map->index_count, counted);
	counted[PAGE_AGE_HOLE] -= pages->map->index_count - pages->map->page_count;
	for (guint age = 0; age < 256; age++)
		assert_int_equal(kept[age], counted[age]);
}

/* What a guest says, packed: the caller frees it. */
static struct guest_leaf *pack(const guint8 *guest, guint64 count)
{
	struct guest_leaf *packed = g_new0(struct guest_leaf, guest_pages_leaves(count));

	for (guint64 i = 0; i < count; i++)
		guest_pages_fill(packed, i, 1, guest[i]);
	return packed;
}

/* Before the first window every page is a hole. */
static void test_new_pages_are_holes(void **state)
{
	struct vm_pages *pages = simple_pages(1024);

	for (gsize i = 0; i < 1024; i++) {
		assert_int_equal(pages->ages[i], PAGE_AGE_HOLE);
	}
	assert_counted(pages);
	assert_int_equal(vm_pages_host_young(pages), 0);
	assert_int_equal(pages->windows, 0);
	vm_pages_free(pages);
}

/*
 * One large leaf, accessed; the guest says that page 3 alone was accessed. Merged, page 3 has age 0 and the others 1. With
 * windows of 2 s and a working set of 2 s the 512 pages of the leaf are young by the host's data alone, page 3 by both,
 * and the idle 4 KiB pages behind it by neither. The first leaf is noted as large, the second is not.
 */
static void test_ages_by_both_data(void **state)
{
	struct vm_pages *pages = simple_pages(1024);
	guint64 present[2 * LEAF_VECTOR_WORDS], idle[2 * LEAF_VECTOR_WORDS] = { 0 },
							 coarse[2 * LEAF_VECTOR_WORDS] = { 0 };
	const struct host_view host = { .present = present, .idle = idle, .coarse = coarse };
	guint64 large = 1;
	struct vm_window_counts counts = { 0 };
	guint8 guest[1024];
	struct guest_leaf *packed;

	memset(present, 0xff, sizeof(present));
	memset(idle + LEAF_VECTOR_WORDS, 0xff, sizeof(idle) / 2);
	memset(coarse, 0xff, sizeof(coarse) / 2);
	memset(guest, VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON, sizeof(guest));
	guest[3] = VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON;
	guest[700] = VMHEAT_PAGE_FREE;
	packed = pack(guest, 1024);
	vm_pages_begin_window(pages, 2.0, 2.0);
	vm_pages_update(pages, 0, &host, &large, packed, &counts);

	assert_int_equal(pages->ages[3], 0);
	assert_int_equal(pages->ages[2], 1);
	assert_int_equal(pages->ages[512], 1);
	assert_int_equal(counts.merge.accessed, 1);
	assert_int_equal(counts.merge.host_accessed, 512);
	assert_int_equal(counts.merge.large_sparse, 1);
	assert_int_equal(vm_pages_host_young(pages), 512);
	assert_int_equal(counts.classes.pages[PAGE_CLASS_HOT], 1);
	assert_int_equal(counts.classes.pages[PAGE_CLASS_FREE], 1);
	assert_int_equal(counts.classes.pages[PAGE_CLASS_ANON], 1022);
	assert_int_equal(pages->large[0], 1);
	assert_int_equal(pages->windows, 1);
	assert_counted(pages);

	/* In the next window the first leaf has been split, and has no large page; and there is no guest data. */
	large = 0;
	memset(&counts, 0, sizeof(counts));
	memset(coarse, 0, sizeof(coarse));
	vm_pages_begin_window(pages, 2.0, 2.0);
	vm_pages_update(pages, 0, &host, &large, NULL, &counts);
	assert_int_equal(pages->large[0], 0);
	assert_int_equal(vm_pages_host_young(pages), 512);
	assert_int_equal(counts.classes.pages[PAGE_CLASS_HOT], 512);
	assert_int_equal(counts.classes.pages[PAGE_CLASS_UNKNOWN], 512);
	assert_counted(pages);
	g_free(packed);
	vm_pages_free(pages);
}

/* A page is hot as long as no age has lasted for the working set's: with 2 windows of 2 s and 5 s all pages are. */
static void test_hot_until_known_to_be_old(void **state)
{
	struct vm_pages *pages = simple_pages(512);
	guint64 present[LEAF_VECTOR_WORDS], idle[LEAF_VECTOR_WORDS];
	const struct host_view host = { .present = present, .idle = idle };
	const guint64 large = 0;

	memset(present, 0xff, sizeof(present));
	memset(idle, 0xff, sizeof(idle));
	for (guint window = 1; window <= 4; window++) {
		struct vm_window_counts counts = { 0 };

		vm_pages_begin_window(pages, 2.0, 5.0);
		vm_pages_update(pages, 0, &host, &large, NULL, &counts);
		/* Idle for 2, 4, 6, 8 s. */
		assert_int_equal(counts.classes.pages[PAGE_CLASS_HOT], window <= 2 ? 512 : 0);
		assert_int_equal(counts.classes.pages[PAGE_CLASS_UNKNOWN], window <= 2 ? 0 : 512);
		assert_int_equal(vm_pages_host_young(pages), window <= 2 ? 512 : 0);
	}
	vm_pages_free(pages);
}

/* Of two chunks the second ends with the map: both are updated to their last pages. */
static void test_two_chunks(void **state)
{
	const gsize words = VM_PAGES_CHUNK_WORDS + 3 * LEAF_VECTOR_WORDS, count = words * 64;
	struct vm_pages *pages = simple_pages(count);
	guint64 *present = g_new0(guint64, words), *idle = g_new0(guint64, words);
	const guint64 large[] = { 1, 2 }, large_last[] = { 4 };
	struct vm_window_counts counts = { 0 };

	assert_int_equal(vm_pages_chunks(pages), 2);
	present[0] = 1;
	present[words - 1] = G_GUINT64_CONSTANT(1) << 63;
	vm_pages_begin_window(pages, 1.0, 1.0);
	for (gsize chunk = 0; chunk < 2; chunk++) {
		const struct host_view host = { .present = present + chunk * VM_PAGES_CHUNK_WORDS,
						.idle = idle + chunk * VM_PAGES_CHUNK_WORDS };

		vm_pages_update(pages, chunk, &host, chunk == 0 ? large : large_last, NULL, &counts);
	}
	assert_int_equal(pages->ages[0], 0);
	assert_int_equal(pages->ages[count - 1], 0);
	assert_int_equal(pages->ages[count - 2], PAGE_AGE_HOLE);
	assert_int_equal(counts.merge.accessed, 2);
	assert_memory_equal(pages->large, large, sizeof(large));
	assert_int_equal(pages->large[2], 4);
	assert_counted(pages);
	g_free(present);
	g_free(idle);
	vm_pages_free(pages);
}

/*
 * The layout changes: frames 0-511 stay, 512-1023 go, 2048-2559 come, and all lie at other virtual pages. The
 * ages of 0-511 and the windows are kept, the new frames are holes.
 */
static void test_carry_over(void **state)
{
	const struct ram_range before = { .gfn = 0, .vpn = 512, .pages = 1024 };
	const struct ram_range after[] = { { .gfn = 2048, .vpn = 8192, .pages = 512 },
					   { .gfn = 0, .vpn = 4096 + 7, .pages = 512 } };
	struct vm_pages *old = pages_of(&before, 1), *pages = pages_of(after, 2);
	guint64 index;

	for (gsize i = 0; i < 1024; i++)
		old->ages[i] = (guint8)(i % 100);
	vm_pages_begin_window(old, 1.5, 1.0);
	vm_pages_carry_over(pages, old);

	assert_int_equal(pages->windows, 1);
	assert_true(window_ring_seconds(&pages->ring, 1) == 1.5);
	for (guint64 gfn = 0; gfn < 512; gfn++) {
		assert_true(page_map_index_of_gfn(pages->map, gfn, &index));
		assert_int_equal(pages->ages[index], gfn % 100);
	}
	assert_true(page_map_index_of_gfn(pages->map, 2048, &index));
	assert_int_equal(pages->ages[index], PAGE_AGE_HOLE);
	assert_counted(pages);
	vm_pages_free(old);
	vm_pages_free(pages);
}

static void assert_run(const GArray *runs, guint i, guint64 gfn, guint64 vpn, guint64 count, guint8 age)
{
	const struct vm_run *run = &g_array_index(runs, struct vm_run, i);

	assert_int_equal(run->gfn, gfn);
	assert_int_equal(run->vpn, vpn);
	assert_int_equal(run->pages, count);
	assert_int_equal(run->age, age);
}

/* Runs end where the age changes and where a range ends, and cover every page once. */
static void test_runs(void **state)
{
	const struct ram_range ranges[] = { { .gfn = 0, .vpn = 1000, .pages = 100 },
					    { .gfn = 100, .vpn = 5000, .pages = 50 } };
	struct vm_pages *pages = pages_of(ranges, 2);
	GArray *runs;

	memset(pages->ages + pages->map->ranges[0].index, 3, 40);
	memset(pages->ages + pages->map->ranges[0].index + 40, 7, 60);
	memset(pages->ages + pages->map->ranges[1].index, 7, 50);
	runs = vm_pages_runs(pages, 100);
	assert_int_equal(runs->len, 3);
	assert_run(runs, 0, 0, 1000, 40, 3);
	assert_run(runs, 1, 40, 1040, 60, 7);
	assert_run(runs, 2, 100, 5000, 50, 7);
	g_array_unref(runs);
	vm_pages_free(pages);
}

/*
 * 1024 pages of ages 9, 0, 9, 0, ... are 1024 runs. With room for 8 they become blocks of 2, each as young as
 * its youngest page: one run of age 0. With pages 0-511 at 9 throughout, blocks of 2 give two runs.
 */
static void test_runs_are_bounded(void **state)
{
	struct vm_pages *pages = simple_pages(1024);
	GArray *runs;

	for (gsize i = 0; i < 1024; i++)
		pages->ages[i] = i % 2 == 0 ? 9 : 0;
	runs = vm_pages_runs(pages, 1024);
	assert_int_equal(runs->len, 1024);
	g_array_unref(runs);
	runs = vm_pages_runs(pages, 8);
	assert_int_equal(runs->len, 1);
	assert_run(runs, 0, 0, 512, 1024, 0);
	g_array_unref(runs);
	memset(pages->ages, 9, 512);
	runs = vm_pages_runs(pages, 8);
	assert_int_equal(runs->len, 2);
	assert_run(runs, 0, 0, 512, 512, 9);
	assert_run(runs, 1, 512, 1024, 512, 0);
	g_array_unref(runs);
	vm_pages_free(pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_pages_are_holes),
		cmocka_unit_test(test_ages_by_both_data),
		cmocka_unit_test(test_hot_until_known_to_be_old),
		cmocka_unit_test(test_two_chunks),
		cmocka_unit_test(test_carry_over),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_runs_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
