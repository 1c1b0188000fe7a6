/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - GLib's messages as single lines
 */
#include "log.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *level_name(GLogLevelFlags level)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		return "error: ";
	if (level & G_LOG_LEVEL_WARNING)
		return "warning: ";
	if (level & G_LOG_LEVEL_DEBUG)
		return "debug: ";
	return "";
}

static const char *field_text(const GLogField *fields, gsize count, const char *key)
{
	for (gsize i = 0; i < count; i++)
		if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
			return fields[i].value;
	return NULL;
}

static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
	const char *domain = field_text(fields, count, "GLIB_DOMAIN");
	const char *text = field_text(fields, count, "MESSAGE");
	g_autofree char *line = NULL;

	if (g_log_writer_default_would_drop(level, domain))
		return G_LOG_WRITER_HANDLED;
	if (g_log_writer_is_journald(fileno(stderr)) &&
	    g_log_writer_journald(level, fields, count, data) == G_LOG_WRITER_HANDLED)
		return G_LOG_WRITER_HANDLED;
	/* A name from outside must not forge a line. */
	line = g_strdelimit(g_strdup(text != NULL ? text : "(no message)"), "\r\n", ' ');
	fprintf(stderr, "%s: %s%s\n", g_get_prgname(), level_name(level), line);
	return G_LOG_WRITER_HANDLED;
}

void log_start(void)
{
	g_log_set_writer_func(write_line, NULL, NULL);
}
