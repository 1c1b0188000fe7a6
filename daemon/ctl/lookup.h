/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.h - what a dictionary of the service holds, as people read it
 */
#ifndef VMHEAT_CTL_LOOKUP_H
#define VMHEAT_CTL_LOOKUP_H

#include <glib.h>
#include "format.h"

/** size_of() - of bytes; NULL without the key, here and below. The caller frees it. */
static inline char *size_of(GVariant *dict, const char *key)
{
	guint64 bytes;

	return g_variant_lookup(dict, key, "t", &bytes) ? format_size(bytes) : NULL;
}

/** seconds_of() - likewise of a time. */
static inline char *seconds_of(GVariant *dict, const char *key)
{
	double seconds;

	return g_variant_lookup(dict, key, "d", &seconds) ? format_seconds(seconds) : NULL;
}

/** text_of() - points into the dictionary; NULL for no dictionary, too. */
static inline const char *text_of(GVariant *dict, const char *key)
{
	const char *text;

	return dict != NULL && g_variant_lookup(dict, key, "&s", &text) ? text : NULL;
}

#endif /* VMHEAT_CTL_LOOKUP_H */
