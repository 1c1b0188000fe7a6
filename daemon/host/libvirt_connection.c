/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt_connection.c - the connection to libvirt, see libvirt_connection.h
 *
 * Theory of operation
 *
 * A session is one attempt to connect and what it grew into. Its opening runs in a thread (GTask); everything
 * else runs in the default main context, and so needs no lock. Libvirt keeps a reference on the session for
 * each callback it holds, so a session can outlive its owner, which then is NULL: nothing is told any more.
 *
 * Libvirt's close callback may come from whatever thread was just waiting for a reply, and must not close the
 * connection itself. It only sends the main context there.
 */
#include "libvirt_connection.h"
#include <gio/gio.h>
#include <libvirt-glib/libvirt-glib.h>
#include <libvirt/virterror.h>
#include "host_error.h"

/* Wait before the next attempt. A restart of libvirtd takes about as long. */
#define RETRY_SECONDS 5

/* A libvirtd that does not answer for a minute is taken for dead. A dead one closes its socket at once. */
#define KEEPALIVE_SECONDS 10
#define KEEPALIVE_COUNT	  6

enum session_event_kind { EVENT_STARTED, EVENT_STOPPED, EVENT_DEVICES, EVENT_METADATA };

/* An event that came before the list of running domains had been told. */
struct session_event {
	enum session_event_kind kind;
	virDomainPtr domain; /* a reference of its own */
};

/* The events that a session registers for. */
enum {
	REGISTER_LIFECYCLE,
	REGISTER_DEVICE_ADDED,
	REGISTER_DEVICE_REMOVED,
	REGISTER_METADATA,
	REGISTER_COUNT
};

struct session {
	gatomicrefcount references;
	char *uri;

	/* Written by the opening thread, and by nobody else before it has ended. */
	virConnectPtr handle;
	int callback_ids[REGISTER_COUNT]; /* -1: not registered */
	gboolean close_registered;
	virDomainPtr *domains; /* running ones, NULL-terminated */

	/* Used in the main context only. */
	struct libvirt_connection *owner; /* NULL: freed, or has another session */
	gboolean listed;		  /* the list has been told, events are told as they come */
	GQueue waiting;			  /* struct session_event, until then */
};

struct libvirt_connection {
	char *uri;
	const struct libvirt_connection_callbacks *callbacks;
	gpointer data;
	struct session *session; /* NULL while waiting for the next attempt */
	guint retry_source;	 /* 0: none */
	GHashTable *running;	 /* uuid to name of the domains that were told as running */
	char *last_reason;	 /* told last; NULL while connected */
};

static struct session *session_ref(struct session *session)
{
	g_atomic_ref_count_inc(&session->references);
	return session;
}

static void session_event_free(gpointer data)
{
	struct session_event *event = data;

	virDomainFree(event->domain);
	g_free(event);
}

static void free_domains(virDomainPtr *domains)
{
	for (virDomainPtr *domain = domains; domain != NULL && *domain != NULL; domain++)
		virDomainFree(*domain);
	free(domains);
}

static void session_unref(gpointer data)
{
	struct session *session = data;

	if (!g_atomic_ref_count_dec(&session->references))
		return;
	g_queue_clear_full(&session->waiting, session_event_free);
	free_domains(session->domains);
	g_free(session->uri);
	g_free(session);
}

/* Take all callbacks back and close. Libvirt's errors are of no interest: the connection may be dead. */
static void session_close(struct session *session)
{
	if (session->handle == NULL)
		return;
	for (int i = 0; i < REGISTER_COUNT; i++)
		if (session->callback_ids[i] >= 0)
			virConnectDomainEventDeregisterAny(session->handle, session->callback_ids[i]);
	if (session->close_registered)
		virConnectUnregisterCloseCallback(session->handle, NULL);
	virConnectClose(session->handle);
	session->handle = NULL;
}

static void tell_running(struct libvirt_connection *connection, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(domain, uuid) < 0)
		return;
	g_hash_table_replace(connection->running, g_strdup(uuid), g_strdup(virDomainGetName(domain)));
	connection->callbacks->running(domain, connection->data);
}

static void tell_stopped(struct libvirt_connection *connection, const char *uuid)
{
	gpointer key, name;

	if (!g_hash_table_steal_extended(connection->running, uuid, &key, &name))
		return;
	connection->callbacks->stopped(key, name, connection->data);
	g_free(key);
	g_free(name);
}

