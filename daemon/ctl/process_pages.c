/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_pages.c - working set of a process by /proc/PID/maps and idle_bitmap
 *
 * Theory of operation
 *
 * Goal: for each mapping that the process has at the window's end, how many of its pages are resident, and how many
 * of these were referenced in the window. Referenced is what is mapped and not idle, so it includes what was mapped
 * only in the window.
 *
 * - An observer of our own scans all of the process, then the window passes, then it scans once more. The second scan
 *   tells for each page whether it is mapped and whether it was accessed since the first. A page's window is the time
 *   between its two scans: the module measures it, and the shortest and the longest are told.
 * - Scans go by blocks of 2 MiB, and mappings may share a block, which must not be scanned twice: the first scan would
 *   take the answer away from the second. So runs of blocks that hold mappings are scanned, CHUNK_BLOCKS at a time,
 *   and what a chunk tells is shared out among the mappings in it.
 * - A process may have reserved terabytes. What is not mapped is skipped by the module, and nothing is kept of a chunk.
 * - The files were opened for the program that the process ran at that moment. When it ends or begins another one,
 *   the observer says so and maps is empty, so that nothing of a later process with the same pid, or of another
 *   program, is ever counted.
 */
#include "process_pages.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "idle_observer.h"
#include "proc_format.h"

#define PAGE_SHIFT  VMHEAT_IDLE_BITMAP_PAGE_SHIFT
#define BLOCK_SHIFT VMHEAT_IDLE_BITMAP_BLOCK_SHIFT
#define WORD_PAGES  ((guint64)VMHEAT_IDLE_BITMAP_WORD_PAGES)
#define BLOCK_WORDS ((guint64)1 << (BLOCK_SHIFT - PAGE_SHIFT) >> 6)

/* How much is scanned at once: 16 GiB of address space. */
#define CHUNK_BLOCKS ((guint64)8192)
#define CHUNK_WORDS  (CHUNK_BLOCKS * BLOCK_WORDS)

struct process_pages {
	pid_t pid;
	char *name;
	char *path; /* of its directory, for messages */
	int directory, maps;
	struct idle_observer *observer;
	guint64 *present, *accessed, *coarse; /* CHUNK_WORDS each, of the chunk at hand */
};

/* A run of blocks: from first to before end. */
struct span {
	guint64 first, end;
};

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
	else
		g_set_error(error, G_FILE_ERROR, code, "%s/%s: %s", pages->path, file, g_strerror(number));
	return FALSE;
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

/* The blocks in which @mappings lie, in as few spans as there can be. */
static GArray *find_spans(const GArray *mappings)
{
	GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));

	for (guint i = 0; i < mappings->len; i++) {
		const struct process_mapping *mapping = &g_array_index(mappings, struct process_mapping, i);
		struct span span = { .first = mapping->start >> BLOCK_SHIFT,
				     .end = ((mapping->end - 1) >> BLOCK_SHIFT) + 1 };
		struct span *last =
			spans->len > 0 ? &g_array_index(spans, struct span, spans->len - 1) : NULL;

		if (last != NULL && span.first <= last->end)
			last->end = span.end;
		else
			g_array_append_val(spans, span);
	}
	return spans;
}

gboolean process_pages_mark(struct process_pages *pages, GError **error)
{
	g_autoptr(GArray) mappings = read_mappings(pages, error);
	g_autoptr(GArray) spans = NULL;

	if (mappings == NULL)
		return FALSE;
	spans = find_spans(mappings);
	for (guint i = 0; i < spans->len; i++) {
		const struct span *span = &g_array_index(spans, struct span, i);
		struct vmheat_idle_scan scan = { .start = span->first << BLOCK_SHIFT,
						 .end = span->end << BLOCK_SHIFT };

		if (!idle_observer_scan(pages->observer, &scan, error))
			return FALSE;
	}
	return TRUE;
}

gboolean process_pages_check(const struct process_pages *pages, GError **error)
{
	return idle_observer_check(pages->observer, error);
}

/* How many bits are set from number @first up to number @end, which is higher. */
static guint64 count_bits(const guint64 *words, guint64 first, guint64 end)
{
	guint64 first_word = first / WORD_PAGES, last_word = (end - 1) / WORD_PAGES;
	guint64 count = 0;

	for (guint64 i = first_word; i <= last_word; i++) {
		guint64 word = words[i];

		if (i == first_word)
			word &= G_MAXUINT64 << first % WORD_PAGES;
		if (i == last_word)
			word &= G_MAXUINT64 >> (WORD_PAGES - 1 - (end - 1) % WORD_PAGES);
		count += (guint64)__builtin_popcountll(word);
	}
	return count;
}

