/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pid_file.c - libvirt's pid files, see pid_file.h
 */
#include "pid_file.h"
#include <string.h>

#define PID_FILE_FOLDER "/run/libvirt/qemu"

char *pid_file_path(const char *name)
{
	g_autofree char *escaped = NULL;

	/* A path made of such a name would lead elsewhere. */
	if (*name == '\0' || strchr(name, '/') != NULL)
		return NULL;
	escaped = g_markup_escape_text(name, -1);
	return g_strconcat(PID_FILE_FOLDER "/", escaped, ".pid", NULL);
}

gboolean pid_file_parse(const char *text, pid_t *pid)
{
	g_autofree char *number = g_strdup(text);
	guint64 value;

	if (!g_ascii_string_to_unsigned(g_strstrip(number), 10, 1, G_MAXINT, &value, NULL))
		return FALSE;
	*pid = (pid_t)value;
	return TRUE;
}