static void tell_event(struct libvirt_connection *connection, enum session_event_kind kind,
		       virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	gboolean known;

	if (virDomainGetUUIDString(domain, uuid) < 0)
		return;
	known = g_hash_table_contains(connection->running, uuid);
	if (kind == EVENT_STOPPED)
		tell_stopped(connection, uuid);
	else if (kind == EVENT_DEVICES && known)
		connection->callbacks->devices_changed(domain, connection->data);
	else if (kind == EVENT_METADATA && known)
		connection->callbacks->metadata_changed(domain, connection->data);
	else if (kind == EVENT_STARTED && !known) /* the list may have had it already */
		tell_running(connection, domain);
}

static void session_event(struct session *session, enum session_event_kind kind, virDomainPtr domain)
{
	struct session_event *event;

	if (session->owner == NULL)
		return;
	if (session->listed) {
		tell_event(session->owner, kind, domain);
		return;
	}
	event = g_new(struct session_event, 1);
	event->kind = kind;
	event->domain = domain;
	virDomainRef(domain);
	g_queue_push_tail(&session->waiting, event);
}

static int on_lifecycle(virConnectPtr handle, virDomainPtr domain, int event, int detail, void *data)
{
	if (event == VIR_DOMAIN_EVENT_STARTED)
		session_event(data, EVENT_STARTED, domain);
	else if (event == VIR_DOMAIN_EVENT_STOPPED)
		session_event(data, EVENT_STOPPED, domain);
	return 0;
}

static void on_device(virConnectPtr handle, virDomainPtr domain, const char *alias, void *data)
{
	session_event(data, EVENT_DEVICES, domain);
}

static void on_metadata(virConnectPtr handle, virDomainPtr domain, int type, const char *uri, void *data)
{
	session_event(data, EVENT_METADATA, domain);
}

static gboolean connection_retry(gpointer data);

/* Forget the session and try again later. @reason says why it came to that. */
static void connection_wait(struct libvirt_connection *connection, const char *reason)
{
	struct session *session = g_steal_pointer(&connection->session);
	g_autofree char *told = g_strdup(reason);

	session->owner = NULL;
	session_close(session);
	session_unref(session);
	connection->retry_source = g_timeout_add_seconds(RETRY_SECONDS, connection_retry, connection);
	if (g_strcmp0(told, connection->last_reason) == 0)
		return;
	g_free(connection->last_reason);
	connection->last_reason = g_steal_pointer(&told);
	connection->callbacks->disconnected(connection->last_reason, connection->data);
}

static const char *close_reason(int reason)
{
	switch (reason) {
	case VIR_CONNECT_CLOSE_REASON_EOF:
		return "libvirt has closed the connection";
	case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
		return "libvirt does not answer any more";
	default:
		return "the connection to libvirt has broken";
	}
}

/* What on_close() sends to the main context. */
struct session_broken {
	struct session *session;
	const char *reason;
};

static gboolean session_broken(gpointer data)
{
	const struct session_broken *broken = data;

	/* While it is still being opened, the opening itself fails and says why. */
	if (broken->session->owner != NULL && broken->session->listed)
		connection_wait(broken->session->owner, broken->reason);
	return G_SOURCE_REMOVE;
}

static void session_broken_free(gpointer data)
{
	struct session_broken *broken = data;

	session_unref(broken->session);
	g_free(broken);
}

static void on_close(virConnectPtr handle, int reason, void *data)
{
	struct session_broken *broken = g_new(struct session_broken, 1);

	broken->session = session_ref(data);
	broken->reason = close_reason(reason);
	g_idle_add_full(G_PRIORITY_DEFAULT, session_broken, broken, session_broken_free);
}

static int register_event(struct session *session, int id, virConnectDomainEventGenericCallback callback)
{
	int result =
		virConnectDomainEventRegisterAny(session->handle, NULL, id, callback, session, session_unref);

	if (result >= 0)
		session_ref(session);
	return result;
}

