/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_plugin_map.c - the plugin's file from both sides: who may make it, who is recorded for, and that no bit
 * is lost
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "map_recorder.h"
#include "plugin_observer.h"

#define WORD G_GUINT64_CONSTANT(64)

struct fixture {
	char *folder, *path;
	struct map_recorder recorder;
};

/* A file system that is full behind the header. */
static gboolean is_full;
int __real_fallocate(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);

int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (is_full && offset >= (off_t)VMHEAT_PLUGIN_MAP_HEADER_BYTES) {
		errno = ENOSPC;
		return -1;
	}
	return __real_fallocate(fd, mode, offset, length);
}

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	fixture->folder = g_dir_make_tmp("vmheat-test-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->folder, "map", NULL);
	is_full = FALSE;
	*state = fixture;
	return 0;
}

static void stop(struct fixture *fixture)
{
	munmap(fixture->recorder.file.map, VMHEAT_PLUGIN_MAP_FILE_BYTES);
	close(fixture->recorder.file.fd);
	fixture->recorder.file.map = NULL;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->recorder.file.map != NULL)
		stop(fixture);
	unlink(fixture->path);
	rmdir(fixture->folder);
	g_free(fixture->folder);
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

static int start(struct fixture *fixture)
{
	return map_recorder_start(&fixture->recorder, fixture->path);
}

static struct plugin_observer *observe(const struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct plugin_observer *observer = plugin_observer_new(fixture->path, &error);

	if (error != NULL)
		fail_msg("%s", error->message);
	return observer;
}

/* What QEMU does when it is asked for something. Return: whether that took a switch. */
static gboolean look(struct fixture *fixture, gboolean find_dead)
{
	gboolean takes_switch = map_recorder_look(&fixture->recorder, find_dead);

	if (takes_switch)
		map_recorder_switch(&fixture->recorder);
	return takes_switch;
}

static guint64 collect_word(struct plugin_observer *observer, guint64 gfn)
{
	guint64 word = 0;

	assert_true(plugin_observer_collect(observer, gfn, 64, &word, NULL));
	return word;
}

/* Whatever the umask: mode 0600, complete, and almost no room taken. */
static void test_create(void **state)
{
	struct fixture *fixture = *state;
	mode_t mask = umask(0);
	struct stat status;

	assert_int_equal(start(fixture), 0);
	umask(mask);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(status.st_size, VMHEAT_PLUGIN_MAP_FILE_BYTES);
	assert_in_range(status.st_blocks * 512, 0, 4096);
	assert_int_equal(fixture->recorder.file.map->magic, VMHEAT_PLUGIN_MAP_MAGIC);
	assert_false(map_recorder_is_on(&fixture->recorder));
}

/*
 * The file of a QEMU that lives stays; that of a dead one makes room for a new one, also if it died very early.
 */
static void test_stale(void **state)
{
	struct fixture *fixture = *state;
	struct map_recorder second;
	struct stat old, new;

	assert_int_equal(start(fixture), 0);
	assert_int_equal(stat(fixture->path, &old), 0);
	assert_int_equal(map_recorder_start(&second, fixture->path), -EBUSY);
	assert_int_equal(stat(fixture->path, &new), 0);
	assert_int_equal(new.st_ino, old.st_ino);
	fixture->recorder.file.map->lost = 7;
	stop(fixture);
	assert_int_equal(start(fixture), 0);
	assert_int_equal(fixture->recorder.file.map->lost, 0);
	stop(fixture);
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_int_equal(start(fixture), 0);
}

/*
 * Nothing that is not the plugin's own is touched: a link, to whatever; somebody's text; a fifo; a second name.
 */
static void test_foreign(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *other = g_build_filename(fixture->folder, "other", NULL), *text = NULL;

	assert_true(g_file_set_contents(other, "precious", -1, NULL));
	assert_int_equal(symlink(other, fixture->path), 0);
	assert_int_equal(start(fixture), -EEXIST);
	unlink(fixture->path);
	assert_int_equal(rename(other, fixture->path), 0);
	assert_int_equal(start(fixture), -EEXIST);
	assert_true(g_file_get_contents(fixture->path, &text, NULL, NULL));
	assert_string_equal(text, "precious");
	unlink(fixture->path);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_int_equal(start(fixture), -EEXIST);
	unlink(fixture->path);
	assert_int_equal(start(fixture), 0);
	stop(fixture);
	assert_int_equal(link(fixture->path, other), 0);
	assert_int_equal(start(fixture), -EEXIST);
	unlink(other);
}

