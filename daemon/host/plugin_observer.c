/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin_observer.c - an observer of a guest without KVM, see plugin_observer.h
 */
#define _GNU_SOURCE
#include "plugin_observer.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mapped_file.h"

#define WORD_PAGES 64u

/* How often the ranges may change while they are read. */
#define READ_ATTEMPTS_MAX 1000

struct plugin_observer {
	char *path;
	int fd;
	struct mapped_file *file;
	struct vmheat_plugin_map *map;
	guint64 *bitmap;
	struct vmheat_plugin_observer *place; /* NULL: none was free */
	guint32 number;			      /* what it is wanted by */
};

G_GNUC_PRINTF(4, 5)
static gboolean fail(const struct plugin_observer *observer, enum idle_observer_error code, GError **error,
		     const char *format, ...)
{
	g_autofree char *reason = NULL;
	va_list arguments;

	va_start(arguments, format);
	reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, IDLE_OBSERVER_ERROR, code, "%s: %s", observer->path, reason);
	return FALSE;
}

/*
 * Take or look for the lock on byte @offset, by fcntl command @command. Return: fcntl's; *type is what it says.
 */
static int lock_byte(int fd, int command, off_t offset, short *type)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1 };
	int result = fcntl(fd, command, &lock);

	*type = lock.l_type;
	return result;
}

static gboolean is_qemu_alive(const struct plugin_observer *observer)
{
	short type;

	return lock_byte(observer->fd, F_OFD_GETLK, VMHEAT_PLUGIN_MAP_LOCK_QEMU, &type) == 0 &&
	       type != F_UNLCK;
}

