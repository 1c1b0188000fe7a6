/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_pressure.h - looks after the host's memory, and tells each VM its part when there is not enough
 *
 * Theory of operation
 *
 * Once an interval, in the main loop, what the host has left is held against what it shall have (host-free,
 * host-stall), and what is short or to spare is divided (host_parts.h) among the VMs that can be resized, by
 * their last snapshots. The parts go to the trackers, and into the plans of their next ticks. So a VM that hangs
 * changes nothing for the others: it is counted with what it last had.
 */
#ifndef VMHEAT_SERVICE_HOST_PRESSURE_H
#define VMHEAT_SERVICE_HOST_PRESSURE_H

#include <glib.h>
#include "config.h"
#include "vm_registry.h"

struct host_pressure;

/** host_pressure_start() - from now on. A reference of @config is taken; @registry must live until
 * host_pressure_stop(). */
struct host_pressure *host_pressure_start(struct config *config, const struct vm_registry *registry);

/** host_pressure_reload() - @config takes the place of the one before; a reference is taken. */
void host_pressure_reload(struct host_pressure *pressure, struct config *config);
void host_pressure_stop(struct host_pressure *pressure);

#endif /* VMHEAT_SERVICE_HOST_PRESSURE_H */