/* Recorded from the switch on; taken once. Pages 5 and 64 * 7 + 3. */
static void test_record(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *observer;

	assert_int_equal(start(fixture), 0);
	observer = observe(fixture);
	assert_true(map_recorder_is_asked(&fixture->recorder));
	map_recorder_record(&fixture->recorder, 4);
	assert_false(plugin_observer_is_armed(observer, NULL));
	assert_true(look(fixture, FALSE));
	assert_false(map_recorder_is_asked(&fixture->recorder));
	assert_true(plugin_observer_is_armed(observer, NULL));
	map_recorder_record(&fixture->recorder, 5);
	map_recorder_record(&fixture->recorder, 7 * WORD + 3);
	assert_int_equal(collect_word(observer, 0), 1 << 5);
	assert_int_equal(collect_word(observer, 7 * WORD), 1 << 3);
	assert_int_equal(collect_word(observer, 0), 0);
	plugin_observer_free(observer);
	assert_true(look(fixture, FALSE));
	assert_false(map_recorder_is_on(&fixture->recorder));
}

/*
 * A range that fits no words: of pages 100, 163 and 164, the 64 from 100 on hold the first two, as bits 0 and
 * 63. The third one stays.
 */
static void test_any_range(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *observer;
	guint64 words[3];

	assert_int_equal(start(fixture), 0);
	observer = observe(fixture);
	look(fixture, FALSE);
	map_recorder_record(&fixture->recorder, 100);
	map_recorder_record(&fixture->recorder, 163);
	map_recorder_record(&fixture->recorder, 164);
	assert_int_equal(collect_word(observer, 100), G_GUINT64_CONSTANT(1) << 63 | 1);
	assert_int_equal(collect_word(observer, 164), 1);
	/* Pages 130 to 299: 170 pages, three words. Page 299 is bit 41 of the last. */
	map_recorder_record(&fixture->recorder, 129);
	map_recorder_record(&fixture->recorder, 131);
	map_recorder_record(&fixture->recorder, 200);
	map_recorder_record(&fixture->recorder, 299);
	map_recorder_record(&fixture->recorder, 300);
	assert_true(plugin_observer_collect(observer, 130, 170, words, NULL));
	assert_int_equal(words[0], 1 << 1);
	assert_int_equal(words[1], 1 << 6);
	assert_int_equal(words[2], G_GUINT64_CONSTANT(1) << 41);
	assert_int_equal(collect_word(observer, 129), 1);
	assert_int_equal(collect_word(observer, 300), 1);
	plugin_observer_free(observer);
}

/* The second observer needs no switch. Each takes its own bits. One that left gets no more. */
static void test_several(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *first, *second;

	assert_int_equal(start(fixture), 0);
	first = observe(fixture);
	assert_true(look(fixture, FALSE));
	map_recorder_record(&fixture->recorder, 1);
	second = observe(fixture);
	assert_false(look(fixture, FALSE));
	assert_true(plugin_observer_is_armed(second, NULL));
	map_recorder_record(&fixture->recorder, 2);
	assert_int_equal(collect_word(second, 0), 1 << 2);
	assert_int_equal(collect_word(first, 0), 1 << 1 | 1 << 2);
	plugin_observer_free(first);
	assert_false(look(fixture, FALSE));
	map_recorder_record(&fixture->recorder, 3);
	assert_int_equal(collect_word(second, 0), 1 << 3);
	assert_int_equal(map_file_bitmap(&fixture->recorder.file, 0)[0], 0);
	plugin_observer_free(second);
}

