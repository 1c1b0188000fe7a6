/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_journal.c - files, lock and the table of open acts, see act_journal.h
 */
#define _GNU_SOURCE
#include "act_journal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME  "acts.journal"
#define OLD_SUFFIX ".1"
#define NEW_SUFFIX ".new"
#define LOCK_NAME  "lock"

/* Read at most so much of a file: it may be anybody's. Of a longer one the end counts. */
#define READ_MAX (64L * 1024 * 1024)

/* Room for the records of giving back what was taken: a few of some 600 bytes for each of a hundred VMs. */
#define RESERVE_BYTES (256L * 1024)

/* Damaged lines of a file that are named one by one. */
#define DAMAGED_NAMED 5u

G_DEFINE_QUARK(vmheat_act_journal_error, act_journal_error)

struct act_journal {
	GMutex mutex; /* for all below */
	char *folder;
	char *path, *old_path, *new_path;
	guint64 limit;
	int lock;     /* -1: not taken yet */
	int file;     /* -1: not open yet, or not any more */
	guint64 size; /* of the whole lines in the file */
	guint64 last_number;
	GHashTable *open; /* guint64 number (the record's) to struct act_record */
	gboolean loaded;
	gboolean troubled; /* the log knows that it cannot be written */
};

static void free_record(gpointer data)
{
	act_record_clear(data);
	g_free(data);
}

static gboolean fail(GError **error, const char *path, const char *what)
{
	int number = errno;

	g_set_error(error, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_DISK, "journal: %s: %s: %s", path, what,
		    g_strerror(number));
	return FALSE;
}

/* Keep @record, which is open, in the table. */
static void remember(struct act_journal *journal, const struct act_record *record)
{
	struct act_record *copy = g_new(struct act_record, 1);

	act_record_copy(copy, record);
	g_hash_table_replace(journal->open, &copy->number, copy);
}

/* The VM's open act of @kind; of resizes, by whatever device. */
static struct act_record *find_open(const struct act_journal *journal, const char *uuid, enum act_kind kind)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, journal->open);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct act_record *record = value;

		if (act_kind_is_resize(record->kind) == act_kind_is_resize(kind) &&
		    strcmp(record->uuid, uuid) == 0)
			return record;
	}
	return NULL;
}

/* What each record of a file is given to. */
typedef void record_func(const struct act_record *record, gpointer data);

/* Read the records of @text. Damaged ones are named if @name, and skipped. */
static void read_records(const char *path, const char *text, gsize length, gboolean name, record_func *each,
			 gpointer data)
{
	const char *line = text, *end;
	guint number = 0, skipped = 0;

	for (; (end = memchr(line, '\n', length - (gsize)(line - text))) != NULL; line = end + 1) {
		g_autoptr(GError) error = NULL;
		struct act_record record;

		number++;
		if (act_record_parse(line, (gsize)(end - line), &record, &error)) {
			each(&record, data);
			act_record_clear(&record);
		} else if (++skipped <= DAMAGED_NAMED && name) {
			g_warning("journal: %s:%u: skipped: %s", path, number, error->message);
		}
	}
	if (skipped > DAMAGED_NAMED && name)
		g_warning("journal: %s: %u lines skipped in all", path, skipped);
}

/* Add what @file holds from @offset on to @text. */
static gboolean read_from(int file, off_t offset, GString *text)
{
	for (;;) {
		char part[16384];
		ssize_t got = pread(file, part, sizeof(part), offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		g_string_append_len(text, part, got);
		offset += got;
	}
}

/* The end of @path, from a line's begin on; nothing if there is no such file. NULL on failure. */
static GString *read_text(const char *path, GError **error)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	g_autoptr(GString) text = g_string_new(NULL);
	const char *newline;
	off_t size, first;
	gboolean good;

	if (file < 0 && errno == ENOENT)
		return g_steal_pointer(&text);
	size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
	first = MAX(size - (off_t)READ_MAX, 0);
	good = size >= 0 && read_from(file, first, text);
	if (!good)
		fail(error, path, "cannot be read");
	if (file >= 0)
		close(file);
	if (!good)
		return NULL;
	if (first > 0) {
		newline = memchr(text->str, '\n', text->len);
		g_string_erase(text, 0, newline == NULL ? -1 : newline - text->str + 1);
	}
	return g_steal_pointer(&text);
}

