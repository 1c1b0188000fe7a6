/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dbus_service.h - org.vmheat.Manager1 on a bus: the methods of org.vmheat.Manager1.xml over the registry
 */
#ifndef VMHEAT_SERVICE_DBUS_SERVICE_H
#define VMHEAT_SERVICE_DBUS_SERVICE_H

#include <gio/gio.h>
#include "vm_registry.h"

#define DBUS_SERVICE_NAME "org.vmheat.Manager1"
#define DBUS_SERVICE_PATH "/org/vmheat/Manager1"

struct dbus_service;

/** dbus_service_new() - export the object on @bus; @registry must outlive it. The bus name is not asked for.
 */
struct dbus_service *dbus_service_new(GDBusConnection *bus, struct vm_registry *registry,
				      struct act_journal *journal, GError **error);
void dbus_service_free(struct dbus_service *service);

/** dbus_service_set_libvirt() - what the property Libvirt says. */
void dbus_service_set_libvirt(struct dbus_service *service, const char *state);

#endif /* VMHEAT_SERVICE_DBUS_SERVICE_H */
