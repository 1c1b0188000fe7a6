/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_registry.c - libvirt's events into trackers
 */
#include "vm_registry.h"
#include <gio/gio.h>
#include <string.h>
#include "domain_metadata.h"
#include "libvirt_connection.h"
#include "vm_layers.h"

struct vm_registry {
	struct config *config;
	struct act_journal *journal;
	struct libvirt_connection *connection;
	GHashTable *trackers; /* UUID (the tracker's) to tracker; those that close have left it */
	GHashTable *commands; /* name to table of key to value, all owned: what SetVm said */
	guint open_jobs;      /* trackers, with those that close, and threads that close what is gone */
	guint close_source;   /* of close_gone(); 0: none */

	vm_registry_libvirt_func *libvirt;
	gpointer libvirt_data;
	void (*stopped)(gpointer data);
	gpointer stopped_data;
};

static void unref_table(gpointer data)
{
	g_hash_table_unref(data);
}

struct vm_registry *vm_registry_new(struct config *config, struct act_journal *journal)
{
	struct vm_registry *registry = g_new0(struct vm_registry, 1);

	registry->config = config_ref(config);
	registry->journal = journal;
	registry->trackers = g_hash_table_new(g_str_hash, g_str_equal);
	registry->commands = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_table);
	return registry;
}

void vm_registry_free(struct vm_registry *registry)
{
	if (registry == NULL)
		return;
	config_unref(registry->config);
	g_hash_table_unref(registry->trackers);
	g_hash_table_unref(registry->commands);
	g_free(registry);
}

static void end_tracker(struct vm_registry *registry, struct vm_tracker *tracker, gboolean gone)
{
	g_hash_table_remove(registry->trackers, vm_tracker_uuid(tracker));
	vm_tracker_stop(tracker, gone);
}

static void on_tracker_ended(struct vm_tracker *tracker, gpointer data)
{
	end_tracker(data, tracker, TRUE);
}

static void job_ended(struct vm_registry *registry)
{
	registry->open_jobs--;
	if (registry->open_jobs == 0 && registry->stopped != NULL)
		registry->stopped(registry->stopped_data);
}

static void on_tracker_closed(struct vm_tracker *tracker, gpointer data)
{
	job_ended(data);
}

/* What the thread that closes acts needs. */
struct gone {
	struct act_journal *journal;
	GHashTable *running; /* UUIDs */
};

static void gone_free(gpointer data)
{
	struct gone *gone = data;

	g_hash_table_unref(gone->running);
	g_free(gone);
}

static gboolean is_in_set(const char *uuid, gpointer data)
{
	return g_hash_table_contains(data, uuid);
}

static void close_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	const struct gone *gone = data;

	act_journal_close_gone(gone->journal, is_in_set, gone->running);
	g_task_return_boolean(task, TRUE);
}

static void on_gone_closed(GObject *source, GAsyncResult *result, gpointer data)
{
	job_ended(data);
}

/* After libvirt's whole list has been told: acts of VMs that are not in it are over. The journal may block. */
static gboolean close_gone(gpointer data)
{
	struct vm_registry *registry = data;
	struct gone *gone = g_new(struct gone, 1);
	GTask *task = g_task_new(NULL, NULL, on_gone_closed, registry);
	GHashTableIter iter;
	gpointer uuid;

	gone->journal = registry->journal;
	gone->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_iter_init(&iter, registry->trackers);
	while (g_hash_table_iter_next(&iter, &uuid, NULL))
		g_hash_table_add(gone->running, g_strdup(uuid));
	registry->close_source = 0;
	registry->open_jobs++;
	g_task_set_task_data(task, gone, gone_free);
	g_task_run_in_thread(task, close_in_thread);
	g_object_unref(task);
	return G_SOURCE_REMOVE;
}

/* The settings of @tracker's VM with @commands, which may be NULL. */
static gboolean compose(const struct vm_registry *registry, const struct vm_tracker *tracker,
			GHashTable *commands, struct vm_settings *settings, char **problem, GError **error)
{
	const char *text = vm_tracker_snapshot(tracker)->metadata;
	g_autoptr(GError) reason = NULL;
	g_autoptr(GHashTable) metadata = text == NULL ? NULL : domain_metadata_parse(text, &reason);
	struct vm_layers layers = { .metadata = metadata,
				    .metadata_error = reason == NULL ? NULL : reason->message,
				    .commands = commands };

	return vm_layers_compose(registry->config, vm_tracker_name(tracker), &layers, settings, problem,
				 error);
}

