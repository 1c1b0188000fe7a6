/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio_mem.h - a domain's virtio-mem devices, by its definition
 *
 * Pure: text in, facts or text out. In a live definition size is what a device can have plugged, requested what it is told
 * to have, and current what the guest has plugged; libvirt keeps current by QEMU's events, at most one a second. To change
 * requested libvirt wants the device's definition with nothing else changed.
 */
#ifndef VMHEAT_HOST_VIRTIO_MEM_H
#define VMHEAT_HOST_VIRTIO_MEM_H

#include <glib.h>
#include "resize_device.h"

/** Of one domain, and of an alias with its end. One device a NUMA node is what is usual. */
#define VIRTIO_MEM_DEVICES_MAX 16
#define VIRTIO_MEM_ALIAS_MAX   96

struct virtio_mem {
	char alias[VIRTIO_MEM_ALIAS_MAX];
	guint node; /* of the guest */
	struct virtio_mem_size size;
};

/**
 * virtio_mem_parse() - read the devices of the live definition @text
 * @name:    of the domain, for the error
 * @devices: room for VIRTIO_MEM_DEVICES_MAX
 * @count:   how many there are
 *
 * FALSE and HOST_ERROR_DATA if one makes no sense, two are of one alias, or there are too many: then none can be resized.
 */
gboolean virtio_mem_parse(const char *name, const char *text, struct virtio_mem *devices, guint *count,
			  GError **error);

/**
 * virtio_mem_request() - the definition of device @alias, as @text has it, with @pages requested
 *
 * The caller frees it. NULL and HOST_ERROR_DATA if there is no such device, or it cannot have so much.
 */
char *virtio_mem_request(const char *name, const char *text, const char *alias, guint64 pages,
			 GError **error);

#endif /* VMHEAT_HOST_VIRTIO_MEM_H */
