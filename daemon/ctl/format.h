/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.h - figures and tables for people
 */
#ifndef VMHEAT_CTL_FORMAT_H
#define VMHEAT_CTL_FORMAT_H

#include <glib.h>

/** format_size() - "384.0 MiB": in KiB, MiB, GiB or TiB, with one digit; "0". The caller frees it. */
char *format_size(guint64 bytes);

/** format_seconds() - "0.12 s", "2.0 s", "45 s", "2 min 5 s", "3 h 20 min". The caller frees it. */
char *format_seconds(double seconds);

/** A table whose columns are as wide as their widest cell. */
struct text_table;

/**
 * text_table_new() - @columns headings; one that starts with '>' has its column aligned to the right, without
 * the sign. text_table_free() it.
 */
struct text_table *text_table_new(const char *const *headings, guint columns);
void text_table_free(struct text_table *table);

/** text_table_add() - a row of as many cells as there are headings; NULL is shown as "-". Copied. */
void text_table_add(struct text_table *table, const char *const *cells);

/** text_table_render() - lines without trailing blanks. The caller frees it. */
char *text_table_render(const struct text_table *table);

#endif /* VMHEAT_CTL_FORMAT_H */
