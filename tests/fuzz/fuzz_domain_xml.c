/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_domain_xml.c - whatever a domain's definition is, it is refused or gives sensible facts
 */
#include <stdlib.h>
#include <string.h>
#include "domain_xml.h"
#include "page_map.h"
#include "virtio_mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(gboolean condition)
{
	if (!condition)
		abort();
}

/* A device whose requested size was changed reads back with that size, and with nothing else changed. */
static void check_request(const char *text, const struct virtio_mem *device)
{
	guint64 pages = device->size.size_pages - device->size.requested_pages;
	g_autofree char *definition = virtio_mem_request("fuzz", text, device->alias, pages, NULL);
	g_autofree char *domain = g_strconcat("<domain><devices>", definition, "</devices></domain>", NULL);
	struct virtio_mem devices[VIRTIO_MEM_DEVICES_MAX];
	guint count;

	require(definition != NULL);
	/* Entities of a document type are not the device's own; libvirt writes none. */
	if (strstr(text, "<!") != NULL)
		return;
	require(virtio_mem_parse("fuzz", domain, devices, &count, NULL) && count == 1);
	require(strcmp(devices[0].alias, device->alias) == 0 && devices[0].node == device->node);
	require(devices[0].size.requested_pages == pages);
	require(devices[0].size.size_pages == device->size.size_pages &&
		devices[0].size.block_pages == device->size.block_pages &&
		devices[0].size.current_pages == device->size.current_pages);
}

static void check_virtio_mems(const char *text)
{
	struct virtio_mem devices[VIRTIO_MEM_DEVICES_MAX];
	g_autoptr(GError) error = NULL;
	guint count;
	gboolean good = virtio_mem_parse("fuzz", text, devices, &count, &error);

	require(good == (error == NULL) && count <= VIRTIO_MEM_DEVICES_MAX);
	for (guint i = 0; i < count; i++) {
		const struct virtio_mem_size *sizes = &devices[i].size;

		require(devices[i].alias[0] != '\0' && sizes->block_pages > 0);
		require(sizes->size_pages < PAGE_MAP_PAGE_NUMBER_END);
		require(sizes->requested_pages <= sizes->size_pages &&
			sizes->current_pages <= sizes->size_pages);
		check_request(text, &devices[i]);
	}
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
	check_virtio_mems(text);
	return 0;
}
