/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_bitmap.h - host_source_module's door for tests: the same source on another /proc
 */
#ifndef VMHEAT_SOURCE_IDLE_BITMAP_H
#define VMHEAT_SOURCE_IDLE_BITMAP_H

#include "source.h"

/**
 * idle_bitmap_open_at() - host_source_module.open() with a /proc of one's own
 * @proc: path of a folder with PID/idle_bitmap
 * @pid:  the process
 * @name: the VM's name, for messages; copied
 * @map:  its memory; outlives the source
 */
struct host_source *idle_bitmap_open_at(const char *proc, pid_t pid, const char *name,
					const struct page_map *map, GError **error);

#endif /* VMHEAT_SOURCE_IDLE_BITMAP_H */
