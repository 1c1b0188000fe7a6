/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_act_journal.c - the journal's files: what is open after whatever end, and what a full disk stops
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "act_journal.h"

#define LIMIT 65536

static char vm[] = "lazy";
static char uuid[] = "11111111-2222-3333-4444-555555555555";
static char other_uuid[] = "22222222-2222-3333-4444-555555555555";
static char why[] = "shrink from 384 to 320 MiB";

/* A folder of its own, the journal in it, and how many warnings the log has had. */
struct scene {
	char *folder, *file, *old_file;
	struct act_journal *journal;
	guint warnings, messages;
	char *last_warning;
};
static struct scene *scene_now;

static GLogWriterOutput count_log(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
	struct scene *scene = scene_now;

	for (gsize i = 0; i < count; i++) {
		if (strcmp(fields[i].key, "MESSAGE") != 0)
			continue;
		if (level & G_LOG_LEVEL_WARNING) {
			scene->warnings++;
			g_free(scene->last_warning);
			scene->last_warning = g_strdup(fields[i].value);
		} else if (level & G_LOG_LEVEL_MESSAGE) {
			scene->messages++;
		}
	}
	return G_LOG_WRITER_HANDLED;
}

static void reopen(struct scene *scene)
{
	act_journal_free(scene->journal);
	scene->journal = act_journal_open(scene->folder, LIMIT, NULL);
	assert_non_null(scene->journal);
}

static int open_scene(void **state)
{
	struct scene *scene = g_new0(struct scene, 1);
	g_autofree char *top = g_dir_make_tmp("vmheat-journal-XXXXXX", NULL);

	scene_now = scene;
	/* It does not exist yet: the journal makes it. */
	scene->folder = g_build_filename(top, "state", NULL);
	scene->file = g_build_filename(scene->folder, "acts.journal", NULL);
	scene->old_file = g_build_filename(scene->folder, "acts.journal.1", NULL);
	*state = scene;
	reopen(scene);
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;
	g_autofree char *lock = g_build_filename(scene->folder, "lock", NULL);
	g_autofree char *top = g_path_get_dirname(scene->folder);

	act_journal_free(scene->journal);
	g_unlink(lock);
	g_unlink(scene->file);
	g_unlink(scene->old_file);
	g_rmdir(scene->folder);
	g_rmdir(top);
	g_free(scene->folder);
	g_free(scene->file);
	g_free(scene->old_file);
	g_free(scene->last_warning);
	g_free(scene);
	return 0;
}

/* Propose a shrink of 384 to 320 MiB of the VM with @id. Returns its number, 0 if it was refused. */
static guint64 propose(struct scene *scene, const char *id, gboolean takes)
{
	struct act_record record = { .kind = ACT_KIND_BALLOON,
				     .vm = vm,
				     .uuid = (char *)id,
				     .pid = 1,
				     .pid_start = 2,
				     .from = 384u << 20,
				     .to = 320u << 20,
				     .why = why };

	return act_journal_propose(scene->journal, &record, takes, NULL) ? record.number : 0;
}

static void assert_open(struct scene *scene, const char *id, guint64 number, enum act_state state)
{
	struct act_record record;

	assert_true(act_journal_find_open(scene->journal, id, ACT_KIND_BALLOON, &record));
	assert_int_equal(record.number, number);
	assert_int_equal(record.state, state);
	assert_string_equal(record.uuid, id);
	act_record_clear(&record);
}

static void assert_none_open(struct scene *scene, const char *id)
{
	struct act_record record;

	assert_false(act_journal_find_open(scene->journal, id, ACT_KIND_BALLOON, &record));
}

static char *contents(const char *path, gsize *length)
{
	char *text;

	assert_true(g_file_get_contents(path, &text, length, NULL));
	return text;
}