/* A file's records, when the journal is opened: the table of what is open grows and shrinks with them. */
static void take_record(const struct act_record *record, gpointer data)
{
	struct act_journal *journal = data;
	struct act_record *other;

	journal->last_number = MAX(journal->last_number, record->number);
	if (record->replaces != 0)
		g_hash_table_remove(journal->open, &record->replaces);
	g_hash_table_remove(journal->open, &record->number);
	if (!act_state_is_open(record->state))
		return;
	/* Of two that are open only the later one can be: the record that says so is among the damaged. */
	while ((other = find_open(journal, record->uuid, record->kind)) != NULL)
		g_hash_table_remove(journal->open, &other->number);
	remember(journal, record);
	other = g_hash_table_lookup(journal->open, &record->number);
	other->cut_off = TRUE;
}

static gboolean take_lock(struct act_journal *journal, GError **error)
{
	g_autofree char *path = g_build_filename(journal->folder, LOCK_NAME, NULL);

	if (journal->lock >= 0)
		return TRUE;
	if (g_mkdir_with_parents(journal->folder, 0700) < 0)
		return fail(error, journal->folder, "cannot be made");
	journal->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->lock < 0)
		return fail(error, path, "cannot be opened");
	if (flock(journal->lock, LOCK_EX | LOCK_NB) == 0)
		return TRUE;
	if (errno == EWOULDBLOCK)
		g_set_error(error, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_LOCKED,
			    "journal: %s is locked: is another vmheatd running?", journal->folder);
	else
		fail(error, path, "cannot be locked");
	close(journal->lock);
	journal->lock = -1;
	return FALSE;
}

static gboolean open_file(struct act_journal *journal, GError **error)
{
	/* An earlier attempt may have come to this point. */
	if (journal->file >= 0)
		close(journal->file);
	journal->file = open(journal->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return journal->file >= 0 || fail(error, journal->path, "cannot be opened");
}

/* Learn what is open, and cut off a line that was not written to its end. */
static gboolean load(struct act_journal *journal, GError **error)
{
	g_autoptr(GString) old_text = read_text(journal->old_path, error);
	g_autoptr(GString) text = old_text == NULL ? NULL : read_text(journal->path, error);
	const char *last;
	gsize whole;
	struct stat status;

	if (text == NULL || !open_file(journal, error))
		return FALSE;
	if (fstat(journal->file, &status) < 0)
		return fail(error, journal->path, "cannot be read");
	last = memrchr(text->str, '\n', text->len);
	whole = last == NULL ? 0 : (gsize)(last - text->str) + 1;
	journal->size = (guint64)status.st_size - (text->len - whole);
	if (whole < text->len) {
		g_warning("journal: %s: its last line was not written to its end: cut off", journal->path);
		if (ftruncate(journal->file, (off_t)journal->size) < 0)
			return fail(error, journal->path, "cannot be written");
	}
	g_hash_table_remove_all(journal->open);
	read_records(journal->old_path, old_text->str, old_text->len, TRUE, take_record, journal);
	read_records(journal->path, text->str, whole, TRUE, take_record, journal);
	journal->loaded = TRUE;
	return TRUE;
}

static gboolean write_all(int file, const char *text, gsize length, off_t at)
{
	for (gsize done = 0; done < length;) {
		ssize_t part = pwrite(file, text + done, length - done, at + (off_t)done);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return FALSE;
		done += (gsize)part;
	}
	return TRUE;
}

static gboolean sync_folder(const struct act_journal *journal)
{
	int folder = open(journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean good = folder >= 0 && fsync(folder) == 0;

	if (folder >= 0)
		close(folder);
	return good;
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
	const struct act_record *const *left = a, *const *right = b;

	return (*left)->number < (*right)->number ? -1 : (*left)->number > (*right)->number;
}

/* The records of a table, oldest first; they stay the table's. */
static GPtrArray *sorted_records(GHashTable *table)
{
	GPtrArray *records = g_ptr_array_new();
	GHashTableIter iter;
	gpointer record;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &record))
		g_ptr_array_add(records, record);
	g_ptr_array_sort(records, compare_numbers);
	return records;
}

/* The last record of each open act, oldest first, as lines. */
static GString *open_lines(const struct act_journal *journal)
{
	g_autoptr(GPtrArray) records = sorted_records(journal->open);
	GString *lines = g_string_new(NULL);

	for (guint i = 0; i < records->len; i++) {
		g_autofree char *line = act_record_format(g_ptr_array_index(records, i));

		g_string_append(lines, line);
	}
	return lines;
}

