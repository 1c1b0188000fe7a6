/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xml_query.c - questions to a domain's definition, see xml_query.h
 */
#include "xml_query.h"
#include <string.h>
#include <libxml/parser.h>
#include "host_error.h"

gboolean xml_query_open(struct xml_query *query, const char *name, const char *text, GError **error)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	size_t length = strlen(text);

	memset(query, 0, sizeof(*query));
	if (length <= G_MAXINT)
		query->document = xmlReadMemory(text, (int)length, "domain.xml", NULL, options);
	if (query->document != NULL)
		query->context = xmlXPathNewContext(query->document);
	if (query->context != NULL)
		return TRUE;
	g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: its definition is not XML", name);
	return FALSE;
}

void xml_query_close(struct xml_query *query)
{
	xmlXPathFreeContext(query->context);
	xmlFreeDoc(query->document);
	memset(query, 0, sizeof(*query));
}

char *xml_query_string(const struct xml_query *query, const char *expression)
{
	xmlXPathObject *object = xmlXPathEvalExpression((const xmlChar *)expression, query->context);
	xmlChar *text = NULL;
	char *copy = NULL;

	if (object != NULL)
		text = xmlXPathCastToString(object);
	if (text != NULL && *text != '\0')
		copy = g_strdup((const char *)text);
	xmlFree(text);
	xmlXPathFreeObject(object);
	return copy;
}

gboolean xml_query_each(const struct xml_query *query, const char *expression, xml_query_func *each,
			gpointer data)
{
	xmlXPathObject *object = xmlXPathEvalExpression((const xmlChar *)expression, query->context);
	int count = object == NULL ? 0 : xmlXPathNodeSetGetLength(object->nodesetval);
	gboolean good = TRUE;

	for (int i = 0; i < count && good; i++) {
		xmlNode *node = xmlXPathNodeSetItem(object->nodesetval, i);
		xmlChar *text = xmlNodeGetContent(node);

		good = each(node, text == NULL ? "" : (const char *)text, data);
		xmlFree(text);
	}
	xmlXPathFreeObject(object);
	return good;
}

gboolean xml_query_kib(const xmlNode *node, const char *text, guint64 *size)
{
	xmlChar *unit = xmlGetNoNsProp(node, (const xmlChar *)"unit");
	gboolean good = unit != NULL && strcmp((const char *)unit, "KiB") == 0;

	xmlFree(unit);
	return good && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, size, NULL);
}
