/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain_metadata.c - our element in a domain's metadata, see domain_metadata.h
 */
#include "domain_metadata.h"
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>
#include "host_error.h"

#define ELEMENT "settings"

/* Some twenty short settings. */
#define TEXT_MAX 16384u

gboolean domain_metadata_read(const struct domain *domain, char **text, GError **error)
{
	char *found =
		virDomainGetMetadata(domain->handle, VIR_DOMAIN_METADATA_ELEMENT, DOMAIN_METADATA_URI, 0);

	*text = g_strdup(found);
	if (found == NULL && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA) {
		host_error_set_libvirt(error, domain->name, "cannot read its metadata");
		return FALSE;
	}
	free(found);
	return TRUE;
}

static GHashTable *read_attributes(const xmlNode *element)
{
	GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (xmlAttr *attribute = element->properties; attribute != NULL; attribute = attribute->next) {
		xmlChar *value = xmlNodeListGetString(element->doc, attribute->children, 1);

		g_hash_table_insert(values, g_strdup((const char *)attribute->name),
				    g_strdup(value == NULL ? "" : (const char *)value));
		xmlFree(value);
	}
	return values;
}

GHashTable *domain_metadata_parse(const char *text, GError **error)
{
	gsize length = strlen(text);
	GHashTable *values = NULL;
	xmlDoc *document = NULL;
	const xmlNode *root;

	if (length <= TEXT_MAX)
		document = xmlReadMemory(text, (int)length, "metadata.xml", NULL,
					 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	root = document == NULL ? NULL : xmlDocGetRootElement(document);
	if (root == NULL)
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "its metadata is %s",
			    length <= TEXT_MAX ? "no XML" : "too long");
	else if (strcmp((const char *)root->name, ELEMENT) != 0)
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "its metadata is <%s>, not <" ELEMENT ">",
			    (const char *)root->name);
	else
		values = read_attributes(root);
	xmlFreeDoc(document);
	return values;
}
