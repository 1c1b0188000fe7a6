/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain_xml.c - what the live definition of a domain tells the daemon, see domain_xml.h
 */
#include "domain_xml.h"
#include <string.h>
#include "host_error.h"
#include "page_map.h"
#include "vmheat/guest_protocol.h"
#include "xml_query.h"

#define KIB_PER_PAGE (PAGE_MAP_PAGE_SIZE / 1024u)

/* NVDIMM, virtio-pmem and shared-memory devices are no memory that a guest could give back. */
#define RAM_DEVICES "/domain/devices/memory[@model='dimm' or @model='virtio-mem']"

/* What the domain says to QEMU in its own words. */
#define QEMU_ARGUMENTS                                                                                       \
	"/domain/*[local-name()='commandline'][namespace-uri()='http://libvirt.org/schemas/domain/qemu/"     \
	"1.0']"                                                                                              \
	"/*[local-name()='arg']/@value"

/* What QEMU loads, and the argument that names the file. */
#define PLUGIN_WITH_MAP "libvmheat-plugin.so,map="

/* Add a size to the guint64 at @data. */
static gboolean add_kib(xmlNode *node, const char *text, gpointer data)
{
	guint64 *sum = data;
	guint64 size;

	return xml_query_kib(node, text, &size) && g_uint64_checked_add(sum, *sum, size);
}

static void add_block(GArray *blocks, guint64 pages)
{
	g_array_append_val(blocks, pages);
}

static gboolean add_cell_block(xmlNode *node, const char *text, gpointer data)
{
	xmlChar *memory = xmlGetNoNsProp(node, (const xmlChar *)"memory");
	guint64 size;
	gboolean good = memory != NULL && xml_query_kib(node, (const char *)memory, &size);

	xmlFree(memory);
	if (good)
		add_block(data, size / KIB_PER_PAGE);
	return good;
}

static gboolean add_device_block(xmlNode *node, const char *text, gpointer data)
{
	guint64 size;

	if (!xml_query_kib(node, text, &size))
		return FALSE;
	add_block(data, size / KIB_PER_PAGE);
	return TRUE;
}

/* Boot memory is one block, or with guest NUMA cells one a cell; each device is one more. */
static gboolean get_ram_blocks(const struct xml_query *query, struct domain_xml *xml)
{
	guint64 device_kib = 0;

	add_block(xml->ram_blocks, xml->boot_pages);
	if (!xml_query_each(query, "/domain/cpu/numa/cell", add_cell_block, xml->ram_blocks) ||
	    !xml_query_each(query, RAM_DEVICES "/target/size", add_device_block, xml->ram_blocks) ||
	    !xml_query_each(query, RAM_DEVICES "/target/size", add_kib, &device_kib))
		return FALSE;
	xml->ram_pages = xml->boot_pages + device_kib / KIB_PER_PAGE;
	return TRUE;
}

/* Boot memory is what is not in memory devices: <memory> is the sum of both. */
static gboolean get_boot_pages(const struct xml_query *query, guint64 *pages)
{
	guint64 total = 0, devices = 0;

	if (!xml_query_each(query, "/domain/memory", add_kib, &total) ||
	    !xml_query_each(query, "/domain/devices/memory/target/size", add_kib, &devices) ||
	    devices >= total)
		return FALSE;
	*pages = (total - devices) / KIB_PER_PAGE;
	return *pages > 0 && *pages < PAGE_MAP_PAGE_NUMBER_END;
}

/* If @text is the plugin and its argument, put the file into the string at @data. QEMU doubles commas in values. */
static gboolean find_plugin_map(xmlNode *node, const char *text, gpointer data)
{
	char **path = data;
	const char *from = strstr(text, PLUGIN_WITH_MAP);
	GString *value;

	if (from == NULL || *path != NULL)
		return TRUE;
	value = g_string_new(NULL);
	for (from += strlen(PLUGIN_WITH_MAP); *from != '\0'; from++) {
		if (*from == ',' && *++from != ',')
			break;
		g_string_append_c(value, *from);
	}
	*path = g_string_free(value, FALSE);
	return TRUE;
}

/* The CID that a running domain's vsock has. Those below 3 are no guest's. */
static guint get_vsock_cid(const struct xml_query *query)
{
	g_autofree char *text = xml_query_string(query, "string(/domain/devices/vsock/cid/@address)");
	guint64 cid;

	if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 3, G_MAXUINT32 - 1, &cid, NULL))
		return 0;
	return (guint)cid;
}

static struct domain_xml *read_facts(const char *name, const struct xml_query *query, GError **error)
{
	g_autofree char *type = xml_query_string(query, "string(/domain/@type)");
	g_autofree char *balloon = xml_query_string(query, "string(/domain/devices/memballoon/@model)");
	g_autofree char *reporting =
		xml_query_string(query, "string(/domain/devices/memballoon/@freePageReporting)");
	struct domain_xml *xml;

	if (type == NULL || (strcmp(type, "kvm") != 0 && strcmp(type, "qemu") != 0)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: not a QEMU domain but of the type '%s'",
			    name, type == NULL ? "" : type);
		return NULL;
	}
	xml = g_new0(struct domain_xml, 1);
	xml->ram_blocks = g_array_new(FALSE, FALSE, sizeof(guint64));
	if (!get_boot_pages(query, &xml->boot_pages) || !get_ram_blocks(query, xml)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: no sensible memory size in its definition", name);
		domain_xml_free(xml);
		return NULL;
	}
	xml->is_emulated = strcmp(type, "qemu") == 0;
	if (xml->is_emulated)
		(void)xml_query_each(query, QEMU_ARGUMENTS, find_plugin_map, &xml->plugin_map);
	xml->vsock_cid = get_vsock_cid(query);
	xml->has_balloon = balloon != NULL && strcmp(balloon, "none") != 0;
	xml->free_page_reporting = xml->has_balloon && g_strcmp0(reporting, "on") == 0;
	xml->agent_socket = xml_query_string(
		query, "string(/domain/devices/channel[@type='unix'][target/@type='virtio']"
		       "[target/@name='" VMHEAT_GUEST_PORT_NAME "']/source[@mode='bind']/@path)");
	return xml;
}

struct domain_xml *domain_xml_parse(const char *name, const char *text, GError **error)
{
	struct domain_xml *xml = NULL;
	struct xml_query query;

	if (xml_query_open(&query, name, text, error))
		xml = read_facts(name, &query, error);
	xml_query_close(&query);
	return xml;
}

void domain_xml_free(struct domain_xml *xml)
{
	if (xml == NULL)
		return;
	g_free(xml->agent_socket);
	g_free(xml->plugin_map);
	g_array_unref(xml->ram_blocks);
	g_free(xml);
}
