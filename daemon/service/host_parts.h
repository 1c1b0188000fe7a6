/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_parts.h - which VM has which part of a host that is short of memory
 *
 * VMs in mode act pay. One in mode dry-run gives nothing, so what the others give does not depend on it; its
 * own part is what it would be if all of that mode paid, too. What a guest with free page reporting has freed is not on the
 * host any more: it is not counted as what it has, or idle memory that is no burden would pay first, and bring nothing. Pure: what the host and the VMs have is told.
 */
#ifndef VMHEAT_SERVICE_HOST_PARTS_H
#define VMHEAT_SERVICE_HOST_PARTS_H

#include <glib.h>
#include "config.h"
#include "memory_tax.h"
#include "vm_plan.h"
#include "vm_snapshot.h"

/** One VM that may have to pay. */
struct host_payer {
	const struct vm_snapshot *snapshot;
	const struct vm_settings *settings;
	struct vm_host_part part; /* result */
};

/** host_parts_counts() - whether such a VM can be resized, and has settled: before, all of it would look used. */
gboolean host_parts_counts(const struct vm_snapshot *snapshot, const struct vm_settings *settings);

/** host_parts_divide() - fill in the parts of @count VMs, for each of which host_parts_counts(). */
void host_parts_divide(const struct daemon_settings *daemon, const struct host_state *host,
		       struct host_payer *payers, gsize count);

#endif /* VMHEAT_SERVICE_HOST_PARTS_H */
