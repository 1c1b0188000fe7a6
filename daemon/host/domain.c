/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.c - one running QEMU domain, see domain.h
 */
#include "domain.h"
#include <string.h>
#include <libvirt/virterror.h>
#include "domain_xml.h"
#include "host_error.h"
#include "idle_observer.h"
#include "pid_file.h"
#include "plugin_observer.h"
#include "process_maps.h"
#include "proc_files.h"
#include "ram_ranges.h"

#define KIB_PER_PAGE (PAGE_MAP_PAGE_SIZE / 1024u)

/* The live definition; the caller frees it. */
static char *read_definition(virDomainPtr handle, const char *name, GError **error)
{
	char *text = virDomainGetXMLDesc(handle, 0);

	if (text == NULL)
		host_error_set_libvirt(error, name, "cannot read its definition");
	return text;
}

static struct domain_xml *read_xml(virDomainPtr handle, const char *name, GError **error)
{
	char *text = read_definition(handle, name, error);
	struct domain_xml *xml = text == NULL ? NULL : domain_xml_parse(name, text, error);

	free(text);
	return xml;
}

/* Asked for each time: what is plugged changes, and devices come and go. */
static gboolean read_virtio_mems(const struct domain *domain, struct domain_memory *memory, GError **error)
{
	char *text = read_definition(domain->handle, domain->name, error);
	gboolean good = text != NULL && virtio_mem_parse(domain->name, text, memory->virtio_mems,
							 &memory->virtio_mem_count, error);

	free(text);
	return good;
}

static gboolean is_live(const struct proc_stat *stat)
{
	return stat->state != 'Z' && stat->state != 'X';
}

/* Whether process @pid, started at @start_time, runs the domain's QEMU. */
static gboolean runs_domain(pid_t pid, const char *uuid, guint64 *start_time)
{
	g_autofree char *cmdline = NULL;
	struct proc_stat before, after;
	gsize length;

	/* The start time is read on both sides of the arguments, so that both are of one process. */
	if (!proc_stat_read(pid, &before) || !is_live(&before))
		return FALSE;
	cmdline = proc_read(pid, "cmdline", &length, NULL);
	if (cmdline == NULL || !proc_cmdline_has(cmdline, length, "-uuid", uuid))
		return FALSE;
	if (!proc_stat_read(pid, &after) || after.start_time != before.start_time)
		return FALSE;
	*start_time = before.start_time;
	return TRUE;
}

/* Find the domain's process by its pid file. */
static gboolean find_process(struct domain *domain, GError **error)
{
	g_autofree char *path = pid_file_path(domain->name);
	g_autofree char *text = NULL;
	g_autoptr(GError) reason = NULL;

	if (path == NULL) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: not a name that libvirt allows",
			    domain->name);
		return FALSE;
	}
	if (!g_file_get_contents(path, &text, NULL, &reason)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_GONE, "%s: its QEMU has no pid file: %s",
			    domain->name, reason->message);
		return FALSE;
	}
	if (!pid_file_parse(text, &domain->pid)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: %s holds no process number",
			    domain->name, path);
		return FALSE;
	}
	if (!runs_domain(domain->pid, domain->uuid, &domain->pid_start_time)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_GONE, "%s: process %d is not its QEMU (-uuid %s)",
			    domain->name, (int)domain->pid, domain->uuid);
		return FALSE;
	}
	return TRUE;
}

struct domain *domain_new(virDomainPtr handle, GError **error)
{
	struct domain *domain = g_new0(struct domain, 1);
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct domain_xml *xml = NULL;

	virDomainRef(handle);
	domain->handle = handle;
	domain->name = g_strdup(virDomainGetName(handle));
	if (virDomainGetUUIDString(handle, uuid) == 0)
		domain->uuid = g_strdup(uuid);
	if (domain->name == NULL || domain->uuid == NULL)
		host_error_set_libvirt(error, "a domain", "cannot tell its name");
	else
		xml = read_xml(handle, domain->name, error);
	if (xml != NULL) {
		domain->agent_socket = g_steal_pointer(&xml->agent_socket);
		domain->vsock_cid = xml->vsock_cid;
		domain->is_emulated = xml->is_emulated;
		domain->plugin_map = g_steal_pointer(&xml->plugin_map);
		domain->boot_pages = xml->boot_pages;
		domain->has_balloon = xml->has_balloon;
		domain->free_page_reporting = xml->free_page_reporting;
	}
	if (xml == NULL || !find_process(domain, error))
		g_clear_pointer(&domain, domain_free);
	domain_xml_free(xml);
	return domain;
}

void domain_free(struct domain *domain)
{
	if (domain == NULL)
		return;
	virDomainFree(domain->handle);
	g_free(domain->name);
	g_free(domain->uuid);
	g_free(domain->agent_socket);
	g_free(domain->plugin_map);
	g_free(domain);
}

gboolean domain_is_alive(const struct domain *domain)
{
	struct proc_stat stat;

	return proc_stat_read(domain->pid, &stat) && is_live(&stat) &&
	       stat.start_time == domain->pid_start_time;
}

/* Turn what an observer said of a domain into an error of the host's. */
static void set_observer_error(const struct domain *domain, const GError *reason, GError **error)
{
	g_set_error(error, HOST_ERROR,
		    g_error_matches(reason, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_GONE)
			    ? HOST_ERROR_GONE
			    : HOST_ERROR_SYSTEM,
		    "%s: %s", domain->name, reason->message);
}

