/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt_connection.h - the connection to libvirt, kept up, and which domains run
 *
 * Theory of operation
 *
 * States: CONNECTING (a thread of its own opens the connection, registers for events and lists the running
 * domains, for all of that may block) -> CONNECTED -> WAITING (the connection was refused or has broken; a
 * timer runs) -> CONNECTING. Libvirt's events are dispatched by libvirt-glib in the default main context, and
 * every callback below runs there.
 *
 * Invariants
 * - running() comes before stopped() for every domain, and stopped() once for each that had a running().
 *   Events that arrive while the list is still being made wait until the list has been told.
 * - When libvirtd restarts, the domains live on, but every virDomainPtr made before is dead: calls with it
 *   fail. After the reconnect running() comes once more for each domain that still runs, with a handle that
 *   works, and stopped() for those that ended meanwhile.
 *
 * Ownership: a callback's virDomainPtr is valid during the call; virDomainRef() it to keep it. Handles may be
 * used in any thread, also after libvirt_connection_free().
 */
#ifndef VMHEAT_HOST_LIBVIRT_CONNECTION_H
#define VMHEAT_HOST_LIBVIRT_CONNECTION_H

#include <glib.h>
#include <libvirt/libvirt.h>

#define LIBVIRT_CONNECTION_DEFAULT_URI "qemu:///system"

/** Called in the default main context. None may be NULL, none may free the connection. */
struct libvirt_connection_callbacks {
	/* The connection stands; running() follows for each domain that runs. */
	void (*connected)(gpointer data);

	/* It could not be opened, or has broken. Once for each reason, however many attempts fail with it. */
	void (*disconnected)(const char *reason, gpointer data);

	/* A domain has started, or was found running after a connect or reconnect. */
	void (*running)(virDomainPtr domain, gpointer data);

	/* A domain has ended. */
	void (*stopped)(const char *uuid, const char *name, gpointer data);

	/* A device was added to the domain or removed: its memory layout may be another now. */
	void (*devices_changed)(virDomainPtr domain, gpointer data);

	/* Somebody has changed the domain's metadata. */
	void (*metadata_changed)(virDomainPtr domain, gpointer data);
};

struct libvirt_connection;

/**
 * libvirt_connection_new() - connect now, and again whenever it breaks
 * @uri:       as virConnectOpen() takes it; copied
 * @callbacks: must outlive the connection
 * @data:      for the callbacks
 *
 * Returns at once. Called in the thread of the default main context; no other libvirt connection may have
 * been opened before it in this process, as it registers the event loop.
 */
struct libvirt_connection *
libvirt_connection_new(const char *uri, const struct libvirt_connection_callbacks *callbacks, gpointer data);

/** libvirt_connection_free() - close; no callback comes any more. May wait for libvirt's answer. */
void libvirt_connection_free(struct libvirt_connection *connection);

#endif /* VMHEAT_HOST_LIBVIRT_CONNECTION_H */