/* Begin a new file with what is open. Whatever fails, or dies, the files hold all open acts. */
static gboolean rotate(struct act_journal *journal, GError **error)
{
	g_autoptr(GString) lines = open_lines(journal);
	int file = open(journal->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (file < 0)
		return fail(error, journal->new_path, "cannot be opened");
	if (!write_all(file, lines->str, lines->len, 0) || fsync(file) < 0 ||
	    rename(journal->path, journal->old_path) < 0 || rename(journal->new_path, journal->path) < 0) {
		fail(error, journal->new_path, "cannot be written");
		close(file);
		/* The second rename alone may have failed: there is no file to append to then. */
		if (access(journal->path, F_OK) < 0 && rename(journal->old_path, journal->path) < 0)
			g_debug("journal: %s: %s", journal->path, g_strerror(errno));
		unlink(journal->new_path);
		return FALSE;
	}
	close(journal->file);
	journal->file = file;
	journal->size = lines->len;
	return sync_folder(journal) || fail(error, journal->folder, "cannot be synced");
}

/* Room on the disk for what must be written later. Where the file system knows no such thing, there is none. */
static gboolean reserve(const struct act_journal *journal, GError **error)
{
	if (fallocate(journal->file, FALLOC_FL_KEEP_SIZE, (off_t)journal->size, RESERVE_BYTES) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return TRUE;
	return fail(error, journal->path, "no room to give back what would be taken");
}

static gboolean make_ready(struct act_journal *journal, GError **error)
{
	if (journal->loaded)
		return TRUE;
	return take_lock(journal, error) && load(journal, error) &&
	       (sync_folder(journal) || fail(error, journal->folder, "cannot be synced"));
}

static gboolean append(struct act_journal *journal, const struct act_record *record, GError **error)
{
	g_autofree char *line = act_record_format(record);
	gsize length = strlen(line);

	if (write_all(journal->file, line, length, (off_t)journal->size) && fdatasync(journal->file) == 0) {
		journal->size += length;
		return TRUE;
	}
	fail(error, journal->path, "cannot be written");
	if (ftruncate(journal->file, (off_t)journal->size) < 0)
		g_debug("journal: %s: %s", journal->path, g_strerror(errno));
	return FALSE;
}

/* Write a record. @takes: only if there is room for those that must follow. The log hears of trouble once. */
static gboolean write_record(struct act_journal *journal, const struct act_record *record, gboolean takes,
			     GError **error)
{
	g_autoptr(GError) reason = NULL;
	gboolean good = make_ready(journal, &reason);

	if (good && journal->size >= journal->limit / 2)
		/* A file that grows beyond its half is better than no record, where memory is given back. */
		good = rotate(journal, &reason) || !takes;
	if (good && takes)
		good = reserve(journal, &reason);
	if (good) {
		g_clear_error(&reason);
		good = append(journal, record, &reason);
	}
	if (good && journal->troubled)
		g_message("journal: %s can be written again", journal->folder);
	else if (!good && !journal->troubled)
		g_warning("%s; what cannot be written is not done, measuring goes on", reason->message);
	journal->troubled = !good;
	if (!good)
		g_propagate_error(error, g_steal_pointer(&reason));
	return good;
}

struct act_journal *act_journal_open(const char *folder, guint64 limit, GError **error)
{
	struct act_journal *journal = g_new0(struct act_journal, 1);
	g_autoptr(GError) reason = NULL;

	g_mutex_init(&journal->mutex);
	journal->folder = g_strdup(folder);
	journal->path = g_build_filename(folder, FILE_NAME, NULL);
	journal->old_path = g_strconcat(journal->path, OLD_SUFFIX, NULL);
	journal->new_path = g_strconcat(journal->path, NEW_SUFFIX, NULL);
	journal->limit = limit;
	journal->lock = journal->file = -1;
	journal->open = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_record);
	(void)make_ready(journal, &reason);
	if (reason == NULL)
		return journal;
	if (g_error_matches(reason, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_LOCKED)) {
		g_propagate_error(error, g_steal_pointer(&reason));
		act_journal_free(journal);
		return NULL;
	}
	g_warning("%s; what cannot be written is not done, measuring goes on", reason->message);
	journal->troubled = TRUE;
	return journal;
}

void act_journal_free(struct act_journal *journal)
{
	if (journal == NULL)
		return;
	if (journal->file >= 0)
		close(journal->file);
	if (journal->lock >= 0)
		close(journal->lock);
	g_hash_table_unref(journal->open);
	g_free(journal->folder);
	g_free(journal->path);
	g_free(journal->old_path);
	g_free(journal->new_path);
	g_mutex_clear(&journal->mutex);
	g_free(journal);
}

void act_journal_set_limit(struct act_journal *journal, guint64 limit)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&journal->mutex);

	journal->limit = limit;
}

