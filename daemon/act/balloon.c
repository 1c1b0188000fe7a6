/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * balloon.c - resize a guest by its balloon
 *
 * Libvirt's limit is boot memory: memory in virtio-mem or DIMMs is not the balloon's to give, whatever sum
 * `virsh dominfo` shows.
 */
#include "actuator.h"
#include "host_error.h"

gboolean balloon_set(const struct domain *domain, guint64 pages, GError **error)
{
	guint64 kib = pages * (PAGE_MAP_PAGE_SIZE / 1024u);

	if (!domain->has_balloon) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: it has no balloon", domain->name);
		return FALSE;
	}
	if (pages == 0 || pages > domain->maximum_pages) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: its balloon cannot stand at %" G_GUINT64_FORMAT
			    " pages: 1 to %" G_GUINT64_FORMAT,
			    domain->name, pages, domain->maximum_pages);
		return FALSE;
	}
	if (virDomainSetMemoryFlags(domain->handle, kib, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return TRUE;
	host_error_set_libvirt(error, domain->name, "cannot set its balloon");
	return FALSE;
}
