/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_idle_bitmap.c - the module source on a /proc of regular files
 *
 * The files are as the kernel's: idle_bitmap keeps what is written to it, pagemap and kpageflags are filled
 * by the test. A guest's access is a bit that the test clears.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "idle_bitmap.h"

#define PID	  4711
#define FILE_SIZE 1048576
#define PRESENT	  (G_GUINT64_CONSTANT(1) << 63)
#define SWAPPED	  (G_GUINT64_CONSTANT(1) << 62)
#define THP	  (G_GUINT64_CONSTANT(1) << KPF_THP)
#define ZERO	  (G_GUINT64_CONSTANT(1) << KPF_ZERO_PAGE)

/* Two leaves and a bit: virtual pages 612 to 1859, and far from them 5120 to 5631, a leaf of its own. */
#define FIRST_VPN   612u
#define FIRST_PAGES 1248u
#define SECOND_VPN  5120u

struct bench {
	char *proc;
	int idle, pagemap, kpageflags;
	struct page_map *map;
	struct host_source *source;
	struct host_chunk chunk;
};

static int create_file(const struct bench *bench, const char *name)
{
	g_autofree char *path = g_strconcat(bench->proc, "/", name, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FILE_SIZE), 0);
	return fd;
}

static guint64 get_word(int fd, guint64 word)
{
	guint64 value;

	assert_int_equal(pread(fd, &value, sizeof(value), (off_t)(word * sizeof(value))), sizeof(value));
	return value;
}

static void put_word(int fd, guint64 word, guint64 value)
{
	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)(word * sizeof(value))), sizeof(value));
}

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
	const struct ram_range *ram = &bench->map->ranges[vpn < SECOND_VPN ? 0 : 1].ram;

	return bench->map->ranges[vpn < SECOND_VPN ? 0 : 1].index + (vpn - ram->vpn);
}

/* Back @pages pages from @vpn on with frames from @pfn on, which have @flags. */
static void map_pages(const struct bench *bench, guint64 vpn, guint64 pages, guint64 pfn, guint64 flags)
{
	for (guint64 i = 0; i < pages; i++) {
		put_word(bench->pagemap, vpn + i, PRESENT | (pfn + i));
		put_word(bench->kpageflags, pfn + i, flags);
	}
}

/* The guest touches @vpn. */
static void touch(const struct bench *bench, guint64 vpn)
{
	guint64 word = get_word(bench->idle, vpn / 64);

	put_word(bench->idle, vpn / 64, word & ~(G_GUINT64_CONSTANT(1) << vpn % 64));
}

static void touch_run(const struct bench *bench, guint64 vpn, guint64 pages)
{
	for (guint64 i = 0; i < pages; i++)
		touch(bench, vpn + i);
}

static int open_bench(void **state)
{
	static const struct ram_range ranges[] = {
		{ .gfn = 0, .vpn = FIRST_VPN, .pages = FIRST_PAGES },
		{ .gfn = 0x100000, .vpn = SECOND_VPN, .pages = 512 },
	};
	struct bench *bench = g_new0(struct bench, 1);
	g_autofree char *process = NULL;
	const char *reason;

	bench->proc = g_dir_make_tmp("vmheat-XXXXXX", NULL);
	assert_non_null(bench->proc);
	process = g_strdup_printf("%s/%d", bench->proc, PID);
	assert_int_equal(g_mkdir(process, 0700), 0);
	bench->idle = create_file(bench, "4711/idle_bitmap");
	bench->pagemap = create_file(bench, "4711/pagemap");
	bench->kpageflags = create_file(bench, "kpageflags");
	bench->map = page_map_new(ranges, 2, &reason);
	bench->source = idle_bitmap_open_at(bench->proc, PID, "g1", bench->map, NULL);
	assert_non_null(bench->source);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	static const char *const names[] = { "4711/idle_bitmap", "4711/pagemap", "4711", "kpageflags", "" };
	struct bench *bench = *state;

	host_source_module.close(bench->source);
	page_map_free(bench->map);
	close(bench->idle);
	close(bench->pagemap);
	close(bench->kpageflags);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_strconcat(bench->proc, "/", names[i], NULL);

		(void)g_remove(path);
	}
	g_free(bench->proc);
	g_free(bench);
	return 0;
}

static void harvest(struct bench *bench)
{
	g_autoptr(GError) error = NULL;

	memset(&bench->chunk, 0x5a, sizeof(bench->chunk));
	if (!host_source_module.harvest(bench->source, 0, bench->map->index_count / 64, &bench->chunk,
					&error))
		fail_msg("%s", error->message);
}

static void assert_harvest_fails(struct bench *bench, enum source_error code, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_false(host_source_module.harvest(bench->source, 0, bench->map->index_count / 64, &bench->chunk,
						&error));
	assert_true(g_error_matches(error, SOURCE_ERROR, code));
	assert_non_null(strstr(error->message, message));
	assert_true(g_str_has_prefix(error->message, "g1: "));
}

