/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin.h - host_source_plugin's door for tests: the same source on another /proc
 */
#ifndef VMHEAT_SOURCE_PLUGIN_H
#define VMHEAT_SOURCE_PLUGIN_H

#include "source.h"

/**
 * plugin_open_at() - host_source_plugin.open() with a /proc of one's own
 * @proc: path of a folder with PID/pagemap
 * @pid:  QEMU's process
 * @name: the VM's name, for messages; copied
 * @path: the plugin's file
 * @map:  the VM's memory; outlives the source
 */
struct host_source *plugin_open_at(const char *proc, pid_t pid, const char *name, const char *path,
				   const struct page_map *map, GError **error);

#endif /* VMHEAT_SOURCE_PLUGIN_H */
