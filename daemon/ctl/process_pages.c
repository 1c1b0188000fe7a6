/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_pages.c - working set of a process by /proc/PID/maps, pagemap and idle_bitmap
 *
 * Theory of operation
 *
 * Goal: for each mapping that the process has at the window's end, how many of its pages are resident, and how many
 * of these were referenced in the window. Referenced is what is mapped and not idle, so it includes what was mapped
 * only in the window.
 *
 * - All pages are marked, then the window passes, then all idle bits are read, and only then, as it takes longest,
 *   what is mapped. So the window's ends are as sharp as marking and reading are quick, and both times are told. A
 *   page that is unmapped meanwhile is not counted at all; one that is mapped only after the idle bits were read counts
 *   as referenced, which it just was.
 * - Marks and idle bits go by words of 64 pages, and mappings may share a word, so they are handled by spans: runs of
 *   words that hold mappings. What is not mapped is ignored by the kernel.
 * - A process may have reserved terabytes. Its idle bits are kept by blocks of BLOCK_WORDS, where any is set, so that
 *   memory is needed for what is resident only. Reading the pagemap of a reservation takes the time: 0.4 s a TiB.
 * - The files were opened for the program that the process ran at that moment. When it ends or begins another one,
 *   idle_bitmap says ESRCH and the others are empty, so that nothing of a later process with the same pid, or of another
 *   program, is ever counted.
 */
#include "process_pages.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "proc_format.h"
#include "vmheat/idle_bitmap.h"

#define PAGE_SHIFT VMHEAT_IDLE_BITMAP_PAGE_SHIFT
#define WORD_PAGES ((guint64)VMHEAT_IDLE_BITMAP_WORD_PAGES)
#define WORD_SIZE  VMHEAT_IDLE_BITMAP_WORD_SIZE

/* How much is read or written at once: 16 GiB of address space by idle_bitmap, 256 MiB by pagemap. */
#define BUFFER_WORDS 65536u

/* Idle bits are kept or left out by so many words, which are 128 MiB of address space. */
#define BLOCK_WORDS 512u

struct process_pages {
	pid_t pid;
	char *name;
	char *path; /* of its directory, for messages */
	int directory, bitmap, pagemap, maps;
	guint64 *buffer;	      /* BUFFER_WORDS, for what is being read or written */
	gint64 marking_at, marked_at; /* monotonic time in ns at which the marking began and was done */
};

/* A run of words of idle_bitmap: from first to before end. */
struct span {
	guint64 first, end;
};

static gint64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Turn the errno of what failed on @file into an error. */
static gboolean fail(const struct process_pages *pages, const char *file, int number, GError **error)
{
	GFileError code = g_file_error_from_errno(number);
	int pid = (int)pages->pid;

	if (number == ESRCH)
		g_set_error(error, G_FILE_ERROR, code, "process %d has ended or begun another program", pid);
	else if (number == EACCES || number == EPERM)
		g_set_error(error, G_FILE_ERROR, code,
			    "%s/%s: %s: this takes the right to trace the process: be its user, or root",
			    pages->path, file, g_strerror(number));
	else if (number == EOPNOTSUPP)
		g_set_error(error, G_FILE_ERROR, code,
			    "process %d has a VM of a KVM that kvm_idle does not know: see the kernel's log",
			    pid);
	else
		g_set_error(error, G_FILE_ERROR, code, "%s/%s: %s", pages->path, file, g_strerror(number));
	return FALSE;
}

static gboolean read_all(const struct process_pages *pages, int fd, const char *file, void *to, gsize bytes,
			 guint64 offset, GError **error)
{
	gsize done = 0;

	while (done < bytes) {
		ssize_t count = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail(pages, file, count < 0 ? errno : ESRCH, error);
		done += (gsize)count;
	}
	return TRUE;
}

/* All of @file, which may be empty, with a NUL behind it. */
static char *read_text(const struct process_pages *pages, int fd, const char *file, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char buffer[16384];
	ssize_t count;

	do {
		count = pread(fd, buffer, sizeof(buffer), (off_t)text->len);
		if (count > 0)
			g_string_append_len(text, buffer, count);
	} while (count > 0 || (count < 0 && errno == EINTR));
	if (count < 0) {
		fail(pages, file, errno, error);
		return NULL;
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The mappings of now; there is at least one. */
static GArray *read_mappings(const struct process_pages *pages, GError **error)
{
	g_autofree char *text = read_text(pages, pages->maps, "maps", error);
	GArray *mappings;

	if (text == NULL)
		return NULL;
	mappings = process_maps_parse(text, error);
	if (mappings == NULL) {
		g_prefix_error(error, "%s/maps: ", pages->path);
	} else if (mappings->len == 0) {
		fail(pages, "maps", ESRCH, error);
		g_clear_pointer(&mappings, g_array_unref);
	}
	return mappings;
}

/* The spans of @mappings, as few as there can be. */
static GArray *find_spans(const GArray *mappings)
{
	GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));

	for (guint i = 0; i < mappings->len; i++) {
		const struct process_mapping *mapping = &g_array_index(mappings, struct process_mapping, i);
		struct span span = { .first = (mapping->start >> PAGE_SHIFT) / WORD_PAGES,
				     .end = ((mapping->end >> PAGE_SHIFT) - 1) / WORD_PAGES + 1 };
		struct span *last =
			spans->len > 0 ? &g_array_index(spans, struct span, spans->len - 1) : NULL;

		if (last != NULL && span.first <= last->end)
			last->end = span.end;
		else
			g_array_append_val(spans, span);
	}
	return spans;
}