/* A page is where the index says it is: present if pagemap says so, idle if its bit is set, and nothing else.
 */
static void test_states(void **state)
{
	struct bench *bench = *state;
	const guint64 *present = bench->chunk.present, *idle = bench->chunk.idle;

	map_pages(bench, FIRST_VPN, 3, 7000, 0);
	map_pages(bench, FIRST_VPN + FIRST_PAGES - 1, 1, 7100, 0);
	map_pages(bench, FIRST_VPN + FIRST_PAGES, 1, 7101, 0); /* behind the range */
	map_pages(bench, SECOND_VPN + 70, 1, 7200, 0);
	put_word(bench->pagemap, FIRST_VPN + 3, SWAPPED | 99);
	harvest(bench);
	touch(bench, FIRST_VPN + 1);
	touch(bench, SECOND_VPN + 70);
	harvest(bench);

	assert_int_equal(count_bits(present, bench->map->index_count / 64), 5);
	assert_int_equal(count_bits(idle, bench->map->index_count / 64), 3);
	assert_true(get_bit(idle, index_of_vpn(bench, FIRST_VPN)));
	assert_true(get_bit(present, index_of_vpn(bench, FIRST_VPN + 1)));
	assert_false(get_bit(idle, index_of_vpn(bench, FIRST_VPN + 1)));
	assert_true(get_bit(idle, index_of_vpn(bench, FIRST_VPN + 2)));
	assert_true(get_bit(idle, index_of_vpn(bench, FIRST_VPN + FIRST_PAGES - 1)));
	assert_true(get_bit(present, index_of_vpn(bench, SECOND_VPN + 70)));
	assert_false(get_bit(idle, index_of_vpn(bench, SECOND_VPN + 70)));
}

/* Only the VM's pages are marked: its neighbours in the first word (612 = 9 * 64 + 36) and the last
 * (1859 = 29 * 64 + 3) belong to other memory of the process. */
static void test_marks_nothing_else(void **state)
{
	struct bench *bench = *state;

	harvest(bench);
	assert_int_equal(get_word(bench->idle, 8), 0);
	assert_int_equal(get_word(bench->idle, 9), G_MAXUINT64 << 36);
	assert_int_equal(get_word(bench->idle, 10), G_MAXUINT64);
	assert_int_equal(get_word(bench->idle, 28), G_MAXUINT64);
	assert_int_equal(get_word(bench->idle, 29), 0xf);
	assert_int_equal(get_word(bench->idle, 30), 0);
	assert_int_equal(get_word(bench->idle, SECOND_VPN / 64 - 1), 0);
	assert_int_equal(get_word(bench->idle, SECOND_VPN / 64), G_MAXUINT64);
	assert_int_equal(get_word(bench->idle, SECOND_VPN / 64 + 8), 0);
}

/* The first harvest has no window; the second has the time that passed, the third begins anew. */
static void test_window(void **state)
{
	struct bench *bench = *state;
	gint64 before = g_get_monotonic_time();
	double passed;

	harvest(bench);
	assert_true(bench->chunk.window_seconds == 0.0);
	g_usleep(50000);
	harvest(bench);
	passed = (double)(g_get_monotonic_time() - before) / 1e6;
	assert_true(bench->chunk.window_seconds >= 0.05);
	assert_true(bench->chunk.window_seconds <= passed);
	harvest(bench);
	assert_true(bench->chunk.window_seconds < 0.05);
}

/* Half of the memory marked is not a window for all of it. */
static void test_window_of_part(void **state)
{
	struct bench *bench = *state;

	assert_true(host_source_module.harvest(bench->source, 0, 8, &bench->chunk, NULL));
	harvest(bench);
	assert_true(bench->chunk.window_seconds == 0.0);
	harvest(bench);
	assert_true(bench->chunk.window_seconds > 0.0);
}

/* mark() marks the pages it is told, in both ranges, and no others; the window goes on. */
static void test_mark(void **state)
{
	struct bench *bench = *state;
	guint64 first = index_of_vpn(bench, FIRST_VPN + FIRST_PAGES - 2);
	guint64 end = index_of_vpn(bench, SECOND_VPN + 1);

	map_pages(bench, FIRST_VPN, FIRST_PAGES, 10000, 0);
	map_pages(bench, SECOND_VPN, 512, 20001, 0);
	harvest(bench);
	touch_run(bench, FIRST_VPN, FIRST_PAGES);
	touch_run(bench, SECOND_VPN, 512);
	g_usleep(20000);
	assert_true(host_source_module.mark(bench->source, first, end - first, NULL));
	harvest(bench);
	assert_int_equal(count_bits(bench->chunk.idle, bench->map->index_count / 64), 3);
	assert_true(get_bit(bench->chunk.idle, first));
	assert_true(get_bit(bench->chunk.idle, first + 1));
	assert_true(get_bit(bench->chunk.idle, end - 1));
	assert_true(bench->chunk.window_seconds >= 0.02);
}

