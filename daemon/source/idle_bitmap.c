/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_bitmap.c - host source "module": /proc/PID/idle_bitmap of kvm_idle.ko
 *
 * Theory of operation
 *
 * The file has one bit for every virtual page of the QEMU process; pagemap says which pages are mapped. As
 * index % 512 == vpn % 512 (page_map.h), the words of the file are the words of the chunk, and a word belongs
 * to one range only. At a range's ends they may hold bits of other memory of QEMU's: those are masked out
 * when read, and not set when written, as the idle state is shared with whoever else looks at that process.
 *
 * A chunk is harvested range by range: read the idle bits, mark all pages, and only then ask what is mapped.
 * So a page that is faulted in meanwhile shows as present and accessed, and one that goes away as a hole. The
 * window of a leaf begins when its marking is done and ends when its reading begins: every access in it
 * shows. The chunk's window is the shortest of its leaves'.
 *
 * Leaf sizes. The file does not tell them. What matters to the reader is whether the bits of 512 pages are
 * one bit of the processor's. If they are, all 512 are present and equal. So only such blocks are in
 * question, and for each of them the kernel is asked whether one huge page backs it: its frames are in a row,
 * aligned, and flagged as a transparent or hugetlbfs huge page. Idle blocks are asked about too, as the
 * placement plan moves leaves. One answer can be wrong: a huge page that is mapped by 4 KiB leaves, all of
 * which were accessed, counts as one leaf for this window.
 *
 * A block that a guest has only ever read is mapped to the kernel's huge zero page. That is no memory of the
 * VM's, so it counts as a hole.
 *
 * Cost for 1 GiB: 32 KiB of bitmap each way, 2 MiB of pagemap in 512 reads, and at most 512 reads of 8 bytes
 * from kpageflags.
 */
#include "idle_bitmap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "proc_files.h"
#include "vmheat/idle_bitmap.h"

#define WORD_PAGES	VMHEAT_IDLE_BITMAP_WORD_PAGES
#define CHUNK_PAGES	((guint64)SOURCE_CHUNK_WORDS * WORD_PAGES)
#define LEAF_PAGES	PAGE_MAP_LEAF_PAGES
#define LEAF_WORDS	(LEAF_PAGES / WORD_PAGES)

#define ZERO_PAGE_FLAG	(G_GUINT64_CONSTANT(1) << KPF_ZERO_PAGE)
#define HUGE_PAGE_FLAGS ((G_GUINT64_CONSTANT(1) << KPF_THP) | (G_GUINT64_CONSTANT(1) << KPF_HUGE))

struct host_source {
	const struct page_map *map;
	char *name;
	char *process_path; /* /proc/PID */
	int bitmap, pagemap, kpageflags;
	gint64 *marked_at; /* for each leaf: monotonic time in ns at which its marking was done; 0: never */
	guint64 words[SOURCE_CHUNK_WORDS]; /* of what is being written */
	guint64 entries[LEAF_PAGES];	   /* of pagemap */
};

/* The part of one range that lies in a chunk. */
struct span {
	guint64 index;
	guint64 vpn;
	guint64 pages;
};

static gint64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The part of range @number in the @pages indices from @index on; FALSE if there is none. */
static gboolean get_span(const struct page_map *map, gsize number, guint64 index, guint64 pages,
			 struct span *span)
{
	guint64 range_index = map->ranges[number].index;
	const struct ram_range *ram = &map->ranges[number].ram;
	guint64 first = MAX(index, range_index);
	guint64 end = MIN(index + pages, range_index + ram->pages);

	if (first >= end)
		return FALSE;
	span->index = first;
	span->vpn = ram->vpn + (first - range_index);
	span->pages = end - first;
	return TRUE;
}

static guint64 span_words(const struct span *span)
{
	return (span->index + span->pages - 1) / WORD_PAGES - span->index / WORD_PAGES + 1;
}

