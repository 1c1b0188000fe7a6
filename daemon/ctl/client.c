/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.c - proxy, exit codes, JSON
 */
#include "client.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define SERVICE_NAME "org.vmheat.Manager1"
#define SERVICE_PATH "/org/vmheat/Manager1"

VmheatManager1 *client_open(GBusType bus, int timeout_ms, GError **error)
{
	VmheatManager1 *proxy = vmheat_manager1_proxy_new_for_bus_sync(
		bus, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, SERVICE_NAME, SERVICE_PATH, NULL, error);
	g_autofree char *owner = NULL;

	if (proxy == NULL)
		return NULL;
	owner = g_dbus_proxy_get_name_owner(G_DBUS_PROXY(proxy));
	if (owner == NULL) {
		g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN,
			    "vmheatd is not running: nobody owns " SERVICE_NAME " on the bus");
		g_object_unref(proxy);
		return NULL;
	}
	g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(proxy), timeout_ms);
	return proxy;
}

static enum exit_code code_of(const GError *error)
{
	g_autofree char *name = g_dbus_error_get_remote_error(error);

	if (g_strcmp0(name, "org.vmheat.Error.UnknownVm") == 0)
		return EXIT_UNKNOWN_VM;
	if (g_strcmp0(name, "org.vmheat.Error.InvalidSetting") == 0)
		return EXIT_USAGE;
	/* Not on the bus, or no bus at all. */
	if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
	    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED) || error->domain == G_IO_ERROR)
		return EXIT_NO_SERVICE;
	return EXIT_FAILED;
}

enum exit_code client_fail(GError *error)
{
	enum exit_code code = code_of(error);

	g_dbus_error_strip_remote_error(error);
	g_printerr("vmheatctl: %s\n", error->message);
	return code;
}

void client_print_json(GVariant *value)
{
	g_autoptr(GVariant) owned = g_variant_ref_sink(value);
	JsonNode *node = json_gvariant_serialize(owned);
	g_autofree char *text = json_to_string(node, TRUE);

	g_print("%s\n", text);
	json_node_unref(node);
}