gboolean act_journal_propose(struct act_journal *journal, struct act_record *record, gboolean takes,
			     GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&journal->mutex);
	const struct act_record *other;

	/* Before it is read, nobody knows what is open, nor which number is free. */
	if (!journal->loaded && !make_ready(journal, error))
		return FALSE;
	other = find_open(journal, record->uuid, record->kind);
	record->number = journal->last_number + 1;
	record->state = ACT_PROPOSED;
	record->replaces = other == NULL ? 0 : other->number;
	record->begun_us = record->time_us = g_get_real_time();
	record->cut_off = FALSE;
	if (!write_record(journal, record, takes, error))
		return FALSE;
	journal->last_number = record->number;
	if (record->replaces != 0)
		g_hash_table_remove(journal->open, &record->replaces);
	remember(journal, record);
	return TRUE;
}

/* Write a new state of @record, which is in the table and may leave it. */
static gboolean note(struct act_journal *journal, struct act_record *record, enum act_state state,
		     guint64 moved, const char *text, GError **error)
{
	struct act_record next;
	gboolean good;

	act_record_copy(&next, record);
	next.state = state;
	next.moved = moved;
	next.time_us = g_get_real_time();
	g_free(next.note);
	next.note = g_strdup(text);
	next.cut_off = FALSE;
	good = write_record(journal, &next, FALSE, error);
	if (good && act_state_is_open(state))
		remember(journal, &next);
	else if (good)
		g_hash_table_remove(journal->open, &next.number);
	act_record_clear(&next);
	return good;
}

gboolean act_journal_note(struct act_journal *journal, guint64 number, enum act_state state, guint64 moved,
			  const char *text, GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&journal->mutex);
	struct act_record *record = g_hash_table_lookup(journal->open, &number);

	if (record != NULL)
		return note(journal, record, state, moved, text, error);
	g_set_error(error, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_UNKNOWN,
		    "journal: no act %" G_GUINT64_FORMAT " is open", number);
	return FALSE;
}

gboolean act_journal_find_open(struct act_journal *journal, const char *uuid, enum act_kind kind,
			       struct act_record *record)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&journal->mutex);
	const struct act_record *found;

	/* One that could not be read at the start may be read now. */
	if (!journal->loaded)
		(void)make_ready(journal, NULL);
	found = find_open(journal, uuid, kind);
	if (found != NULL)
		act_record_copy(record, found);
	return found != NULL;
}

void act_journal_close_gone(struct act_journal *journal, gboolean (*runs)(const char *uuid, gpointer data),
			    gpointer data)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&journal->mutex);
	g_autoptr(GPtrArray) records = sorted_records(journal->open);

	for (guint i = 0; i < records->len; i++) {
		struct act_record *record = g_ptr_array_index(records, i);

		/* One that cannot be written stays open, and is closed when the VM starts or the daemon does. */
		if (!runs(record->uuid, data))
			(void)note(journal, record, ACT_ROLLED_BACK, record->moved,
				   "the VM has ended: nothing is left to undo", NULL);
	}
}

/* What a reader of the history collects. */
struct history {
	const char *vm;
	GHashTable *last; /* number (the record's) to struct act_record */
};

static void collect_record(const struct act_record *record, gpointer data)
{
	const struct history *history = data;
	struct act_record *copy, *other = NULL;

	if (record->replaces != 0)
		other = g_hash_table_lookup(history->last, &record->replaces);
	if (other != NULL && act_state_is_open(other->state)) {
		other->state = ACT_ROLLED_BACK;
		other->time_us = record->begun_us;
		g_free(other->note);
		other->note = g_strdup_printf("act %" G_GUINT64_FORMAT " took its place", record->number);
	}
	if (history->vm != NULL && strcmp(record->vm, history->vm) != 0)
		return;
	copy = g_new(struct act_record, 1);
	act_record_copy(copy, record);
	g_hash_table_replace(history->last, &copy->number, copy);
}

static void clear_record(gpointer data)
{
	act_record_clear(data);
}

GArray *act_journal_history(struct act_journal *journal, const char *vm, GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&journal->mutex);
	g_autoptr(GHashTable) last = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_record);
	struct history history = { .vm = vm, .last = last };
	g_autoptr(GString) old_text = read_text(journal->old_path, error);
	g_autoptr(GString) text = old_text == NULL ? NULL : read_text(journal->path, error);
	g_autoptr(GPtrArray) records = NULL;
	GArray *array;

	if (text == NULL)
		return NULL;
	read_records(journal->old_path, old_text->str, old_text->len, FALSE, collect_record, &history);
	read_records(journal->path, text->str, text->len, FALSE, collect_record, &history);
	records = sorted_records(last);
	array = g_array_new(FALSE, FALSE, sizeof(struct act_record));
	g_array_set_clear_func(array, clear_record);
	for (guint i = 0; i < records->len; i++) {
		struct act_record copy;

		act_record_copy(&copy, g_ptr_array_index(records, i));
		g_array_append_val(array, copy);
	}
	return array;
}