/* A process that is killed as an observer is found to be gone, but only when that is looked for. */
static void test_dead(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *next;
	int report[2];
	pid_t pid;
	char byte;

	assert_int_equal(start(fixture), 0);
	assert_int_equal(pipe(report), 0);
	pid = fork();
	if (pid == 0) {
		observe(fixture);
		if (write(report[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(report[0], &byte, 1), 1);
	assert_true(look(fixture, TRUE));
	assert_true(map_recorder_is_on(&fixture->recorder));
	assert_false(look(fixture, TRUE));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(look(fixture, FALSE));
	assert_true(look(fixture, TRUE));
	assert_false(map_recorder_is_on(&fixture->recorder));
	next = observe(fixture);
	assert_true(look(fixture, TRUE));
	assert_true(plugin_observer_is_armed(next, NULL));
	plugin_observer_free(next);
	close(report[0]);
	close(report[1]);
}

/* What dies and is followed at once by another in its place is not taken for that. */
static void test_same_place(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *observer;

	assert_int_equal(start(fixture), 0);
	fixture->recorder.file.map->observers[0].wanted = 5;
	look(fixture, FALSE);
	assert_int_equal(fixture->recorder.file.map->observers[0].armed, 5);
	observer = observe(fixture);
	assert_false(plugin_observer_is_armed(observer, NULL));
	look(fixture, TRUE);
	assert_true(plugin_observer_is_armed(observer, NULL));
	plugin_observer_free(observer);
}

/* Pages without a bit are counted as lost, and asking for them is an error. */
static void test_beyond(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *observer;
	guint64 word;

	assert_int_equal(start(fixture), 0);
	observer = observe(fixture);
	look(fixture, FALSE);
	map_recorder_record(&fixture->recorder, VMHEAT_PLUGIN_MAP_END_GFN - 1);
	assert_int_equal(plugin_observer_lost(observer), 0);
	map_recorder_record(&fixture->recorder, VMHEAT_PLUGIN_MAP_END_GFN);
	map_recorder_record(&fixture->recorder, G_MAXUINT64);
	assert_int_equal(plugin_observer_lost(observer), 2);
	assert_int_equal(collect_word(observer, VMHEAT_PLUGIN_MAP_END_GFN - 64), G_GUINT64_CONSTANT(1) << 63);
	assert_false(plugin_observer_collect(observer, VMHEAT_PLUGIN_MAP_END_GFN - 63, 64, &word, NULL));
	assert_false(plugin_observer_collect(observer, G_MAXUINT64, 64, &word, NULL));
	plugin_observer_free(observer);
}

/*
 * A full file system. With bits in a chunk already, a second observer has no room for its own and is told so,
 * once; the first goes on. A chunk that is new has no room either: its accesses are lost, and counted.
 */
static void test_full(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *first, *second;
	g_autoptr(GError) error = NULL;

	assert_int_equal(start(fixture), 0);
	first = observe(fixture);
	look(fixture, FALSE);
	map_recorder_record(&fixture->recorder, 1);
	is_full = TRUE;
	second = observe(fixture);
	assert_false(look(fixture, FALSE));
	assert_false(plugin_observer_is_armed(second, &error));
	assert_true(g_error_matches(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_FAILED));
	assert_non_null(strstr(error->message, "No space left"));
	assert_false(look(fixture, TRUE));
	map_recorder_record(&fixture->recorder, 2);
	map_recorder_record(&fixture->recorder, 1 << MAP_FILE_CHUNK_SHIFT);
	assert_int_equal(collect_word(first, 0), 1 << 1 | 1 << 2);
	assert_int_equal(plugin_observer_lost(first), 1);
	plugin_observer_free(second);
	is_full = FALSE;
	second = observe(fixture);
	look(fixture, FALSE);
	assert_true(plugin_observer_is_armed(second, NULL));
	map_recorder_record(&fixture->recorder, 1 << MAP_FILE_CHUNK_SHIFT);
	assert_int_equal(collect_word(first, 1 << MAP_FILE_CHUNK_SHIFT), 1);
	assert_int_equal(collect_word(second, 1 << MAP_FILE_CHUNK_SHIFT), 1);
	plugin_observer_free(first);
	plugin_observer_free(second);
}

/*
 * A machine's memory as others read it: nothing before it is told, nor of another process; more ranges than fit
 * are not believed.
 */
static void test_memory(void **state)
{
	struct fixture *fixture = *state;
	struct ram_layout layout;
	GArray *memory;

	assert_int_equal(start(fixture), 0);
	assert_null(plugin_observer_memory(fixture->path, getpid(), NULL));
	ram_layout_clear(&layout);
	ram_layout_add(&layout, "", 0x7f0000000000, 0x100000000, 0x3000);
	map_recorder_publish(&fixture->recorder, &layout);
	assert_null(plugin_observer_memory(fixture->path, getpid() + 1, NULL));
	memory = plugin_observer_memory(fixture->path, getpid(), NULL);
	assert_non_null(memory);
	assert_int_equal(memory->len, 1);
	assert_int_equal(g_array_index(memory, struct vmheat_idle_memslot, 0).gfn, 0x100000);
	assert_int_equal(g_array_index(memory, struct vmheat_idle_memslot, 0).hva, 0x7f0000000000);
	assert_int_equal(g_array_index(memory, struct vmheat_idle_memslot, 0).pages, 3);
	g_array_unref(memory);
	fixture->recorder.file.map->range_count = G_MAXUINT32;
	memory = plugin_observer_memory(fixture->path, getpid(), NULL);
	assert_int_equal(memory->len, VMHEAT_PLUGIN_MAP_RANGES);
	g_array_unref(memory);
	fixture->recorder.file.map->ranges_sequence = 1;
	assert_null(plugin_observer_memory(fixture->path, getpid(), NULL));
}

static void assert_refused(const struct fixture *fixture, enum idle_observer_error code)
{
	g_autoptr(GError) error = NULL;

	assert_null(plugin_observer_new(fixture->path, &error));
	assert_true(g_error_matches(error, IDLE_OBSERVER_ERROR, (gint)code));
}

/* What is no such file, or of another version, or of a dead QEMU, is refused; all places taken, too. */
static void test_refused(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *observers[VMHEAT_PLUGIN_MAP_OBSERVERS];

	assert_refused(fixture, IDLE_OBSERVER_ERROR_UNAVAILABLE);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_refused(fixture, IDLE_OBSERVER_ERROR_UNAVAILABLE);
	unlink(fixture->path);
	assert_int_equal(start(fixture), 0);
	fixture->recorder.file.map->version++;
	assert_refused(fixture, IDLE_OBSERVER_ERROR_UNAVAILABLE);
	fixture->recorder.file.map->version--;
	fixture->recorder.file.map->magic++;
	assert_refused(fixture, IDLE_OBSERVER_ERROR_UNAVAILABLE);
	fixture->recorder.file.map->magic--;
	for (gsize i = 0; i < G_N_ELEMENTS(observers); i++)
		observers[i] = observe(fixture);
	assert_refused(fixture, IDLE_OBSERVER_ERROR_UNAVAILABLE);
	for (gsize i = 0; i < G_N_ELEMENTS(observers); i++)
		plugin_observer_free(observers[i]);
	stop(fixture);
	assert_refused(fixture, IDLE_OBSERVER_ERROR_GONE);
	assert_int_equal(truncate(fixture->path, 4096), 0);
	assert_refused(fixture, IDLE_OBSERVER_ERROR_UNAVAILABLE);
}

/* A QEMU that ends is noticed. */
static void test_gone(void **state)
{
	struct fixture *fixture = *state;
	struct plugin_observer *observer;
	g_autoptr(GError) error = NULL;
	guint64 word;

	assert_int_equal(start(fixture), 0);
	observer = observe(fixture);
	stop(fixture);
	assert_false(plugin_observer_collect(observer, 0, 64, &word, &error));
	assert_true(g_error_matches(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_GONE));
	plugin_observer_free(observer);
}

#define RACE_PAGES  (G_GUINT64_CONSTANT(5000) * 64)
#define RACE_PASSES 200

struct race {
	struct map_recorder *recorder;
	pthread_barrier_t barrier;
	gint threads;
};

/* Every second page of each word, which both threads begin at the same time. */
static gpointer record_half(gpointer data)
{
	struct race *race = data;
	guint64 first = (guint64)g_atomic_int_add(&race->threads, 1);

	for (guint64 gfn = first; gfn < RACE_PAGES; gfn += 2) {
		if (gfn % 64 == first)
			pthread_barrier_wait(&race->barrier);
		map_recorder_record(race->recorder, gfn);
	}
	return NULL;
}

/* Two threads record 160,000 pages each, while a third collects: each page is told exactly once. */
static void test_race(void **state)
{
	struct fixture *fixture = *state;
	g_autofree guint64 *seen = g_new0(guint64, RACE_PAGES / 64), *words = g_new(guint64, RACE_PAGES / 64);
	struct plugin_observer *observer;
	GThread *threads[2];
	struct race race = { .recorder = &fixture->recorder };
	guint64 count = 0, twice = 0;

	pthread_barrier_init(&race.barrier, NULL, 2);
	assert_int_equal(start(fixture), 0);
	observer = observe(fixture);
	look(fixture, FALSE);
	for (gsize i = 0; i < 2; i++)
		threads[i] = g_thread_new("record", record_half, &race);
	for (gsize pass = 0; pass <= RACE_PASSES; pass++) {
		/* The last time when all is recorded. */
		for (gsize i = 0; i < 2 && pass == RACE_PASSES; i++)
			g_thread_join(threads[i]);
		assert_true(plugin_observer_collect(observer, 0, RACE_PAGES, words, NULL));
		for (gsize i = 0; i < RACE_PAGES / 64; i++) {
			twice |= seen[i] & words[i];
			seen[i] |= words[i];
			count += (guint64)__builtin_popcountll(words[i]);
		}
	}
	assert_int_equal(twice, 0);
	assert_int_equal(count, RACE_PAGES);
	pthread_barrier_destroy(&race.barrier);
	plugin_observer_free(observer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),    TEST(test_stale),	  TEST(test_foreign), TEST(test_record),
		TEST(test_any_range), TEST(test_several), TEST(test_dead),    TEST(test_same_place),
		TEST(test_beyond),    TEST(test_full),	  TEST(test_memory),  TEST(test_refused),
		TEST(test_gone),      TEST(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
