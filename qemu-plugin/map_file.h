/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map_file.h - the file of vmheat/plugin_map.h, as the plugin makes it
 *
 * Theory of operation
 *
 * The file is new whenever QEMU starts: made exclusively, following no link, for its user alone. A QEMU that
 * was killed leaves its file behind. The lock on it tells that from the file of one that lives, which is left
 * alone.
 *
 * Two that start at once may both find the same old file. The one that gets its lock keeps that until its own
 * new file stands there, locked; the other one finds a lock in any case.
 *
 * Room on disk is reserved before a bit is set: whoever writes to a hole in a mapped file of a full file system
 * is killed, and that would be the whole machine. A page of the file holds the bits of 32768 guest pages.
 */
#ifndef QEMU_PLUGIN_MAP_FILE_H
#define QEMU_PLUGIN_MAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "vmheat/plugin_map.h"

/** Guest pages whose bits lie in one page of the file. */
#define MAP_FILE_CHUNK_SHIFT 15

struct map_file {
	int fd;
	struct vmheat_plugin_map *map; /* the whole file */
};

/**
 * map_file_create() - make and map the file at @path
 *
 * Return: 0, or a negative errno: -EBUSY if a QEMU that lives uses the file, -EEXIST if what stands there is no
 * file of ours to replace: not regular, of another user, with a second name, or of something else.
 */
int map_file_create(struct map_file *file, const char *path);

/** map_file_bitmap() - the bitmap of an observer. */
uint64_t *map_file_bitmap(const struct map_file *file, unsigned int place);

/**
 * map_file_reserve() - make room for the bits of guest pages from @chunk << MAP_FILE_CHUNK_SHIFT on.
 *
 * Return: 0, or a negative errno.
 */
int map_file_reserve(const struct map_file *file, unsigned int place, uint64_t chunk);

/** map_file_has_observer() - whether the lock of an observer is held. */
bool map_file_has_observer(const struct map_file *file, unsigned int place);

#endif /* QEMU_PLUGIN_MAP_FILE_H */