/* Mark the pages of @words words from @first on; the buffer is full of ones. */
static gboolean mark_words(const struct process_pages *pages, guint64 first, gsize words, GError **error)
{
	gsize bytes = words * WORD_SIZE, done = 0;

	while (done < bytes) {
		ssize_t count = pwrite(pages->bitmap, (const char *)pages->buffer + done, bytes - done,
				       (off_t)(first * WORD_SIZE + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail(pages, VMHEAT_IDLE_BITMAP_NAME, count < 0 ? errno : ESRCH, error);
		done += (gsize)count;
	}
	return TRUE;
}

gboolean process_pages_mark(struct process_pages *pages, GError **error)
{
	g_autoptr(GArray) mappings = read_mappings(pages, error);
	g_autoptr(GArray) spans = NULL;

	if (mappings == NULL)
		return FALSE;
	spans = find_spans(mappings);
	memset(pages->buffer, 0xff, BUFFER_WORDS * sizeof(guint64));

	pages->marking_at = monotonic_ns();
	for (guint i = 0; i < spans->len; i++) {
		const struct span *span = &g_array_index(spans, struct span, i);
		guint64 words;

		for (guint64 first = span->first; first < span->end; first += words) {
			words = MIN(span->end - first, BUFFER_WORDS);
			if (!mark_words(pages, first, words, error))
				return FALSE;
		}
	}
	pages->marked_at = monotonic_ns();
	return TRUE;
}

gboolean process_pages_check(const struct process_pages *pages, GError **error)
{
	guint64 word;

	return read_all(pages, pages->bitmap, VMHEAT_IDLE_BITMAP_NAME, &word, sizeof(word), 0, error);
}

/*
 * Keep the @count words from number @first on in @blocks, which holds blocks of BLOCK_WORDS words by their number,
 * and not those without a bit.
 */
static void keep_idle(GHashTable *blocks, guint64 first, const guint64 *words, gsize count)
{
	for (gsize i = 0; i < count; i++) {
		gint64 number = (gint64)((first + i) / BLOCK_WORDS);
		guint64 *block;

		if (words[i] == 0)
			continue;
		block = g_hash_table_lookup(blocks, &number);
		if (block == NULL) {
			block = g_new0(guint64, BLOCK_WORDS);
			g_hash_table_insert(blocks, g_memdup2(&number, sizeof(number)), block);
		}
		block[(first + i) % BLOCK_WORDS] = words[i];
	}
}

/* The idle bits of all @mappings, as keep_idle() keeps them. */
static GHashTable *read_idle(const struct process_pages *pages, const GArray *mappings, GError **error)
{
	g_autoptr(GHashTable) blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	g_autoptr(GArray) spans = find_spans(mappings);

	for (guint i = 0; i < spans->len; i++) {
		const struct span *span = &g_array_index(spans, struct span, i);
		guint64 count;

		for (guint64 first = span->first; first < span->end; first += count) {
			count = MIN(span->end - first, BUFFER_WORDS);
			if (!read_all(pages, pages->bitmap, VMHEAT_IDLE_BITMAP_NAME, pages->buffer,
				      count * WORD_SIZE, first * WORD_SIZE, error))
				return NULL;
			keep_idle(blocks, first, pages->buffer, count);
		}
	}
	return g_steal_pointer(&blocks);
}

/* Count the pages of @mapping from number @first on, of which @entries are the @count entries of pagemap. */
static void count_entries(struct process_mapping *mapping, GHashTable *blocks, guint64 first,
			  const guint64 *entries, gsize count)
{
	const guint64 *block = NULL;
	gint64 number = -1;

	for (gsize i = 0; i < count; i++) {
		guint64 page = first + i, word = page / WORD_PAGES;

		if ((entries[i] & PROC_PAGEMAP_PRESENT) == 0)
			continue;
		if (number != (gint64)(word / BLOCK_WORDS)) {
			number = (gint64)(word / BLOCK_WORDS);
			block = g_hash_table_lookup(blocks, &number);
		}
		mapping->resident++;
		if (block != NULL)
			mapping->idle += block[word % BLOCK_WORDS] >> page % WORD_PAGES & 1;
	}
}

static gboolean count_mappings(const struct process_pages *pages, GArray *mappings, GHashTable *blocks,
			       GError **error)
{
	for (guint i = 0; i < mappings->len; i++) {
		struct process_mapping *mapping = &g_array_index(mappings, struct process_mapping, i);
		guint64 end = mapping->end >> PAGE_SHIFT, count;

		for (guint64 page = mapping->start >> PAGE_SHIFT; page < end; page += count) {
			count = MIN(end - page, BUFFER_WORDS);
			if (!read_all(pages, pages->pagemap, "pagemap", pages->buffer,
				      count * sizeof(guint64), page * sizeof(guint64), error))
				return FALSE;
			count_entries(mapping, blocks, page, pages->buffer, count);
		}
	}
	return TRUE;
}

struct process_report *process_pages_count(const struct process_pages *pages, GError **error)
{
	g_autoptr(GArray) mappings = read_mappings(pages, error);
	g_autoptr(GHashTable) blocks = NULL;
	struct process_report *report;
	gint64 reading_at, read_at;

	if (mappings == NULL)
		return NULL;
	reading_at = monotonic_ns();
	blocks = read_idle(pages, mappings, error);
	read_at = monotonic_ns();
	if (blocks == NULL || !count_mappings(pages, mappings, blocks, error))
		return NULL;

	report = g_new(struct process_report, 1);
	*report = (struct process_report){ .pid = pages->pid,
					   .name = g_strdup(pages->name),
					   .window = (double)(reading_at - pages->marked_at) / 1e9,
					   .marking = (double)(pages->marked_at - pages->marking_at) / 1e9,
					   .reading = (double)(read_at - reading_at) / 1e9,
					   .mappings = g_steal_pointer(&mappings) };
	return report;
}

void process_report_free(struct process_report *report)
{
	if (report == NULL)
		return;
	g_array_unref(report->mappings);
	g_free(report->name);
	g_free(report);
}

/* Open @file, which every process has: it is missing only when the process has ended. */
static int open_file(const struct process_pages *pages, const char *file, GError **error)
{
	int fd = openat(pages->directory, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(pages, file, errno == ENOENT ? ESRCH : errno, error);
	return fd;
}

/* The contents of @file, with a NUL behind them. */
static char *read_file(const struct process_pages *pages, const char *file, GError **error)
{
	int fd = open_file(pages, file, error);
	char *text;

	if (fd < 0)
		return NULL;
	text = read_text(pages, fd, file, error);
	close(fd);
	return text;
}

/* Whether the process is one that has memory; learn its name on the way. */
static gboolean check_process(struct process_pages *pages, GError **error)
{
	g_autofree char *text = read_file(pages, "stat", error);
	struct proc_stat stat;

	if (text == NULL)
		return FALSE;
	if (!proc_stat_parse(text, &stat)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s/stat: not understood", pages->path);
		return FALSE;
	}
	if (stat.flags & PROC_STAT_KERNEL_THREAD) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "process %d is a kernel thread: it has no memory of its own", (int)pages->pid);
		return FALSE;
	}
	if (stat.state == 'Z' || stat.state == 'X') {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "process %d has ended, and waits for its parent to take note", (int)pages->pid);
		return FALSE;
	}
	pages->name = read_file(pages, "comm", error);
	if (pages->name == NULL)
		return FALSE;
	pages->name[strcspn(pages->name, "\n")] = '\0';
	return TRUE;
}

