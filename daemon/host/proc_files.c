/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_files.c - what the kernel says of a process, see proc_files.h
 */
#include "proc_files.h"
#include <string.h>
#include "host_error.h"

gboolean proc_status_list(const char *text, const char *key, struct id_set *set)
{
	g_autofree char *start = g_strconcat("\n", key, ":", NULL);
	g_autofree char *list = NULL;
	const char *line = strstr(text, start);

	if (line == NULL)
		return FALSE;
	line += strlen(start);
	list = g_strndup(line, strcspn(line, "\n"));
	return id_set_parse(list, set);
}

gboolean proc_cmdline_has(const char *bytes, gsize length, const char *option, const char *value)
{
	const char *end = bytes + length;
	gboolean after_option = FALSE;

	while (bytes < end) {
		gsize argument = strnlen(bytes, (gsize)(end - bytes));

		if (after_option && argument == strlen(value) && memcmp(bytes, value, argument) == 0)
			return TRUE;
		after_option = argument == strlen(option) && memcmp(bytes, option, argument) == 0;
		bytes += argument;
		if (bytes < end)
			bytes++;
	}
	return FALSE;
}

char *proc_read(pid_t pid, const char *name, gsize *length, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);
	g_autoptr(GError) reason = NULL;
	char *contents;

	if (g_file_get_contents(path, &contents, length, &reason))
		return contents;
	/* A process that ends while its file is open gives ESRCH, which GLib has no code for. */
	if (g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOENT) ||
	    g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_FAILED))
		g_set_error(error, HOST_ERROR, HOST_ERROR_GONE, "there is no process %d", (int)pid);
	else
		g_set_error(error, HOST_ERROR, HOST_ERROR_SYSTEM, "%s", reason->message);
	return NULL;
}

gboolean proc_stat_read(pid_t pid, struct proc_stat *stat)
{
	g_autofree char *text = proc_read(pid, "stat", NULL, NULL);

	return text != NULL && proc_stat_parse(text, stat);
}
