/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_domain_xml.c - whatever a domain's definition is, it is refused or gives sensible facts
 */
#include <stdlib.h>
#include <string.h>
#include "domain_xml.h"
#include "page_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(gboolean condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL;
	struct domain_xml *xml = domain_xml_parse("fuzz", text, &error);

	require((xml == NULL) == (error != NULL));
	if (xml != NULL) {
		require(xml->boot_pages > 0 && xml->boot_pages < PAGE_MAP_PAGE_NUMBER_END);
		require(xml->agent_socket == NULL || *xml->agent_socket != '\0');
		require(xml->ram_blocks->len >= 1);
	}
	domain_xml_free(xml);
	return 0;
}