/* Clear the bits of @words, which begin with the span's first word, that are not of the span. */
static void mask_span(const struct span *span, guint64 *words)
{
	guint64 last = span_words(span) - 1;

	words[0] &= G_MAXUINT64 << span->index % WORD_PAGES;
	words[last] &= G_MAXUINT64 >> (WORD_PAGES - 1 - (span->index + span->pages - 1) % WORD_PAGES);
}

/* Turn the errno of a failed read or write of @file into an error. */
static gboolean fail(const struct host_source *source, const char *file, int number, GError **error)
{
	enum source_error code = SOURCE_ERROR_FAILED;
	const char *reason = g_strerror(number);

	if (number == ESRCH || access(source->process_path, F_OK) != 0) {
		code = SOURCE_ERROR_GONE;
		reason = "the process has ended";
	} else if (number == EOPNOTSUPP) {
		code = SOURCE_ERROR_UNAVAILABLE;
		reason = "kvm_idle cannot read this VM's page tables (see the kernel's log)";
	} else if (number == EPERM || number == EACCES) {
		code = SOURCE_ERROR_UNAVAILABLE;
	}
	g_set_error(error, SOURCE_ERROR, code, "%s: %s/%s: %s", source->name, source->process_path, file,
		    reason);
	return FALSE;
}

/* Read @bytes at @offset of @fd, which is @file. The files end where the process does. */
static gboolean read_all(const struct host_source *source, int fd, const char *file, void *to, gsize bytes,
			 guint64 offset, GError **error)
{
	gsize done = 0;

	while (done < bytes) {
		ssize_t count = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail(source, file, count < 0 ? errno : ESRCH, error);
		done += (gsize)count;
	}
	return TRUE;
}