/* The opening thread: connect, register, list. On FALSE libvirt's last error in this thread says why. */
static gboolean session_open(struct session *session)
{
	session->handle = virConnectOpen(session->uri);
	if (session->handle == NULL)
		return FALSE;
	/* Drivers that live in this process (test:///) know neither; they cannot break. */
	virConnectSetKeepAlive(session->handle, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
	session->close_registered =
		virConnectRegisterCloseCallback(session->handle, on_close, session, session_unref) == 0;
	if (session->close_registered)
		session_ref(session);

	session->callback_ids[REGISTER_LIFECYCLE] = register_event(session, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
								   VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
	session->callback_ids[REGISTER_DEVICE_ADDED] = register_event(
		session, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
	session->callback_ids[REGISTER_DEVICE_REMOVED] = register_event(
		session, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
	session->callback_ids[REGISTER_METADATA] = register_event(
		session, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata));
	for (int i = 0; i < REGISTER_COUNT; i++)
		if (session->callback_ids[i] < 0)
			return FALSE;
	return virConnectListAllDomains(session->handle, &session->domains,
					VIR_CONNECT_LIST_DOMAINS_ACTIVE) >= 0;
}

static void open_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	struct session *session = data;
	GError *error = NULL;

	if (session_open(session)) {
		g_task_return_boolean(task, TRUE);
		return;
	}
	host_error_set_libvirt(&error, session->uri, "cannot connect to libvirt");
	g_task_return_error(task, error);
}

/* Tell which domains run, and end with those that ran on the last connection and are not among them. */
static void tell_list(struct libvirt_connection *connection, const struct session *session)
{
	g_autoptr(GHashTable) before = g_steal_pointer(&connection->running);
	GHashTableIter iterator;
	gpointer uuid, name;

	connection->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (virDomainPtr *domain = session->domains; *domain != NULL; domain++)
		tell_running(connection, *domain);
	g_hash_table_iter_init(&iterator, before);
	while (g_hash_table_iter_next(&iterator, &uuid, &name))
		if (!g_hash_table_contains(connection->running, uuid))
			connection->callbacks->stopped(uuid, name, connection->data);
}

static void on_opened(GObject *source, GAsyncResult *result, gpointer data)
{
	struct session *session = g_task_get_task_data(G_TASK(result));
	struct libvirt_connection *connection = session->owner;
	g_autoptr(GError) error = NULL;
	gboolean good = g_task_propagate_boolean(G_TASK(result), &error);
	struct session_event *event;

	if (connection == NULL) { /* freed meanwhile */
		session_close(session);
		return;
	}
	if (good && !virConnectIsAlive(session->handle)) {
		good = FALSE;
		g_set_error(&error, HOST_ERROR, HOST_ERROR_LIBVIRT, "%s: libvirt has closed the connection",
			    session->uri);
	}
	if (!good) {
		connection_wait(connection, error->message);
		return;
	}
	g_clear_pointer(&connection->last_reason, g_free);
	session->listed = TRUE;
	connection->callbacks->connected(connection->data);
	tell_list(connection, session);
	while ((event = g_queue_pop_head(&session->waiting)) != NULL) {
		tell_event(connection, event->kind, event->domain);
		session_event_free(event);
	}
}

static void connection_open(struct libvirt_connection *connection)
{
	struct session *session = g_new0(struct session, 1);
	g_autoptr(GTask) task = NULL;

	g_atomic_ref_count_init(&session->references);
	session->uri = g_strdup(connection->uri);
	for (int i = 0; i < REGISTER_COUNT; i++)
		session->callback_ids[i] = -1;
	session->owner = connection;
	connection->session = session;
	task = g_task_new(NULL, NULL, on_opened, NULL);
	g_task_set_task_data(task, session_ref(session), session_unref);
	g_task_run_in_thread(task, open_in_thread);
}

static gboolean connection_retry(gpointer data)
{
	struct libvirt_connection *connection = data;

	connection->retry_source = 0;
	connection_open(connection);
	return G_SOURCE_REMOVE;
}

/* Libvirt prints every error to stderr unless told otherwise; ours go upward and are reported once. */
static void ignore_error(void *data, virErrorPtr error)
{
}

struct libvirt_connection *
libvirt_connection_new(const char *uri, const struct libvirt_connection_callbacks *callbacks, gpointer data)
{
	struct libvirt_connection *connection = g_new0(struct libvirt_connection, 1);

	gvir_event_register();
	virSetErrorFunc(NULL, ignore_error);
	connection->uri = g_strdup(uri);
	connection->callbacks = callbacks;
	connection->data = data;
	connection->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	connection_open(connection);
	return connection;
}

void libvirt_connection_free(struct libvirt_connection *connection)
{
	struct session *session;

	if (connection == NULL)
		return;
	session = connection->session;
	if (connection->retry_source != 0)
		g_source_remove(connection->retry_source);
	if (session != NULL) {
		session->owner = NULL;
		/* One that is still being opened is closed by on_opened(). */
		if (session->listed)
			session_close(session);
		session_unref(session);
	}
	g_hash_table_unref(connection->running);
	g_free(connection->last_reason);
	g_free(connection->uri);
	g_free(connection);
}
