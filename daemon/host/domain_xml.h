/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain_xml.h - what the live definition of a domain tells the daemon
 *
 * Theory of operation
 *
 * Pure: text in, facts out. Everything is taken by XPath from the definition of the running domain, which is
 * where libvirt has filled in paths and aliases.
 *
 * The RAM block names are those that libvirt gives QEMU. They are part of QEMU's migration stream, so neither
 * libvirt nor QEMU can change them: "pc.ram" is the memory of an x86 machine without backends of its own,
 * "ram-nodeN" that of guest NUMA cell N, and "mem" plus a memory device's alias that of the device. DIMMs and
 * virtio-mem count; NVDIMM, virtio-pmem and shared-memory devices are no memory that a guest could give back.
 */
#ifndef VMHEAT_HOST_DOMAIN_XML_H
#define VMHEAT_HOST_DOMAIN_XML_H

#include <glib.h>

struct domain_xml {
	char *agent_socket; /* of the channel VMHEAT_GUEST_PORT_NAME; NULL where there is none that QEMU binds
			     */
	gboolean has_balloon;
	guint64 boot_pages; /* memory without memory devices: what the balloon can give at most */
	GStrv ram_blocks; /* names of the RAM blocks that are the guest's memory, whether or not they exist */
};

/** domain_xml_parse() - @name is for the error, HOST_ERROR_DATA. domain_xml_free() the result. */
struct domain_xml *domain_xml_parse(const char *name, const char *text, GError **error);
void domain_xml_free(struct domain_xml *xml);

#endif /* VMHEAT_HOST_DOMAIN_XML_H */