/* Set all pages of @span idle. */
static gboolean mark_span(struct host_source *source, const struct span *span, GError **error)
{
	gsize bytes = span_words(span) * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	guint64 offset = span->vpn / WORD_PAGES * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	gsize done = 0;

	memset(source->words, 0xff, bytes);
	mask_span(span, source->words);
	while (done < bytes) {
		ssize_t count = pwrite(source->bitmap, (char *)source->words + done, bytes - done,
				       (off_t)(offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail(source, VMHEAT_IDLE_BITMAP_NAME, count < 0 ? errno : ESRCH, error);
		done += (gsize)count;
	}
	return TRUE;
}

/*
 * The flags of the huge page that is the block of 512 pages whose pagemap entries are in source->entries; 0
 * if it is not one.
 */
static gboolean huge_page_flags(struct host_source *source, guint64 *flags, GError **error)
{
	guint64 first = source->entries[0] & PROC_PAGEMAP_FRAME_MASK;
	guint64 last = source->entries[LEAF_PAGES - 1] & PROC_PAGEMAP_FRAME_MASK;

	*flags = 0;
	if (first == 0) {
		g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE,
			    "%s: %s/pagemap hides the frame numbers: CAP_SYS_ADMIN is needed", source->name,
			    source->process_path);
		return FALSE;
	}
	if (first % LEAF_PAGES != 0 || last != first + LEAF_PAGES - 1)
		return TRUE;
	if (!read_all(source, source->kpageflags, "../kpageflags", flags, sizeof(*flags),
		      first * sizeof(*flags), error))
		return FALSE;
	if ((*flags & HUGE_PAGE_FLAGS) == 0)
		*flags = 0;
	return TRUE;
}

/* All @words are @value. */
static gboolean all_words(const guint64 *words, guint64 value)
{
	for (gsize i = 0; i < LEAF_WORDS; i++)
		if (words[i] != value)
			return FALSE;
	return TRUE;
}

/* What pagemap says of @leaf, the part of a span in one aligned block of 512 indices; @word is its first. */
static gboolean read_leaf(struct host_source *source, const struct span *leaf, struct host_chunk *chunk,
			  gsize word, GError **error)
{
	gsize block = word - word % LEAF_WORDS;
	guint64 flags;

	if (!read_all(source, source->pagemap, "pagemap", source->entries, leaf->pages * sizeof(guint64),
		      leaf->vpn * sizeof(guint64), error))
		return FALSE;
	for (gsize i = 0; i < leaf->pages; i++) {
		gsize bit = leaf->index % WORD_PAGES + i;

		if (source->entries[i] & PROC_PAGEMAP_PRESENT)
			chunk->present[word + bit / WORD_PAGES] |= G_GUINT64_CONSTANT(1) << bit % WORD_PAGES;
	}
	for (gsize i = 0; i < span_words(leaf); i++)
		chunk->idle[word + i] &= chunk->present[word + i];
	if (!all_words(chunk->present + block, G_MAXUINT64) ||
	    (!all_words(chunk->idle + block, 0) && !all_words(chunk->idle + block, G_MAXUINT64)))
		return TRUE;
	if (!huge_page_flags(source, &flags, error))
		return FALSE;
	if (flags & ZERO_PAGE_FLAG) {
		memset(chunk->present + block, 0, LEAF_WORDS * sizeof(guint64));
		memset(chunk->idle + block, 0, LEAF_WORDS * sizeof(guint64));
	} else if (flags != 0) {
		memset(chunk->large + block, 0xff, LEAF_WORDS * sizeof(guint64));
	}
	return TRUE;
}

/* When the last of the span's leaves was marked; 0 if one never was. Then say that all were, at @now. */
static gint64 exchange_marks(struct host_source *source, const struct span *span, gint64 now)
{
	guint64 last = (span->index + span->pages - 1) / LEAF_PAGES;
	gint64 latest = 0;
	gboolean never = FALSE;

	for (guint64 leaf = span->index / LEAF_PAGES; leaf <= last; leaf++) {
		never = never || source->marked_at[leaf] == 0;
		latest = MAX(latest, source->marked_at[leaf]);
		source->marked_at[leaf] = now;
	}
	return never ? 0 : latest;
}

/* Harvest @span into @chunk, whose first index is @index. */
static gboolean harvest_span(struct host_source *source, const struct span *span, guint64 index,
			     struct host_chunk *chunk, GError **error)
{
	gsize word = (span->index - index) / WORD_PAGES;
	gint64 read_at = monotonic_ns();
	guint64 end = span->index + span->pages;
	gint64 marked_at;
	double window;

	if (!read_all(source, source->bitmap, VMHEAT_IDLE_BITMAP_NAME, chunk->idle + word,
		      span_words(span) * VMHEAT_IDLE_BITMAP_WORD_SIZE,
		      span->vpn / WORD_PAGES * VMHEAT_IDLE_BITMAP_WORD_SIZE, error))
		return FALSE;
	mask_span(span, chunk->idle + word);

	/* Half-marked leaves have no window: they are not marked until all is done. */
	marked_at = exchange_marks(source, span, 0);
	if (!mark_span(source, span, error))
		return FALSE;
	exchange_marks(source, span, monotonic_ns());
	window = marked_at == 0 ? 0.0 : (double)(read_at - marked_at) / 1e9;
	chunk->window_seconds = MIN(chunk->window_seconds, window);

	for (guint64 first = span->index; first < end;) {
		guint64 leaf_end = MIN(end, (first / LEAF_PAGES + 1) * LEAF_PAGES);
		struct span leaf = { .index = first,
				     .vpn = span->vpn + (first - span->index),
				     .pages = leaf_end - first };

		if (!read_leaf(source, &leaf, chunk, (first - index) / WORD_PAGES, error))
			return FALSE;
		first = leaf_end;
	}
	return TRUE;
}

static gboolean idle_bitmap_harvest(struct host_source *source, guint64 index, gsize words,
				    struct host_chunk *chunk, GError **error)
{
	g_return_val_if_fail(index % LEAF_PAGES == 0 && words % LEAF_WORDS == 0, FALSE);
	g_return_val_if_fail(words <= SOURCE_CHUNK_WORDS, FALSE);

	memset(chunk->present, 0, words * sizeof(guint64));
	memset(chunk->idle, 0, words * sizeof(guint64));
	memset(chunk->large, 0, words * sizeof(guint64));
	chunk->window_seconds = G_MAXDOUBLE;
	for (gsize i = 0; i < source->map->range_count; i++) {
		struct span span;

		if (get_span(source->map, i, index, words * WORD_PAGES, &span) &&
		    !harvest_span(source, &span, index, chunk, error))
			return FALSE;
	}
	if (chunk->window_seconds == G_MAXDOUBLE) /* nothing but padding */
		chunk->window_seconds = 0.0;
	return TRUE;
}

static gboolean idle_bitmap_mark(struct host_source *source, guint64 index, guint64 pages, GError **error)
{
	guint64 end = index + pages;

	for (gsize i = 0; i < source->map->range_count; i++) {
		struct span span;

		/* At most a chunk at once, which is what source->words has room for. */
		for (guint64 first = index; first < end;) {
			guint64 next = MIN(end, first - first % WORD_PAGES + CHUNK_PAGES);

			if (get_span(source->map, i, first, next - first, &span) &&
			    !mark_span(source, &span, error))
				return FALSE;
			first = next;
		}
	}
	return TRUE;
}

static void idle_bitmap_close(struct host_source *source)
{
	const int files[] = { source->bitmap, source->pagemap, source->kpageflags };

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		if (files[i] >= 0)
			close(files[i]);
	g_free(source->marked_at);
	g_free(source->process_path);
	g_free(source->name);
	g_free(source);
}

/* Open @file; a missing one is explained by @hint. */
static int open_file(const struct host_source *source, const char *file, int flags, const char *hint,
		     GError **error)
{
	g_autofree char *path = g_strconcat(source->process_path, "/", file, NULL);
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT && access(source->process_path, F_OK) == 0)
		g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE, "%s: %s is missing: %s",
			    source->name, path, hint);
	else
		fail(source, file, errno, error);
	return -1;
}