/* KVM's memslots of the domain, as the kernel module tells them; at least one. */
static GArray *read_memslots(const struct domain *domain, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct idle_observer *observer = idle_observer_new("/proc", domain->pid, &reason);
	GArray *slots = observer == NULL ? NULL : idle_observer_memslots(observer, &reason);

	idle_observer_free(observer);
	if (slots == NULL) {
		set_observer_error(domain, reason, error);
	} else if (slots->len == 0) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: its QEMU, process %d, has no KVM guest",
			    domain->name, (int)domain->pid);
		g_clear_pointer(&slots, g_array_unref);
	}
	return slots;
}

/* What KVM's memslots would be, as the plugin tells them. */
static GArray *read_plugin_memory(const struct domain *domain, GError **error)
{
	g_autoptr(GError) reason = NULL;
	GArray *slots;

	if (domain->plugin_map == NULL) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: it runs without KVM, and its QEMU without libvmheat-plugin.so: see the "
			    "documentation on guests without KVM",
			    domain->name);
		return NULL;
	}
	slots = plugin_observer_memory(domain->plugin_map, domain->pid, &reason);
	if (slots == NULL)
		set_observer_error(domain, reason, error);
	return slots;
}

static GArray *read_mappings(const struct domain *domain, GError **error)
{
	g_autofree char *text = proc_read(domain->pid, "maps", NULL, error);
	g_autoptr(GError) reason = NULL;
	GArray *mappings;

	if (text == NULL)
		return NULL;
	mappings = process_maps_parse(text, &reason);
	if (mappings == NULL)
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: %s", domain->name, reason->message);
	return mappings;
}

/* The map of @ranges, which are what was found of the memory that @xml says the domain has. */
static struct page_map *make_map(const struct domain *domain, const struct domain_xml *xml,
				 const GArray *ranges, GError **error)
{
	const char *reason;
	struct page_map *map =
		page_map_new((const struct ram_range *)(void *)ranges->data, ranges->len, &reason);

	if (map == NULL) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "%s: its memory layout: %s", domain->name,
			    reason);
		return NULL;
	}
	/*
	 * Video memory and SMRAM hide a few MiB of boot memory. Much more is missing, or more is found than there is,
	 * only if QEMU maps memory in a way not known here; figures of that would be figures of nothing.
	 */
	if (map->page_count < xml->boot_pages / 2 || map->page_count > xml->ram_pages) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: its memory layout has %" G_GUINT64_FORMAT
			    " pages of memory, its definition %" G_GUINT64_FORMAT,
			    domain->name, map->page_count, xml->ram_pages);
		g_clear_pointer(&map, page_map_free);
	}
	return map;
}

struct page_map *domain_page_map(const struct domain *domain, GError **error)
{
	g_autoptr(GArray) slots =
		domain->is_emulated ? read_plugin_memory(domain, error) : read_memslots(domain, error);
	g_autoptr(GArray) mappings = slots == NULL ? NULL : read_mappings(domain, error);
	struct domain_xml *xml = mappings == NULL ? NULL : read_xml(domain->handle, domain->name, error);
	g_autoptr(GArray) ranges = NULL;
	struct page_map *map = NULL;

	if (xml == NULL)
		return NULL;
	/* Asked last: then all of it was of the domain's process. */
	if (domain_is_alive(domain)) {
		ranges = ram_ranges_find(slots, mappings, xml->ram_blocks);
		map = make_map(domain, xml, ranges, error);
	} else {
		g_set_error(error, HOST_ERROR, HOST_ERROR_GONE, "%s: process %d has ended", domain->name,
			    (int)domain->pid);
	}
	domain_xml_free(xml);
	return map;
}

gboolean domain_memory(const struct domain *domain, struct domain_memory *memory, GError **error)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	int count = virDomainMemoryStats(domain->handle, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
	guint64 values[VIR_DOMAIN_MEMORY_STAT_NR] = { 0 };
	guint64 updated;

	memset(memory, 0, sizeof(*memory));
	if (count < 0) {
		host_error_set_libvirt(error, domain->name, "cannot read its memory statistics");
		return FALSE;
	}
	for (int i = 0; i < count; i++)
		if (stats[i].tag >= 0 && stats[i].tag < VIR_DOMAIN_MEMORY_STAT_NR)
			values[stats[i].tag] = stats[i].val;
	memory->balloon_pages = values[VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON] / KIB_PER_PAGE;
	memory->resident_pages = values[VIR_DOMAIN_MEMORY_STAT_RSS] / KIB_PER_PAGE;
	memory->swap_in_pages = values[VIR_DOMAIN_MEMORY_STAT_SWAP_IN] / KIB_PER_PAGE;
	memory->major_faults = values[VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT];
	updated = values[VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE];
	memory->statistics_age_seconds =
		updated == 0 ? -1 : MAX(g_get_real_time() / G_USEC_PER_SEC - (gint64)updated, 0);
	/* Nobody runs in no memory: resizing must never start from such a figure. */
	if (memory->balloon_pages == 0) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA,
			    "%s: libvirt does not know its balloon's size", domain->name);
		return FALSE;
	}
	return read_virtio_mems(domain, memory, error);
}

gboolean domain_is_paused(const struct domain *domain, gboolean *paused, GError **error)
{
	int state, reason;

	if (virDomainGetState(domain->handle, &state, &reason, 0) < 0) {
		host_error_set_libvirt(error, domain->name, "cannot read its state");
		return FALSE;
	}
	/* After a panic, and in its sleep, it stands still just so. */
	*paused = state != VIR_DOMAIN_RUNNING && state != VIR_DOMAIN_BLOCKED && state != VIR_DOMAIN_SHUTDOWN;
	return TRUE;
}
