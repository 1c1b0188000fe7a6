/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio_mem_actuator.c - resize a guest by what is requested of a virtio-mem device
 *
 * The device's definition is read anew each time: libvirt refuses one in which anything else has changed.
 */
#include "memory_actuator.h"
#include "host_error.h"
#include "virtio_mem.h"

static gboolean virtio_mem_set(const struct domain *domain, const char *alias, guint64 pages, GError **error)
{
	char *text = virDomainGetXMLDesc(domain->handle, 0);
	g_autofree char *device = NULL;

	if (text == NULL) {
		host_error_set_libvirt(error, domain->name, "cannot read its definition");
		return FALSE;
	}
	device = virtio_mem_request(domain->name, text, alias, pages, error);
	free(text);
	if (device == NULL)
		return FALSE;
	if (virDomainUpdateDeviceFlags(domain->handle, device, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return TRUE;
	host_error_set_libvirt(error, domain->name, "cannot set its virtio-mem device");
	return FALSE;
}

const struct memory_actuator memory_actuator_virtio_mem = { .set = virtio_mem_set };