struct host_source *idle_bitmap_open_at(const char *proc, pid_t pid, const char *name,
					const struct page_map *map, GError **error)
{
	struct host_source *source = g_new0(struct host_source, 1);

	source->map = map;
	source->name = g_strdup(name);
	source->process_path = g_strdup_printf("%s/%d", proc, (int)pid);
	source->bitmap = source->pagemap = source->kpageflags = -1;
	source->marked_at = g_new0(gint64, map->index_count / LEAF_PAGES);

	source->bitmap = open_file(source, VMHEAT_IDLE_BITMAP_NAME, O_RDWR, "is kvm_idle loaded?", error);
	if (source->bitmap >= 0)
		source->pagemap = open_file(source, "pagemap", O_RDONLY,
					    "the kernel lacks CONFIG_PROC_PAGE_MONITOR", error);
	if (source->pagemap >= 0)
		source->kpageflags = open_file(source, "../kpageflags", O_RDONLY,
					       "the kernel lacks CONFIG_PROC_PAGE_MONITOR", error);
	if (source->kpageflags < 0)
		g_clear_pointer(&source, idle_bitmap_close);
	return source;
}

static struct host_source *idle_bitmap_open(const struct domain *domain, const struct page_map *map,
					    GError **error)
{
	struct host_source *source = idle_bitmap_open_at("/proc", domain->pid, domain->name, map, error);

	/* The open files belong to one process for good; that it is QEMU is known once they are open. */
	if (source != NULL && !domain_is_alive(domain)) {
		fail(source, VMHEAT_IDLE_BITMAP_NAME, ESRCH, error);
		g_clear_pointer(&source, idle_bitmap_close);
	}
	return source;
}

const struct host_source_ops host_source_module = {
	.name = "module",
	.open = idle_bitmap_open,
	.harvest = idle_bitmap_harvest,
	.mark = idle_bitmap_mark,
	.close = idle_bitmap_close,
};