/* Harvest after accesses to @touched pages of the second range, a block with frames from @pfn on; TRUE:
 * large. */
static gboolean is_large(struct bench *bench, guint64 pfn, guint64 flags, guint64 touched)
{
	guint64 word = index_of_vpn(bench, SECOND_VPN) / 64;
	guint64 bits;

	map_pages(bench, SECOND_VPN, 512, pfn, flags);
	harvest(bench);
	touch_run(bench, SECOND_VPN, touched);
	harvest(bench);
	bits = count_bits(bench->chunk.large + word, 8);
	assert_true(bits == 0 || bits == 512);
	assert_int_equal(count_bits(bench->chunk.large, word), 0);
	assert_int_equal(count_bits(bench->chunk.present + word, 8), 512);
	assert_int_equal(count_bits(bench->chunk.idle + word, 8), 512 - touched);
	return bits == 512;
}

/* 512 equal bits over one huge page are a large leaf, idle or accessed; anything less is not. */
static void test_large(void **state)
{
	struct bench *bench = *state;

	assert_true(is_large(bench, 2048, THP, 512));
	assert_true(is_large(bench, 2048, THP, 0));
	assert_false(is_large(bench, 2048, THP, 1));
	assert_false(is_large(bench, 2048, THP, 511));
	assert_false(is_large(bench, 2048, 0, 512));
	assert_false(is_large(bench, 2049, THP, 512));
	assert_true(is_large(bench, 2048, G_GUINT64_CONSTANT(1) << KPF_HUGE, 512));
}

/* Frames in a row but for the last are not one huge page. */
static void test_large_broken_row(void **state)
{
	struct bench *bench = *state;

	map_pages(bench, SECOND_VPN, 512, 2048, THP);
	put_word(bench->pagemap, SECOND_VPN + 511, PRESENT | 9999);
	harvest(bench);
	assert_int_equal(count_bits(bench->chunk.large, bench->map->index_count / 64), 0);
}

/* A block that maps the huge zero page is a hole. */
static void test_huge_zero_page(void **state)
{
	struct bench *bench = *state;

	map_pages(bench, SECOND_VPN, 512, 2048, THP | ZERO);
	harvest(bench);
	assert_int_equal(count_bits(bench->chunk.present, bench->map->index_count / 64), 0);
	assert_int_equal(count_bits(bench->chunk.idle, bench->map->index_count / 64), 0);
	assert_int_equal(count_bits(bench->chunk.large, bench->map->index_count / 64), 0);
}

/* Without CAP_SYS_ADMIN pagemap shows 0 for every frame: said, not taken for "no huge page". */
static void test_hidden_frames(void **state)
{
	struct bench *bench = *state;

	for (guint64 i = 0; i < 512; i++)
		put_word(bench->pagemap, SECOND_VPN + i, PRESENT);
	assert_harvest_fails(bench, SOURCE_ERROR_UNAVAILABLE, "CAP_SYS_ADMIN");
}

/* The process ends: its files end where its memory was. */
static void test_process_ends(void **state)
{
	struct bench *bench = *state;

	harvest(bench);
	assert_int_equal(ftruncate(bench->idle, 0), 0);
	assert_harvest_fails(bench, SOURCE_ERROR_GONE, "the process has ended");
	assert_int_equal(ftruncate(bench->idle, FILE_SIZE), 0);
	assert_int_equal(ftruncate(bench->pagemap, 0), 0);
	assert_harvest_fails(bench, SOURCE_ERROR_GONE, "the process has ended");
}

static void assert_open_fails(const char *proc, pid_t pid, const struct page_map *map, enum source_error code,
			      const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(idle_bitmap_open_at(proc, pid, "g1", map, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, code));
	assert_non_null(strstr(error->message, message));
}

/* No process and no module are two different things, and the second says what to do. */
static void test_open_fails(void **state)
{
	struct bench *bench = *state;
	g_autofree char *path = g_strconcat(bench->proc, "/4711/idle_bitmap", NULL);

	assert_open_fails(bench->proc, 4712, bench->map, SOURCE_ERROR_GONE, "the process has ended");
	assert_int_equal(g_remove(path), 0);
	assert_open_fails(bench->proc, PID, bench->map, SOURCE_ERROR_UNAVAILABLE,
			  "idle_bitmap is missing: is kvm_idle loaded?");
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_states),
		BENCH_TEST(test_marks_nothing_else),
		BENCH_TEST(test_window),
		BENCH_TEST(test_window_of_part),
		BENCH_TEST(test_mark),
		BENCH_TEST(test_large),
		BENCH_TEST(test_large_broken_row),
		BENCH_TEST(test_huge_zero_page),
		BENCH_TEST(test_hidden_frames),
		BENCH_TEST(test_process_ends),
		BENCH_TEST(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