static void append_text(const char *path, const char *text, gsize length)
{
	FILE *file = fopen(path, "a");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* A record is on disk when the call returns: whoever reads the file then, and opens it anew, finds the same. */
static void test_each_state_survives(void **state)
{
	struct scene *scene = *state;
	struct act_record record;
	g_autoptr(GArray) history = NULL;
	guint64 number = propose(scene, uuid, TRUE);

	assert_int_equal(number, 1);
	assert_open(scene, uuid, 1, ACT_PROPOSED);
	reopen(scene);
	assert_open(scene, uuid, 1, ACT_PROPOSED);
	assert_true(act_journal_note(scene->journal, 1, ACT_APPLIED, 0, NULL, NULL));
	reopen(scene);
	assert_open(scene, uuid, 1, ACT_APPLIED);
	assert_true(act_journal_find_open(scene->journal, uuid, ACT_KIND_BALLOON, &record));
	assert_true(record.cut_off);
	act_record_clear(&record);
	assert_true(act_journal_note(scene->journal, 1, ACT_VERIFIED, 0, "it stands there", NULL));
	assert_none_open(scene, uuid);
	reopen(scene);
	assert_none_open(scene, uuid);
	assert_false(act_journal_note(scene->journal, 1, ACT_APPLIED, 0, NULL, NULL));
	assert_int_equal(propose(scene, uuid, TRUE), 2);
	history = act_journal_history(scene->journal, vm, NULL);
	assert_int_equal(history->len, 2);
	assert_string_equal(g_array_index(history, struct act_record, 0).note, "it stands there");
	assert_int_equal(scene->warnings, 0);
}

/* An act that takes another's place ends it by its own record: whatever dies in between, one is open. */
static void test_replace(void **state)
{
	struct scene *scene = *state;
	g_autoptr(GArray) history = NULL;

	assert_int_equal(propose(scene, uuid, TRUE), 1);
	assert_int_equal(propose(scene, other_uuid, TRUE), 2);
	assert_int_equal(propose(scene, uuid, FALSE), 3);
	assert_open(scene, uuid, 3, ACT_PROPOSED);
	reopen(scene);
	assert_open(scene, uuid, 3, ACT_PROPOSED);
	assert_open(scene, other_uuid, 2, ACT_PROPOSED);
	history = act_journal_history(scene->journal, NULL, NULL);
	assert_int_equal(history->len, 3);
	assert_int_equal(g_array_index(history, struct act_record, 0).state, ACT_ROLLED_BACK);
	assert_string_equal(g_array_index(history, struct act_record, 0).note, "act 3 took its place");
}

/* Wherever the last line is torn, the lines before it count, and the next one is whole again. */
static void test_torn(void **state)
{
	struct scene *scene = *state;
	gsize first, length;

	assert_int_equal(propose(scene, uuid, TRUE), 1);
	g_free(contents(scene->file, &first));
	assert_true(act_journal_note(scene->journal, 1, ACT_APPLIED, 0, NULL, NULL));
	g_free(contents(scene->file, &length));
	for (gsize cut = length - 1; cut > first; cut -= 7) {
		assert_int_equal(truncate(scene->file, (off_t)cut), 0);
		scene->warnings = 0;
		reopen(scene);
		assert_int_equal(scene->warnings, 1);
		assert_open(scene, uuid, 1, ACT_PROPOSED);
		assert_true(act_journal_note(scene->journal, 1, ACT_APPLIED, 0, NULL, NULL));
		reopen(scene);
		assert_open(scene, uuid, 1, ACT_APPLIED);
		if (cut < first + 7)
			break;
	}
}

/* Garbage between records is named, with file and line, and skipped. */
static void test_damaged(void **state)
{
	struct scene *scene = *state;
	static const char garbage[] = "garbage\n\0\xff\n{\"act\":9}\n";

	assert_int_equal(propose(scene, uuid, TRUE), 1);
	append_text(scene->file, garbage, sizeof(garbage) - 1);
	reopen(scene);
	assert_int_equal(scene->warnings, 3);
	assert_non_null(strstr(scene->last_warning, "acts.journal:4: skipped: it"));
	assert_open(scene, uuid, 1, ACT_PROPOSED);
	assert_true(act_journal_note(scene->journal, 1, ACT_VERIFIED, 0, NULL, NULL));
	reopen(scene);
	assert_none_open(scene, uuid);
	/* A flood of it is summed up: of 1000 lines five are named, and the sum. */
	scene->warnings = 0;
	for (int i = 0; i < 1000; i++)
		append_text(scene->file, "garbage\n", 8);
	reopen(scene);
	assert_int_equal(scene->warnings, 6);
}

/* A file that is nothing but random bytes opens, and can be written to. */
static void test_random_bytes(void **state)
{
	struct scene *scene = *state;
	GRand *random = g_rand_new_with_seed(1);

	for (int round = 0; round < 200; round++) {
		char bytes[4096];

		for (gsize i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)g_rand_int_range(random, 0, 256);
		append_text(scene->file, bytes, (gsize)g_rand_int_range(random, 0, sizeof(bytes)));
		reopen(scene);
		assert_true(propose(scene, uuid, FALSE) != 0);
	}
	g_rand_free(random);
}

/* 2000 acts of some 350 bytes a record: the files stay within the limit, and what is open is never lost. */
static void test_bounded(void **state)
{
	struct scene *scene = *state;
	guint64 held = propose(scene, other_uuid, TRUE), last = held;

	for (int i = 0; i < 2000; i++) {
		struct stat now, old = { 0 };
		guint64 number = propose(scene, uuid, TRUE);

		assert_true(number == last + 1);
		last = number;
		assert_true(act_journal_note(scene->journal, number, ACT_VERIFIED, 0, NULL, NULL));
		assert_int_equal(stat(scene->file, &now), 0);
		(void)stat(scene->old_file, &old);
		assert_true(now.st_size + old.st_size <= LIMIT + 2048);
		if (i % 100 == 0)
			reopen(scene);
	}
	reopen(scene);
	assert_open(scene, other_uuid, held, ACT_PROPOSED);
	assert_none_open(scene, uuid);
	assert_int_equal(propose(scene, uuid, TRUE), last + 1);
}

/* The daemon dies between the two renames of a rotation: what was open is in the older file. */
static void test_half_rotated(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(propose(scene, uuid, TRUE), 1);
	assert_int_equal(g_rename(scene->file, scene->old_file), 0);
	reopen(scene);
	assert_open(scene, uuid, 1, ACT_PROPOSED);
	assert_int_equal(propose(scene, other_uuid, TRUE), 2);
}

static void test_locked(void **state)
{
	struct scene *scene = *state;
	g_autoptr(GError) error = NULL;

	assert_null(act_journal_open(scene->folder, LIMIT, &error));
	assert_true(g_error_matches(error, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_LOCKED));
	assert_non_null(strstr(error->message, "is another vmheatd running?"));
}

/* What the journal sets apart on the disk: there is room for it, or not. */
static gboolean disk_is_full;
int __wrap_fallocate(int file, int mode, off_t offset, off_t length);
int __wrap_fallocate(int file, int mode, off_t offset, off_t length)
{
	errno = ENOSPC;
	return disk_is_full ? -1 : 0;
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/*
 * No room on the disk, at the end played by a limit on the file: what takes memory is refused before, what gives it back is still
 * written; then nothing is. A line that was half written is not there. The log hears of it once, and once that it is over.
 */
static void test_full(void **state)
{
	struct scene *scene = *state;
	g_autoptr(GError) error = NULL;
	struct stat before, after;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(propose(scene, uuid, TRUE), 1);
	assert_int_equal(stat(scene->file, &before), 0);
	disk_is_full = TRUE;
	assert_int_equal(propose(scene, other_uuid, TRUE), 0);
	assert_int_equal(scene->warnings, 1);
	assert_true(act_journal_note(scene->journal, 1, ACT_APPLIED, 0, NULL, NULL));
	assert_int_equal(propose(scene, uuid, FALSE), 2);

	assert_int_equal(stat(scene->file, &before), 0);
	set_file_limit((rlim_t)before.st_size + 50);
	scene->warnings = 0;
	for (int i = 0; i < 5; i++)
		assert_int_equal(propose(scene, other_uuid, FALSE), 0);
	assert_false(act_journal_note(scene->journal, 2, ACT_APPLIED, 0, NULL, &error));
	assert_non_null(strstr(error->message, "acts.journal: cannot be written"));
	assert_int_equal(scene->warnings, 1);
	assert_int_equal(stat(scene->file, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_open(scene, uuid, 2, ACT_PROPOSED);

	scene->messages = 0;
	set_file_limit(RLIM_INFINITY);
	disk_is_full = FALSE;
	assert_int_equal(propose(scene, other_uuid, TRUE), 3);
	assert_int_equal(scene->messages, 1);
	reopen(scene);
	assert_open(scene, uuid, 2, ACT_PROPOSED);
	assert_open(scene, other_uuid, 3, ACT_PROPOSED);
}

static gboolean runs_other(const char *id, gpointer data)
{
	return strcmp(id, other_uuid) == 0;
}

static void test_close_gone(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(propose(scene, uuid, TRUE), 1);
	assert_int_equal(propose(scene, other_uuid, TRUE), 2);
	act_journal_close_gone(scene->journal, runs_other, NULL);
	reopen(scene);
	assert_none_open(scene, uuid);
	assert_open(scene, other_uuid, 2, ACT_PROPOSED);
}

/* A folder that cannot be made: nothing may be done, and it is said why; later it can. */
static void test_no_folder(void **state)
{
	struct scene *scene = *state;
	struct act_journal *journal;
	struct act_record record = { .kind = ACT_KIND_BALLOON, .vm = vm, .uuid = uuid };
	g_autofree char *folder = g_build_filename(scene->folder, "lock", "state", NULL);
	g_autoptr(GError) error = NULL;

	journal = act_journal_open(folder, LIMIT, NULL);
	assert_non_null(journal);
	assert_int_equal(scene->warnings, 1);
	assert_false(act_journal_propose(journal, &record, TRUE, &error));
	assert_true(g_error_matches(error, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_DISK));
	act_journal_free(journal);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_each_state_survives),
		IN_SCENE(test_replace),
		IN_SCENE(test_torn),
		IN_SCENE(test_damaged),
		IN_SCENE(test_random_bytes),
		IN_SCENE(test_bounded),
		IN_SCENE(test_half_rotated),
		IN_SCENE(test_locked),
		IN_SCENE(test_full),
		IN_SCENE(test_close_gone),
		IN_SCENE(test_no_folder),
	};

	g_log_set_writer_func(count_log, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
