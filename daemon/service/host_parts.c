/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_parts.c - snapshots and settings into memory_tax.h's guests, its limits into parts
 */
#include "host_parts.h"
#include "page_units.h"

gboolean host_parts_counts(const struct vm_snapshot *snapshot, const struct vm_settings *settings)
{
	gboolean balloon = settings->balloon && snapshot->has_balloon;
	gboolean virtio_mem = settings->virtio_mem && snapshot->memory.virtio_mem_count > 0;

	return settings->mode != VM_MODE_OBSERVE && (balloon || virtio_mem) &&
	       snapshot->state == VM_STATE_TRACKING && snapshot->memory_valid && snapshot->figures_valid &&
	       snapshot->figures.windows >= settings->settle_windows;
}

static struct taxed_guest taxed_guest_of(const struct host_payer *payer)
{
	const struct vm_snapshot *snapshot = payer->snapshot;
	guint64 size = domain_memory_size(&snapshot->memory);

	/* What is not on the host is nothing that could be given to it. */
	return (struct taxed_guest){
		.current_pages = size - MIN(snapshot->reported_pages, size),
		.used_pages = snapshot->figures.working_set_estimate_pages,
		.floor_pages = to_pages(payer->settings->floor),
		.maximum_pages =
			snapshot->maximum_pages - MIN(snapshot->reported_pages, snapshot->maximum_pages),
		.shares = payer->settings->shares,
	};
}

/*
 * The size that goes with a limit on what the guest has on the host. One that pays gives what is not there first, as any
 * free page is as good to its balloon; one that does not pay keeps it.
 */
static guint64 limit_of(const struct host_payer *payer, const struct taxed_guest *guest)
{
	guint64 size = domain_memory_size(&payer->snapshot->memory);
	guint64 floor = MIN(to_pages(payer->settings->floor), size);

	if (guest->limit_pages < guest->current_pages)
		return MAX(guest->limit_pages, floor);
	return guest->limit_pages + (size - guest->current_pages);
}

/* The parts of the VMs of this mode, when these and those in mode act pay. */
static void divide_for(const struct daemon_settings *daemon, const struct host_balance *balance,
		       struct host_payer *payers, gsize count, enum vm_mode mode)
{
	g_autofree struct taxed_guest *guests = g_new0(struct taxed_guest, count);
	gsize used = 0;

	for (gsize i = 0; i < count; i++)
		if (payers[i].settings->mode == VM_MODE_ACT || payers[i].settings->mode == mode)
			guests[used++] = taxed_guest_of(&payers[i]);
	memory_tax(guests, used, daemon->idle_tax, balance);
	used = 0;
	for (gsize i = 0; i < count; i++) {
		const struct taxed_guest *guest = &guests[used];

		if (payers[i].settings->mode != VM_MODE_ACT && payers[i].settings->mode != mode)
			continue;
		used++;
		if (payers[i].settings->mode != mode)
			continue;
		payers[i].part = (struct vm_host_part){
			.limited = balance->short_pages > 0 || guest->limit_pages < guest->maximum_pages,
			.limit_pages = limit_of(&payers[i], guest),
			.short_pages = balance->short_pages,
			.shares = guest->shares,
			.idle_pages = guest->current_pages - MIN(guest->used_pages, guest->current_pages),
		};
	}
}

void host_parts_divide(const struct daemon_settings *daemon, const struct host_state *host,
		       struct host_payer *payers, gsize count)
{
	const struct host_goal goal = { .free_percent = daemon->host_free,
					.stall_share = daemon->host_stall / 100.0 };
	struct host_balance balance = host_balance_of(&goal, host);

	divide_for(daemon, &balance, payers, count, VM_MODE_DRY_RUN);
	divide_for(daemon, &balance, payers, count, VM_MODE_ACT);
}
