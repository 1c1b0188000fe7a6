/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xml_query.h - questions to a domain's definition, in XPath
 *
 * Definitions are anybody's text: whatever is asked, the answer may be nothing, or nonsense.
 */
#ifndef VMHEAT_HOST_XML_QUERY_H
#define VMHEAT_HOST_XML_QUERY_H

#include <glib.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>

/** A parsed definition. Zero it, or open it; close it in either case. */
struct xml_query {
	xmlDoc *document;
	xmlXPathContext *context;
};

/** xml_query_open() - parse @text, the definition of domain @name. The error is HOST_ERROR_DATA. */
gboolean xml_query_open(struct xml_query *query, const char *name, const char *text, GError **error);
void xml_query_close(struct xml_query *query);

/** xml_query_string() - the value of @expression; NULL if it is empty. The caller frees it. */
char *xml_query_string(const struct xml_query *query, const char *expression);

/** What is told of a node: itself, its text, and the caller's @data. FALSE ends the round. */
typedef gboolean xml_query_func(xmlNode *node, const char *text, gpointer data);

/** xml_query_each() - @each for every node that @expression selects, until one call fails. FALSE if one did. */
gboolean xml_query_each(const struct xml_query *query, const char *expression, xml_query_func *each,
			gpointer data);

/**
 * xml_query_kib() - read @text, of @node, as a memory size in KiB
 *
 * Libvirt writes that in a live definition, whatever unit was given to it; another unit would be misread, so it is
 * refused.
 */
gboolean xml_query_kib(const xmlNode *node, const char *text, guint64 *size);

#endif /* VMHEAT_HOST_XML_QUERY_H */