/* Something that its settings are made of has changed. */
static void refresh_settings(struct vm_tracker *tracker, gpointer data)
{
	struct vm_registry *registry = data;
	const char *name = vm_tracker_name(tracker);
	g_autofree char *problem = NULL;
	g_autoptr(GError) error = NULL;
	struct vm_settings settings;

	if (!compose(registry, tracker, g_hash_table_lookup(registry->commands, name), &settings, &problem,
		     &error)) {
		g_warning("%s: what `vmheatctl set` has said does not fit any more, and is forgotten: %s",
			  name, error->message);
		g_hash_table_remove(registry->commands, name);
	}
	vm_tracker_set(tracker, &settings, problem);
}

static const struct vm_tracker_callbacks tracker_callbacks = {
	.metadata = refresh_settings,
	.ended = on_tracker_ended,
	.closed = on_tracker_closed,
};

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
	tracker = vm_tracker_new(domain, name, uuid, registry->config, registry->journal,
				 config_vm(registry->config, name), &tracker_callbacks, registry);
	refresh_settings(tracker, registry);
	g_hash_table_insert(registry->trackers, (gpointer)vm_tracker_uuid(tracker), tracker);
	registry->open_jobs++;
}

static void on_stopped(const char *uuid, const char *name, gpointer data)
{
	struct vm_registry *registry = data;
	struct vm_tracker *tracker = g_hash_table_lookup(registry->trackers, uuid);

	if (tracker == NULL)
		return;
	g_message("%s: libvirt says that it has stopped", name);
	end_tracker(registry, tracker, TRUE);
}

/* NULL if it is not tracked. */
static struct vm_tracker *tracker_of(const struct vm_registry *registry, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	return virDomainGetUUIDString(domain, uuid) == 0 ? g_hash_table_lookup(registry->trackers, uuid)
							 : NULL;
}

static void on_devices_changed(virDomainPtr domain, gpointer data)
{
	struct vm_tracker *tracker = tracker_of(data, domain);

	if (tracker != NULL)
		vm_tracker_check_map(tracker);
}

static void on_metadata_changed(virDomainPtr domain, gpointer data)
{
	struct vm_tracker *tracker = tracker_of(data, domain);

	if (tracker != NULL)
		vm_tracker_check_metadata(tracker);
}

static void on_connected(gpointer data)
{
	struct vm_registry *registry = data;

	g_message("connected to libvirt at %s", registry->config->daemon.libvirt_uri);
	registry->libvirt("connected", registry->libvirt_data);
	if (registry->close_source == 0)
		registry->close_source = g_idle_add(close_gone, registry);
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
	.metadata_changed = on_metadata_changed,
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
	if (registry->close_source != 0)
		g_source_remove(registry->close_source);
	for (GList *item = trackers; item != NULL; item = item->next)
		end_tracker(registry, item->data, FALSE);
	g_list_free(trackers);
	if (registry->open_jobs == 0)
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

static void add_commands(GHashTable *table, GHashTable *commands)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, commands);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(table, g_strdup(key), g_strdup(value));
}

gboolean vm_registry_set(struct vm_registry *registry, struct vm_tracker *tracker, GHashTable *commands,
			 GError **error)
{
	const char *name = vm_tracker_name(tracker);
	GHashTable *before = g_hash_table_lookup(registry->commands, name);
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *problem = NULL;
	struct vm_settings settings;

	if (before != NULL)
		add_commands(all, before);
	add_commands(all, commands);
	if (!compose(registry, tracker, all, &settings, &problem, error)) {
		g_hash_table_unref(all);
		return FALSE;
	}
	g_hash_table_insert(registry->commands, g_strdup(name), all);
	vm_tracker_set(tracker, &settings, problem);
	return TRUE;
}

void vm_registry_reload(struct vm_registry *registry, struct config *config)
{
	GList *trackers = g_hash_table_get_values(registry->trackers);

	config_ref(config);
	config_unref(registry->config);
	registry->config = config;
	for (GList *item = trackers; item != NULL; item = item->next) {
		vm_tracker_use_config(item->data, config);
		refresh_settings(item->data, registry);
	}
	g_list_free(trackers);
}

void vm_registry_notify(struct vm_registry *registry, const char *name, const char *operation)
{
	struct vm_tracker *tracker = vm_registry_find(registry, name);

	/* A start is known from libvirt's event, which brings the handle that tracking needs. */
	if (tracker != NULL && (strcmp(operation, "stopped") == 0 || strcmp(operation, "release") == 0))
		vm_tracker_tick(tracker);
}