static gboolean open_bitmap(struct process_pages *pages, GError **error)
{
	pages->bitmap = openat(pages->directory, VMHEAT_IDLE_BITMAP_NAME, O_RDWR | O_CLOEXEC);
	if (pages->bitmap >= 0)
		return TRUE;
	if (errno != ENOENT)
		return fail(pages, VMHEAT_IDLE_BITMAP_NAME, errno, error);
	if (faccessat(pages->directory, "stat", F_OK, 0) != 0)
		return fail(pages, VMHEAT_IDLE_BITMAP_NAME, ESRCH, error);
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
		    "%s/" VMHEAT_IDLE_BITMAP_NAME
		    " is missing: load the module that makes it with \"modprobe "
		    "kvm_idle\" (if it is loaded: sysctl kernel.ftrace_enabled must be 1)",
		    pages->path);
	return FALSE;
}

struct process_pages *process_pages_open(const char *proc, pid_t pid, GError **error)
{
	struct process_pages *pages = g_new(struct process_pages, 1);

	*pages = (struct process_pages){ .pid = pid,
					 .path = g_strdup_printf("%s/%d", proc, (int)pid),
					 .buffer = g_new0(guint64, BUFFER_WORDS),
					 .directory = -1,
					 .bitmap = -1,
					 .pagemap = -1,
					 .maps = -1 };
	pages->directory = open(pages->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pages->directory < 0 && errno == ENOENT) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "there is no process %d", (int)pid);
	} else if (pages->directory < 0) {
		fail(pages, "", errno, error);
	} else if (check_process(pages, error) && open_bitmap(pages, error)) {
		pages->pagemap = open_file(pages, "pagemap", error);
		if (pages->pagemap >= 0)
			pages->maps = open_file(pages, "maps", error);
	}
	if (pages->maps < 0)
		g_clear_pointer(&pages, process_pages_close);
	return pages;
}

void process_pages_close(struct process_pages *pages)
{
	const int files[] = { pages->directory, pages->bitmap, pages->pagemap, pages->maps };

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		if (files[i] >= 0)
			close(files[i]);
	g_free(pages->buffer);
	g_free(pages->name);
	g_free(pages->path);
	g_free(pages);
}