/* Share out what was found of the chunk among the mappings from number *@next on, which is the first in it. */
static void count_chunk(const struct process_pages *pages, const struct span *chunk, GArray *mappings,
			guint *next)
{
	guint64 chunk_first = chunk->first << (BLOCK_SHIFT - PAGE_SHIFT);
	guint64 chunk_end = chunk->end << (BLOCK_SHIFT - PAGE_SHIFT);

	for (; *next < mappings->len; (*next)++) {
		struct process_mapping *mapping = &g_array_index(mappings, struct process_mapping, *next);
		guint64 first = MAX(mapping->start >> PAGE_SHIFT, chunk_first);
		guint64 end = MIN(mapping->end >> PAGE_SHIFT, chunk_end);

		if (first < end) {
			guint64 resident = count_bits(pages->present, first - chunk_first, end - chunk_first);

			mapping->resident += resident;
			mapping->idle += resident -
					 count_bits(pages->accessed, first - chunk_first, end - chunk_first);
			mapping->coarse += count_bits(pages->coarse, first - chunk_first, end - chunk_first);
		}
		if (mapping->end >> PAGE_SHIFT > chunk_end) /* it goes on in the next chunk */
			break;
	}
}

/* Scan a chunk, and add its windows to the report's. */
static gboolean scan_chunk(const struct process_pages *pages, const struct span *chunk,
			   struct process_report *report, GError **error)
{
	struct vmheat_idle_scan scan = { .start = chunk->first << BLOCK_SHIFT,
					 .end = chunk->end << BLOCK_SHIFT,
					 .present = (uintptr_t)pages->present,
					 .accessed = (uintptr_t)pages->accessed,
					 .coarse = (uintptr_t)pages->coarse };

	if (!idle_observer_scan(pages->observer, &scan, error))
		return FALSE;
	if (scan.window_max_ns != 0) {
		double shortest = (double)scan.window_min_ns / 1e9,
		       longest = (double)scan.window_max_ns / 1e9;

		report->window = report->window == 0.0 ? shortest : MIN(report->window, shortest);
		report->window_longest = MAX(report->window_longest, longest);
	}
	return TRUE;
}

static gboolean count_mappings(const struct process_pages *pages, struct process_report *report,
			       GError **error)
{
	g_autoptr(GArray) spans = find_spans(report->mappings);
	guint next = 0;

	for (guint i = 0; i < spans->len; i++) {
		const struct span *span = &g_array_index(spans, struct span, i);
		struct span chunk;

		for (chunk.first = span->first; chunk.first < span->end; chunk.first = chunk.end) {
			chunk.end = MIN(span->end, chunk.first + CHUNK_BLOCKS);
			if (!scan_chunk(pages, &chunk, report, error))
				return FALSE;
			count_chunk(pages, &chunk, report->mappings, &next);
		}
	}
	return TRUE;
}

struct process_report *process_pages_count(const struct process_pages *pages, GError **error)
{
	GArray *mappings = read_mappings(pages, error);
	struct process_report *report;

	if (mappings == NULL)
		return NULL;
	report = g_new(struct process_report, 1);
	*report = (struct process_report){ .pid = pages->pid,
					   .name = g_strdup(pages->name),
					   .mappings = mappings };
	if (!count_mappings(pages, report, error))
		g_clear_pointer(&report, process_report_free);
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

struct process_pages *process_pages_open(const char *proc, pid_t pid, GError **error)
{
	struct process_pages *pages = g_new(struct process_pages, 1);

	*pages = (struct process_pages){ .pid = pid,
					 .path = g_strdup_printf("%s/%d", proc, (int)pid),
					 .present = g_new0(guint64, CHUNK_WORDS),
					 .accessed = g_new0(guint64, CHUNK_WORDS),
					 .coarse = g_new0(guint64, CHUNK_WORDS),
					 .directory = -1,
					 .maps = -1 };
	pages->directory = open(pages->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pages->directory < 0 && errno == ENOENT) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "there is no process %d", (int)pid);
	} else if (pages->directory < 0) {
		fail(pages, "", errno, error);
	} else if (check_process(pages, error)) {
		pages->observer = idle_observer_new(proc, pid, error);
		if (pages->observer != NULL)
			pages->maps = open_file(pages, "maps", error);
	}
	if (pages->maps < 0)
		g_clear_pointer(&pages, process_pages_close);
	return pages;
}

void process_pages_close(struct process_pages *pages)
{
	const int files[] = { pages->directory, pages->maps };

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		if (files[i] >= 0)
			close(files[i]);
	idle_observer_free(pages->observer);
	g_free(pages->present);
	g_free(pages->accessed);
	g_free(pages->coarse);
	g_free(pages->name);
	g_free(pages->path);
	g_free(pages);
}
