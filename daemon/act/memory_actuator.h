/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_actuator.h - what gives memory to a guest and takes it
 *
 * One file an actuator; which of them acts is decided before (resize_device.h). They may block and are called from a VM's
 * own thread. Each asks for a size, and returns: the guest follows later, as domain_memory() tells.
 */
#ifndef VMHEAT_ACT_MEMORY_ACTUATOR_H
#define VMHEAT_ACT_MEMORY_ACTUATOR_H

#include <glib.h>
#include "domain.h"
#include "resize_device.h"

struct memory_actuator {
	/*
	 * Ask that the device gives the guest @pages. @alias says which, of those that a domain may have several of; it is
	 * NULL for a balloon. The error is of HOST_ERROR, and names the domain.
	 */
	gboolean (*set)(const struct domain *domain, const char *alias, guint64 pages, GError **error);
};

extern const struct memory_actuator memory_actuator_balloon;
extern const struct memory_actuator memory_actuator_virtio_mem;

/** memory_actuator_of() - the one for a kind of device. */
static inline const struct memory_actuator *memory_actuator_of(enum resize_device device)
{
	return device == RESIZE_BALLOON ? &memory_actuator_balloon : &memory_actuator_virtio_mem;
}

#endif /* VMHEAT_ACT_MEMORY_ACTUATOR_H */
