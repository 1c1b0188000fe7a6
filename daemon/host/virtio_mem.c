/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio_mem.c - a domain's virtio-mem devices, by its definition, see virtio_mem.h
 */
#include "virtio_mem.h"
#include <string.h>
#include "host_error.h"
#include "page_map.h"
#include "xml_query.h"

#define KIB_PER_PAGE (PAGE_MAP_PAGE_SIZE / 1024u)
#define DEVICES	     "/domain/devices/memory[@model='virtio-mem']"

/* The child element @name of @parent; NULL if there is none. */
static xmlNode *child(xmlNode *parent, const char *name)
{
	for (xmlNode *node = parent == NULL ? NULL : parent->children; node != NULL; node = node->next)
		if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
			return node;
	return NULL;
}

/* The text of @node; the caller frees it. NULL of no node. */
static char *text_of(xmlNode *node)
{
	xmlChar *text = node == NULL ? NULL : xmlNodeGetContent(node);
	char *copy = text == NULL ? NULL : g_strdup((const char *)text);

	xmlFree(text);
	return copy;
}

/* A size among the children of @target, in whole pages. */
static gboolean get_pages(xmlNode *target, const char *name, guint64 *pages)
{
	xmlNode *node = child(target, name);
	g_autofree char *text = text_of(node);
	guint64 kib;

	if (text == NULL || !xml_query_kib(node, text, &kib) || kib % KIB_PER_PAGE != 0)
		return FALSE;
	*pages = kib / KIB_PER_PAGE;
	return *pages < PAGE_MAP_PAGE_NUMBER_END;
}

static gboolean get_alias(xmlNode *device, char *alias)
{
	xmlNode *node = child(device, "alias");
	xmlChar *name = node == NULL ? NULL : xmlGetNoNsProp(node, (const xmlChar *)"name");
	gboolean good = name != NULL && *name != '\0' &&
			g_strlcpy(alias, (const char *)name, VIRTIO_MEM_ALIAS_MAX) < VIRTIO_MEM_ALIAS_MAX;

	xmlFree(name);
	return good;
}

/* Without guest NUMA nodes libvirt writes none. */
static gboolean get_node(xmlNode *target, guint *node)
{
	g_autofree char *text = text_of(child(target, "node"));
	guint64 number = 0;

	if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL))
		return FALSE;
	*node = (guint)number;
	return TRUE;
}

static gboolean read_device(xmlNode *node, struct virtio_mem *device)
{
	struct virtio_mem_size *size = &device->size;
	xmlNode *target = child(node, "target");

	return get_alias(node, device->alias) && get_node(target, &device->node) &&
	       get_pages(target, "block", &size->block_pages) && size->block_pages > 0 &&
	       get_pages(target, "size", &size->size_pages) &&
	       get_pages(target, "requested", &size->requested_pages) &&
	       get_pages(target, "current", &size->current_pages) &&
	       size->requested_pages <= size->size_pages && size->current_pages <= size->size_pages &&
	       size->size_pages % size->block_pages == 0 && size->requested_pages % size->block_pages == 0 &&
	       size->current_pages % size->block_pages == 0;
}

/* What virtio_mem_parse() fills in. */
struct parse {
	struct virtio_mem *devices;
	guint count;
};

static gboolean add_device(xmlNode *node, const char *text, gpointer data)
{
	struct parse *parse = data;
	struct virtio_mem *device = &parse->devices[parse->count];

	if (parse->count == VIRTIO_MEM_DEVICES_MAX || !read_device(node, device))
		return FALSE;
	for (guint i = 0; i < parse->count; i++)
		if (strcmp(parse->devices[i].alias, device->alias) == 0)
			return FALSE;
	parse->count++;
	return TRUE;
}

gboolean virtio_mem_parse(const char *name, const char *text, struct virtio_mem *devices, guint *count,
			  GError **error)
{
	struct parse parse = { .devices = devices };
	struct xml_query query;
	gboolean good = xml_query_open(&query, name, text, error);

	if (good && !xml_query_each(&query, DEVICES, add_device, &parse)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: its virtio-mem device number %u makes no sense, or is one too many", name,
			    parse.count + 1);
		good = FALSE;
	}
	*count = good ? parse.count : 0;
	xml_query_close(&query);
	return good;
}

/* What virtio_mem_request() looks for, and finds. */
struct request {
	const char *alias;
	guint64 pages;
	gboolean found;
	char *definition; /* NULL: it cannot have so much */
};

static void set_requested(xmlNode *device, guint64 pages)
{
	g_autofree char *kib = g_strdup_printf("%" G_GUINT64_FORMAT, pages * KIB_PER_PAGE);

	xmlNodeSetContent(child(child(device, "target"), "requested"), (const xmlChar *)kib);
}

static char *to_text(xmlNode *device)
{
	xmlBuffer *buffer = xmlBufferCreate();
	char *text = NULL;

	if (buffer != NULL && xmlNodeDump(buffer, device->doc, device, 0, 0) >= 0)
		text = g_strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

static gboolean request_of(xmlNode *node, const char *text, gpointer data)
{
	struct request *request = data;
	struct virtio_mem device;

	if (!read_device(node, &device) || strcmp(device.alias, request->alias) != 0)
		return TRUE;
	request->found = TRUE;
	if (request->pages <= device.size.size_pages && request->pages % device.size.block_pages == 0) {
		set_requested(node, request->pages);
		request->definition = to_text(node);
	}
	return FALSE;
}

char *virtio_mem_request(const char *name, const char *text, const char *alias, guint64 pages, GError **error)
{
	struct request request = { .alias = alias, .pages = pages };
	struct xml_query query;

	if (xml_query_open(&query, name, text, error)) {
		(void)xml_query_each(&query, DEVICES, request_of, &request);
		if (!request.found)
			g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: it has no virtio-mem device %s",
				    name, alias);
		else if (request.definition == NULL)
			g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
				    "%s: its virtio-mem device %s cannot have %" G_GUINT64_FORMAT " pages",
				    name, alias, pages);
	}
	xml_query_close(&query);
	return request.definition;
}
