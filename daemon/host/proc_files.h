/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_files.h - what the kernel says of a process: /proc/PID/stat, status and cmdline
 *
 * The parsers are pure. The formats are those of proc(5); a process chooses its own name and arguments, so
 * nothing in them is trusted. The parser of stat is in core/proc_format.h.
 */
#ifndef VMHEAT_HOST_PROC_FILES_H
#define VMHEAT_HOST_PROC_FILES_H

#include <glib.h>
#include <sys/types.h>
#include "id_set.h"
#include "proc_format.h"

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