static gboolean open_file(struct plugin_observer *observer, GError **error)
{
	struct stat status;

	observer->fd = open(observer->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (observer->fd < 0 || fstat(observer->fd, &status) != 0)
		return fail(observer, IDLE_OBSERVER_ERROR_UNAVAILABLE, error, "%s", g_strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_size != (off_t)VMHEAT_PLUGIN_MAP_FILE_BYTES)
		return fail(observer, IDLE_OBSERVER_ERROR_UNAVAILABLE, error,
			    "not a file of libvmheat-plugin.so");
	if (!is_qemu_alive(observer))
		return fail(observer, IDLE_OBSERVER_ERROR_GONE, error, "the QEMU that made it has ended");
	observer->file = mapped_file_new(observer->fd, VMHEAT_PLUGIN_MAP_FILE_BYTES);
	if (observer->file == NULL)
		return fail(observer, IDLE_OBSERVER_ERROR_FAILED, error, "cannot be mapped: %s",
			    g_strerror(errno));
	observer->map = (struct vmheat_plugin_map *)mapped_file_data(observer->file);
	if (__atomic_load_n(&observer->map->magic, __ATOMIC_ACQUIRE) != VMHEAT_PLUGIN_MAP_MAGIC)
		return fail(observer, IDLE_OBSERVER_ERROR_UNAVAILABLE, error,
			    "not a file of libvmheat-plugin.so, or not yet");
	if (observer->map->version != VMHEAT_PLUGIN_MAP_VERSION)
		return fail(observer, IDLE_OBSERVER_ERROR_UNAVAILABLE, error,
			    "of a libvmheat-plugin.so of another version (%u, not %u)",
			    observer->map->version, VMHEAT_PLUGIN_MAP_VERSION);
	return TRUE;
}

static void close_file(struct plugin_observer *observer)
{
	mapped_file_free(observer->file);
	if (observer->fd >= 0)
		close(observer->fd);
}

static gboolean take_place(struct plugin_observer *observer, GError **error)
{
	for (guint i = 0; i < VMHEAT_PLUGIN_MAP_OBSERVERS && observer->place == NULL; i++) {
		short type;

		if (lock_byte(observer->fd, F_OFD_SETLK, VMHEAT_PLUGIN_MAP_LOCK_OBSERVERS + (off_t)i,
			      &type) == 0) {
			observer->place = &observer->map->observers[i];
			observer->bitmap = (guint64 *)(void *)((guint8 *)observer->map +
							       VMHEAT_PLUGIN_MAP_BITMAP_OFFSET(i));
		}
	}
	if (observer->place == NULL)
		return fail(observer, IDLE_OBSERVER_ERROR_UNAVAILABLE, error,
			    "all %d places for observers are taken", VMHEAT_PLUGIN_MAP_OBSERVERS);
	return TRUE;
}

static void want(struct plugin_observer *observer, guint32 number)
{
	__atomic_store_n(&observer->place->wanted, number, __ATOMIC_RELEASE);
	__atomic_fetch_add(&observer->map->requests, 1, __ATOMIC_RELEASE);
}

/* What the bitmap holds from before is left to the first collection. */
static void ask(struct plugin_observer *observer)
{
	observer->number = __atomic_load_n(&observer->map->requests, __ATOMIC_RELAXED) + 1;
	if (observer->number == 0)
		observer->number = 1;
	want(observer, observer->number);
}

struct plugin_observer *plugin_observer_new(const char *path, GError **error)
{
	struct plugin_observer *observer = g_new0(struct plugin_observer, 1);

	observer->path = g_strdup(path);
	observer->fd = -1;
	if (open_file(observer, error) && take_place(observer, error)) {
		ask(observer);
		return observer;
	}
	plugin_observer_free(observer);
	return NULL;
}

void plugin_observer_free(struct plugin_observer *observer)
{
	if (observer == NULL)
		return;
	if (observer->place != NULL)
		want(observer, 0);
	close_file(observer);
	g_free(observer->path);
	g_free(observer);
}

/* Whether there is still something to look at. */
static gboolean check(const struct plugin_observer *observer, GError **error)
{
	if (mapped_file_is_lost(observer->file))
		return fail(observer, IDLE_OBSERVER_ERROR_FAILED, error, "it was cut short");
	if (!is_qemu_alive(observer))
		return fail(observer, IDLE_OBSERVER_ERROR_GONE, error, "the QEMU that made it has ended");
	return TRUE;
}

gboolean plugin_observer_is_armed(struct plugin_observer *observer, GError **error)
{
	guint32 reason;

	if (!check(observer, error))
		return FALSE;
	if (__atomic_load_n(&observer->place->armed, __ATOMIC_ACQUIRE) == observer->number)
		return TRUE;
	reason = __atomic_load_n(&observer->place->error, __ATOMIC_ACQUIRE);
	return reason != 0 && fail(observer, IDLE_OBSERVER_ERROR_FAILED, error,
				   "the plugin cannot record: %s", g_strerror((int)reason));
}

/* Take the bits of @mask from word @index of the bitmap. */
static guint64 take_bits(struct plugin_observer *observer, guint64 index, guint64 mask)
{
	guint64 *word = &observer->bitmap[index];

	/* Nothing is written where nothing is set: looking makes no room in the file. */
	if ((__atomic_load_n(word, __ATOMIC_RELAXED) & mask) == 0)
		return 0;
	if (mask == G_MAXUINT64)
		return __atomic_exchange_n(word, 0, __ATOMIC_RELAXED);
	return __atomic_fetch_and(word, ~mask, __ATOMIC_RELAXED) & mask;
}

/* So many bits, at most a word, from number @first on. */
static guint64 bit_mask(guint64 first, guint64 count)
{
	return (count == WORD_PAGES ? G_MAXUINT64 : (G_GUINT64_CONSTANT(1) << count) - 1) << first;
}

gboolean plugin_observer_collect(struct plugin_observer *observer, guint64 gfn, guint64 pages,
				 guint64 *accessed, GError **error)
{
	if (pages > VMHEAT_PLUGIN_MAP_END_GFN || gfn > VMHEAT_PLUGIN_MAP_END_GFN - pages)
		return fail(observer, IDLE_OBSERVER_ERROR_FAILED, error,
			    "pages 0x%" G_GINT64_MODIFIER "x and more have no bits in it", gfn);
	if (!check(observer, error))
		return FALSE;
	for (guint64 i = 0; i < (pages + WORD_PAGES - 1) / WORD_PAGES; i++)
		accessed[i] = 0;
	for (guint64 done = 0, count; done < pages; done += count) {
		guint64 first = (gfn + done) % WORD_PAGES, to = done % WORD_PAGES;
		guint64 bits;

		count = MIN(WORD_PAGES - first, pages - done);
		bits = take_bits(observer, (gfn + done) / WORD_PAGES, bit_mask(first, count)) >> first;
		accessed[done / WORD_PAGES] |= bits << to;
		if (to != 0 && to + count > WORD_PAGES)
			accessed[done / WORD_PAGES + 1] |= bits >> (WORD_PAGES - to);
	}
	/* What was touched in vain was nothing. */
	return check(observer, error);
}

guint64 plugin_observer_lost(const struct plugin_observer *observer)
{
	return __atomic_load_n(&observer->map->lost, __ATOMIC_RELAXED);
}

/* The ranges as they stand. Return: FALSE if they changed meanwhile. */
static gboolean read_ranges(const struct vmheat_plugin_map *map, GArray *slots)
{
	guint32 sequence = __atomic_load_n(&map->ranges_sequence, __ATOMIC_ACQUIRE);
	guint32 count = __atomic_load_n(&map->range_count, __ATOMIC_RELAXED);

	g_array_set_size(slots, 0);
	for (guint32 i = 0; i < MIN(count, VMHEAT_PLUGIN_MAP_RANGES); i++) {
		const struct vmheat_plugin_range *range = &map->ranges[i];
		struct vmheat_idle_memslot slot = { .gfn = __atomic_load_n(&range->gfn, __ATOMIC_RELAXED),
						    .hva = __atomic_load_n(&range->hva, __ATOMIC_RELAXED),
						    .pages = __atomic_load_n(&range->pages,
									     __ATOMIC_RELAXED) };

		g_array_append_val(slots, slot);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (sequence & 1) == 0 && __atomic_load_n(&map->ranges_sequence, __ATOMIC_RELAXED) == sequence;
}

GArray *plugin_observer_memory(const char *path, pid_t pid, GError **error)
{
	struct plugin_observer observer = { .path = (char *)path, .fd = -1 };
	GArray *slots = g_array_new(FALSE, TRUE, sizeof(struct vmheat_idle_memslot));
	gboolean good = open_file(&observer, error);

	if (good && __atomic_load_n(&observer.map->pid, __ATOMIC_ACQUIRE) != (guint32)pid)
		good = fail(&observer, IDLE_OBSERVER_ERROR_UNAVAILABLE, error,
			    "not the file of process %d, or not yet", (int)pid);
	for (int attempts = 0; good && !read_ranges(observer.map, slots); attempts++)
		if (attempts == READ_ATTEMPTS_MAX)
			good = fail(&observer, IDLE_OBSERVER_ERROR_FAILED, error,
				    "its list of the machine's memory changes all the time");
	good = good && check(&observer, error);
	close_file(&observer);
	if (!good)
		g_clear_pointer(&slots, g_array_unref);
	return slots;
}
