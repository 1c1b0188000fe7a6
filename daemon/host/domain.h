/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.h - one running QEMU domain: who it is, and where its memory lies
 *
 * A domain is read once from libvirt and /proc when tracking starts and does not change afterwards; what
 * changes (memory layout, balloon, statistics) is asked for again. All functions that take a domain may block
 * on libvirt and must not be called from the main loop's thread; they may be called from any other.
 */
#ifndef VMHEAT_HOST_DOMAIN_H
#define VMHEAT_HOST_DOMAIN_H

#include <glib.h>
#include <sys/types.h>
#include <libvirt/libvirt.h>
#include "page_map.h"
#include "resize_plan.h"
#include "virtio_mem.h"

/** Identity and fixed properties. Strings are owned by the domain. */
struct domain {
	virDomainPtr handle; /* a reference of our own */
	char *name;
	char *uuid;
	pid_t pid; /* of QEMU; checked against its command line, so that a reused pid is not taken for it */
	guint64 pid_start_time; /* /proc/PID/stat field 22, in clock ticks */
	char *agent_socket;	/* the agent's unix socket, NULL where the domain has no such channel */
	guint vsock_cid;	/* of its vsock device; 0 where it has none */
	gboolean is_emulated;	/* it runs without KVM */
	char *plugin_map;	/* without KVM: libvmheat-plugin.so's file; NULL where it has none */
	guint64 boot_pages;	/* memory without devices: what the balloon can give at most */
	gboolean has_balloon;
	gboolean free_page_reporting; /* pages that the guest frees become holes */
};

/** domain_new() - look up everything about @handle (a reference is taken). NULL and @error if it does not run
 * under QEMU. */
struct domain *domain_new(virDomainPtr handle, GError **error);
void domain_free(struct domain *domain);

/** domain_is_alive() - whether the process is still the one that domain_new() found. Does not block. */
gboolean domain_is_alive(const struct domain *domain);

/** domain_page_map() - the memory layout now. The caller frees the map with page_map_free(). */
struct page_map *domain_page_map(const struct domain *domain, GError **error);

/** Balloon, virtio-mem and guest statistics, as libvirt gives them. */
struct domain_memory {
	guint64 balloon_pages;	       /* of its boot memory the guest has so much now */
	guint64 resident_pages;	       /* RSS of QEMU */
	guint64 swap_in_pages;	       /* since the guest's boot; 0 without statistics */
	guint64 major_faults;	       /* likewise */
	gint64 statistics_age_seconds; /* how old the guest's own figures are; -1: it has given none */
	guint virtio_mem_count;
	struct virtio_mem virtio_mems[VIRTIO_MEM_DEVICES_MAX];
};
gboolean domain_memory(const struct domain *domain, struct domain_memory *memory, GError **error);

/** domain_memory_size() - what the guest has now, of boot memory and of virtio-mem. */
static inline guint64 domain_memory_size(const struct domain_memory *memory)
{
	guint64 size = memory->balloon_pages;

	for (guint i = 0; i < memory->virtio_mem_count; i++)
		size += memory->virtio_mems[i].size.current_pages;
	return size;
}

/** domain_memory_maximum() - what it can have: boot memory, and all that virtio-mem could plug. */
static inline guint64 domain_memory_maximum(const struct domain_memory *memory, guint64 boot_pages)
{
	guint64 maximum = boot_pages;

	for (guint i = 0; i < memory->virtio_mem_count; i++)
		maximum += memory->virtio_mems[i].size.size_pages;
	return maximum;
}

/** domain_is_paused() - whether its processors stand still: what the guest does not use then says nothing, and it cannot
 * follow its balloon. */
gboolean domain_is_paused(const struct domain *domain, gboolean *paused, GError **error);

#endif /* VMHEAT_HOST_DOMAIN_H */
