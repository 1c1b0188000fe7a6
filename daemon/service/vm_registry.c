/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_registry.c - libvirt's events into trackers
 */
#include "vm_registry.h"
#include <string.h>
#include "libvirt_connection.h"

struct vm_registry {
	const struct config *config;
	struct libvirt_connection *connection;
	GHashTable *trackers; /* UUID (the tracker's) to tracker; those that close have left it */
	GHashTable *settings; /* name to struct vm_settings, both owned: what SetVm said */
	guint open_trackers;  /* with those that close */

	vm_registry_libvirt_func *libvirt;
	gpointer libvirt_data;
	void (*stopped)(gpointer data);
	gpointer stopped_data;
};

struct vm_registry *vm_registry_new(const struct config *config)
{
	struct vm_registry *registry = g_new0(struct vm_registry, 1);

	registry->config = config;
	registry->trackers = g_hash_table_new(g_str_hash, g_str_equal);
	registry->settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return registry;
}

void vm_registry_free(struct vm_registry *registry)
{
	if (registry == NULL)
		return;
	g_hash_table_unref(registry->trackers);
	g_hash_table_unref(registry->settings);
	g_free(registry);
}

static void end_tracker(struct vm_registry *registry, struct vm_tracker *tracker)
{
	g_hash_table_remove(registry->trackers, vm_tracker_uuid(tracker));
	vm_tracker_stop(tracker);
}

static void on_tracker_ended(struct vm_tracker *tracker, gpointer data)
{
	end_tracker(data, tracker);
}

static void on_tracker_closed(struct vm_tracker *tracker, gpointer data)
{
	struct vm_registry *registry = data;

	registry->open_trackers--;
	if (registry->open_trackers == 0 && registry->stopped != NULL)
		registry->stopped(registry->stopped_data);
}

static const struct vm_tracker_callbacks tracker_callbacks = {
	.ended = on_tracker_ended,
	.closed = on_tracker_closed,
};

static const struct vm_settings *settings_of(const struct vm_registry *registry, const char *name)
{
	const struct vm_settings *settings = g_hash_table_lookup(registry->settings, name);

	return settings != NULL ? settings : config_vm(registry->config, name);
}

static void on_running(virDomainPtr domain, gpointer data)
{
	struct vm_registry *registry = data;
	const char *name = virDomainGetName(domain);
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct vm_tracker *tracker;

	if (name == NULL || virDomainGetUUIDString(domain, uuid) < 0)
		return;
	tracker = g_hash_table_lookup(registry->trackers, uuid);
	if (tracker != NULL) {
		vm_tracker_use_handle(tracker, domain);
		return;
	}
	tracker = vm_tracker_new(domain, name, uuid, &registry->config->daemon, settings_of(registry, name),
				 &tracker_callbacks, registry);
	g_hash_table_insert(registry->trackers, (gpointer)vm_tracker_uuid(tracker), tracker);
	registry->open_trackers++;
}

static void on_stopped(const char *uuid, const char *name, gpointer data)
{
	struct vm_registry *registry = data;
	struct vm_tracker *tracker = g_hash_table_lookup(registry->trackers, uuid);

	if (tracker == NULL)
		return;
	g_message("%s: libvirt says that it has stopped", name);
	end_tracker(registry, tracker);
}

static void on_devices_changed(virDomainPtr domain, gpointer data)
{
	const struct vm_registry *registry = data;
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct vm_tracker *tracker = NULL;

	if (virDomainGetUUIDString(domain, uuid) == 0)
		tracker = g_hash_table_lookup(registry->trackers, uuid);
	if (tracker != NULL)
		vm_tracker_check_map(tracker);
}

static void on_connected(gpointer data)
{
	const struct vm_registry *registry = data;

	g_message("connected to libvirt at %s", registry->config->daemon.libvirt_uri);
	registry->libvirt("connected", registry->libvirt_data);
}

static void on_disconnected(const char *reason, gpointer data)
{
	const struct vm_registry *registry = data;

	g_warning("no connection to libvirt at %s: %s", registry->config->daemon.libvirt_uri, reason);
	registry->libvirt(reason, registry->libvirt_data);
}

static const struct libvirt_connection_callbacks connection_callbacks = {
	.connected = on_connected,
	.disconnected = on_disconnected,
	.running = on_running,
	.stopped = on_stopped,
	.devices_changed = on_devices_changed,
};

void vm_registry_start(struct vm_registry *registry, vm_registry_libvirt_func *libvirt, gpointer data)
{
	registry->libvirt = libvirt;
	registry->libvirt_data = data;
	registry->connection =
		libvirt_connection_new(registry->config->daemon.libvirt_uri, &connection_callbacks, registry);
}

void vm_registry_stop(struct vm_registry *registry, void (*stopped)(gpointer data), gpointer data)
{
	GList *trackers = g_hash_table_get_values(registry->trackers);

	registry->stopped = stopped;
	registry->stopped_data = data;
	if (registry->connection != NULL)
		libvirt_connection_free(registry->connection);
	registry->connection = NULL;
	for (GList *item = trackers; item != NULL; item = item->next)
		end_tracker(registry, item->data);
	g_list_free(trackers);
	if (registry->open_trackers == 0)
		stopped(data);
}

struct vm_tracker *vm_registry_find(const struct vm_registry *registry, const char *name)
{
	GHashTableIter iter;
	gpointer tracker;

	g_hash_table_iter_init(&iter, registry->trackers);
	while (g_hash_table_iter_next(&iter, NULL, &tracker))
		if (strcmp(vm_tracker_name(tracker), name) == 0)
			return tracker;
	return NULL;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(vm_tracker_name(a), vm_tracker_name(b));
}

GList *vm_registry_list(const struct vm_registry *registry)
{
	return g_list_sort(g_hash_table_get_values(registry->trackers), compare_names);
}

void vm_registry_set(struct vm_registry *registry, struct vm_tracker *tracker,
		     const struct vm_settings *settings)
{
	g_hash_table_insert(registry->settings, g_strdup(vm_tracker_name(tracker)),
			    g_memdup2(settings, sizeof(*settings)));
	vm_tracker_set(tracker, settings);
}

void vm_registry_notify(struct vm_registry *registry, const char *name, const char *operation)
{
	struct vm_tracker *tracker = vm_registry_find(registry, name);

	/* A start is known from libvirt's event, which brings the handle that tracking needs. */
	if (tracker != NULL && (strcmp(operation, "stopped") == 0 || strcmp(operation, "release") == 0))
		vm_tracker_tick(tracker);
}
