/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * balloon.c - resize a guest by its balloon
 *
 * Libvirt's limit is boot memory: memory in virtio-mem or DIMMs is not the balloon's to give, whatever sum
 * `virsh dominfo` shows.
 */
#include "memory_actuator.h"
#include "host_error.h"

static gboolean balloon_set(const struct domain *domain, const char *alias, guint64 pages, GError **error)
{
	guint64 kib = pages * (PAGE_MAP_PAGE_SIZE / 1024u);

	if (!domain->has_balloon) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: it has no balloon", domain->name);
		return FALSE;
	}
	if (pages == 0 || pages > domain->boot_pages) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: its balloon cannot stand at %" G_GUINT64_FORMAT
			    " pages: 1 to %" G_GUINT64_FORMAT,
			    domain->name, pages, domain->boot_pages);
		return FALSE;
	}
	if (virDomainSetMemoryFlags(domain->handle, kib, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return TRUE;
	host_error_set_libvirt(error, domain->name, "cannot set its balloon");
	return FALSE;
}

const struct memory_actuator memory_actuator_balloon = { .set = balloon_set };
