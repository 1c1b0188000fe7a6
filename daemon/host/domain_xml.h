/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain_xml.h - what the live definition of a domain tells the daemon
 *
 * Theory of operation
 *
 * Pure: text in, facts out. Everything is taken by XPath from the definition of the running domain, which is
 * where libvirt has filled in paths and aliases.
 *
 * QEMU makes the guest's memory in blocks, each of which is one mapping of its own: boot memory as a whole, or one block
 * for each guest NUMA cell; and one for each DIMM and virtio-mem device. NVDIMM, virtio-pmem and shared-memory devices
 * are no memory that a guest could give back.
 */
#ifndef VMHEAT_HOST_DOMAIN_XML_H
#define VMHEAT_HOST_DOMAIN_XML_H

#include <glib.h>

struct domain_xml {
	char *agent_socket; /* of the channel VMHEAT_GUEST_PORT_NAME; NULL where there is none that QEMU binds
			     */
	guint vsock_cid;    /* of the domain's vsock device; 0 where it has none, or none yet */
	gboolean is_emulated; /* it runs without KVM */
	char *plugin_map; /* libvmheat-plugin.so's file; NULL where there is none, or KVM, which ignores plugins */
	gboolean has_balloon;
	gboolean
		free_page_reporting; /* by it the guest tells QEMU which pages it has freed, and they become holes */
	guint64 boot_pages;	     /* memory without memory devices: what the balloon can give at most */
	guint64 ram_pages;	     /* with DIMMs and virtio-mem, plugged in or not */
	GArray *ram_blocks; /* guint64, in pages: the sizes that a block of the guest's memory can have */
};

/** domain_xml_parse() - @name is for the error, HOST_ERROR_DATA. domain_xml_free() the result. */
struct domain_xml *domain_xml_parse(const char *name, const char *text, GError **error);
void domain_xml_free(struct domain_xml *xml);

#endif /* VMHEAT_HOST_DOMAIN_XML_H */
