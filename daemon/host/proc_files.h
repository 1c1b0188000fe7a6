/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_files.h - what the kernel says of a process: /proc/PID/stat, status and cmdline
 *
 * The parsers are pure. The formats are those of proc(5); a process chooses its own name and arguments, so
 * nothing in them is trusted.
 */
#ifndef VMHEAT_HOST_PROC_FILES_H
#define VMHEAT_HOST_PROC_FILES_H

#include <glib.h>
#include <sys/types.h>
#include "id_set.h"

/** In an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): a page is mapped. */
#define PROC_PAGEMAP_PRESENT (G_GUINT64_CONSTANT(1) << 63)

/** In such an entry: the frame's number, 0 for who lacks CAP_SYS_ADMIN. */
#define PROC_PAGEMAP_FRAME_MASK ((G_GUINT64_CONSTANT(1) << 55) - 1)

/** The fields of /proc/PID/stat that tell one process from a later one with its pid. */
struct proc_stat {
	char state;	    /* field 3: 'Z' and 'X' are dead */
	guint64 start_time; /* field 22, in clock ticks since boot */
};

/** proc_stat_parse() - FALSE if @text is not a stat line. The name in it may hold anything, also ") R 1". */
gboolean proc_stat_parse(const char *text, struct proc_stat *stat);

/** proc_status_list() - the list in the line "@key:\t0-3,8" of /proc/PID/status @text. FALSE without such a
 * line.
 */
gboolean proc_status_list(const char *text, const char *key, struct id_set *set);

/** proc_cmdline_has() - whether the NUL-separated arguments @bytes hold @option directly followed by @value.
 */
gboolean proc_cmdline_has(const char *bytes, gsize length, const char *option, const char *value);

/** proc_read() - the contents of /proc/@pid/@name, NUL-terminated. HOST_ERROR_GONE if there is no such
 * process. The caller frees it. */
char *proc_read(pid_t pid, const char *name, gsize *length, GError **error);

/** proc_stat_read() - read and parse /proc/@pid/stat. FALSE if there is no such process. Does not block. */
gboolean proc_stat_read(pid_t pid, struct proc_stat *stat);

#endif /* VMHEAT_HOST_PROC_FILES_H */
