/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_pressure.c - the host's memory against its goal, the VMs' parts into their trackers
 */
#include "host_pressure.h"
#include "host_memory.h"
#include "host_parts.h"
#include "page_units.h"

struct host_pressure {
	struct config *config; /* a reference */
	const struct vm_registry *registry;
	guint timer;
	gint64 last_us; /* when stall_us was read; 0: not yet */
	guint64 last_stall_us;
	gboolean is_short; /* as the log was told */
	gboolean failed;   /* likewise */
};

/* What the host has now; FALSE if that cannot be known. */
static gboolean look(struct host_pressure *pressure, struct host_state *host)
{
	g_autoptr(GError) error = NULL;
	struct host_memory memory;
	gint64 now_us = g_get_monotonic_time();

	if (!host_memory_read(&memory, &error)) {
		if (!pressure->failed)
			g_warning("the host's memory is not known, so no VM gives any to it: %s",
				  error->message);
		pressure->failed = TRUE;
		return FALSE;
	}
	pressure->failed = FALSE;
	*host = (struct host_state){ .total_pages = memory.total_kib / KIB_PER_PAGE,
				     .available_pages = memory.available_kib / KIB_PER_PAGE };
	if (pressure->last_us != 0 && now_us > pressure->last_us && memory.stall_us > pressure->last_stall_us)
		host->stall_share = (double)(memory.stall_us - pressure->last_stall_us) /
				    (double)(now_us - pressure->last_us);
	pressure->last_us = now_us;
	pressure->last_stall_us = memory.stall_us;
	return TRUE;
}

/* The log hears when it begins and when it ends. */
static void note(struct host_pressure *pressure, const struct host_state *host)
{
	const struct daemon_settings *daemon = &pressure->config->daemon;
	gboolean is_short =
		(double)host->available_pages < (double)host->total_pages * daemon->host_free / 100.0 ||
		host->stall_share > daemon->host_stall / 100.0;

	if (is_short != pressure->is_short)
		g_message("the host %s: %.0f of %.0f MiB are available, host-free = %u%%; it stalled for "
			  "%.1f %% of "
			  "the time, host-stall = %u%%",
			  is_short ? "is short of memory" : "has enough memory again",
			  to_mib(host->available_pages), to_mib(host->total_pages), daemon->host_free,
			  host->stall_share * 100.0, daemon->host_stall);
	pressure->is_short = is_short;
}

/* The trackers whose VMs can pay, in the order of @trackers. */
static GArray *payers_of(GList *trackers)
{
	GArray *payers = g_array_new(FALSE, FALSE, sizeof(struct host_payer));

	for (GList *item = trackers; item != NULL; item = item->next) {
		struct host_payer payer = { .snapshot = vm_tracker_snapshot(item->data),
					    .settings = vm_tracker_settings(item->data) };

		if (host_parts_counts(payer.snapshot, payer.settings))
			g_array_append_val(payers, payer);
	}
	return payers;
}

/* Each tracker gets its part; the part of a VM that does not pay is no limit. */
static void hand_out(GList *trackers, const GArray *payers)
{
	const struct vm_host_part none = { 0 };
	guint next = 0;

	for (GList *item = trackers; item != NULL; item = item->next) {
		const struct host_payer *payer =
			next < payers->len ? &g_array_index(payers, struct host_payer, next) : NULL;
		gboolean pays = payer != NULL && payer->snapshot == vm_tracker_snapshot(item->data);

		vm_tracker_set_host_part(item->data, pays ? &payer->part : &none);
		next += pays;
	}
}

static gboolean on_interval(gpointer data)
{
	struct host_pressure *pressure = data;
	GList *trackers = vm_registry_list(pressure->registry);
	g_autoptr(GArray) payers = payers_of(trackers);
	struct host_state host;

	if (look(pressure, &host)) {
		note(pressure, &host);
		host_parts_divide(&pressure->config->daemon, &host, (struct host_payer *)payers->data,
				  payers->len);
	} else {
		g_array_set_size(payers, 0);
	}
	hand_out(trackers, payers);
	g_list_free(trackers);
	return G_SOURCE_CONTINUE;
}

static void use_config(struct host_pressure *pressure, struct config *config)
{
	pressure->config = config_ref(config);
	pressure->timer = g_timeout_add((guint)(config->daemon.interval * 1000), on_interval, pressure);
}

static void drop_config(struct host_pressure *pressure)
{
	g_source_remove(pressure->timer);
	config_unref(pressure->config);
}

struct host_pressure *host_pressure_start(struct config *config, const struct vm_registry *registry)
{
	struct host_pressure *pressure = g_new0(struct host_pressure, 1);

	pressure->registry = registry;
	use_config(pressure, config);
	return pressure;
}

void host_pressure_reload(struct host_pressure *pressure, struct config *config)
{
	drop_config(pressure);
	use_config(pressure, config);
}

void host_pressure_stop(struct host_pressure *pressure)
{
	drop_config(pressure);
	g_free(pressure);
}
