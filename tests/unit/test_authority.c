/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_authority.c - who may call the service, on a bus of its own with a polkit that is played
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "authority.h"

static const char polkit_xml[] = "<node><interface name='org.freedesktop.PolicyKit1.Authority'>"
				 "<method name='CheckAuthorization'>"
				 "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"
				 "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>"
				 "<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/>"
				 "</method></interface></node>";

/* What the played polkit was asked, and says. */
static struct {
	guint asked;
	char *kind, *name, *action;
	guint32 flags;
	gboolean allows, fails;
} polkit;

static void on_check(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		     const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
		     gpointer data)
{
	g_autoptr(GVariant) details = NULL;

	polkit.asked++;
	g_free(polkit.kind);
	g_free(polkit.name);
	g_free(polkit.action);
	g_variant_get(parameters, "((s@a{sv})s@a{ss}us)", &polkit.kind, &details, &polkit.action, NULL,
		      &polkit.flags, NULL);
	g_variant_lookup(details, "name", "s", &polkit.name);
	if (polkit.fails)
		g_dbus_method_invocation_return_dbus_error(
			invocation, "org.freedesktop.PolicyKit1.Error.Failed", "out of order");
	else
		g_dbus_method_invocation_return_value(
			invocation,
			g_variant_new("((bb@a{ss}))", polkit.allows, !polkit.allows && polkit.flags == 0,
				      g_variant_new_array(G_VARIANT_TYPE("{ss}"), NULL, 0)));
}

static const GDBusInterfaceVTable polkit_vtable = { .method_call = on_check };

struct scene {
	GTestDBus *bus;
	GDBusConnection *service, *caller, *polkit;
	struct authority *authority;
	gboolean answered;
	char *refusal;
};

static GDBusConnection *connect_to(const struct scene *scene)
{
	GDBusConnection *connection =
		g_dbus_connection_new_for_address_sync(g_test_dbus_get_bus_address(scene->bus),
						       G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
							       G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
						       NULL, NULL, NULL);

	assert_non_null(connection);
	return connection;
}

static int open_scene(void **state)
{
	struct scene *scene = g_new0(struct scene, 1);

	memset(&polkit, 0, sizeof(polkit));
	scene->bus = g_test_dbus_new(G_TEST_DBUS_NONE);
	g_test_dbus_up(scene->bus);
	scene->service = connect_to(scene);
	scene->caller = connect_to(scene);
	/* The caller is this very user, who is not to be the trusted one. */
	scene->authority = authority_new(scene->service, getuid() + 1);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	authority_free(scene->authority);
	g_object_unref(scene->service);
	g_object_unref(scene->caller);
	g_clear_object(&scene->polkit);
	g_test_dbus_down(scene->bus);
	g_object_unref(scene->bus);
	g_free(polkit.kind);
	g_free(polkit.name);
	g_free(polkit.action);
	g_free(scene->refusal);
	g_free(scene);
	return 0;
}

static void start_polkit(struct scene *scene, gboolean allows)
{
	g_autoptr(GDBusNodeInfo) info = g_dbus_node_info_new_for_xml(polkit_xml, NULL);
	g_autoptr(GVariant) reply = NULL;

	polkit.allows = allows;
	scene->polkit = connect_to(scene);
	assert_true(g_dbus_connection_register_object(scene->polkit, "/org/freedesktop/PolicyKit1/Authority",
						      info->interfaces[0], &polkit_vtable, NULL, NULL,
						      NULL) > 0);
	reply = g_dbus_connection_call_sync(scene->polkit, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					    "org.freedesktop.DBus", "RequestName",
					    g_variant_new("(su)", "org.freedesktop.PolicyKit1", 0u), NULL,
					    G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	assert_non_null(reply);
}

static void note_answer(const char *refusal, gpointer data)
{
	struct scene *scene = data;

	assert_false(scene->answered);
	scene->answered = TRUE;
	g_free(scene->refusal);
	scene->refusal = g_strdup(refusal);
}

static void check_as(struct scene *scene, const char *caller, enum authority_action action,
		     gboolean interactive)
{
	scene->answered = FALSE;
	authority_check(scene->authority, caller, action, interactive, note_answer, scene);
	assert_false(scene->answered);
	while (!scene->answered)
		g_main_context_iteration(NULL, TRUE);
}

static void check(struct scene *scene, enum authority_action action, gboolean interactive)
{
	check_as(scene, g_dbus_connection_get_unique_name(scene->caller), action, interactive);
}

/* The trusted user is not asked about, with polkit or without. */
static void test_trusted(void **state)
{
	struct scene *scene = *state;

	authority_free(scene->authority);
	scene->authority = authority_new(scene->service, getuid());
	check(scene, AUTHORITY_ACT, FALSE);
	assert_null(scene->refusal);
	start_polkit(scene, FALSE);
	check(scene, AUTHORITY_ACT, FALSE);
	assert_null(scene->refusal);
	assert_int_equal(polkit.asked, 0);
}

/* Without polkit nobody else may do anything. */
static void test_no_polkit(void **state)
{
	struct scene *scene = *state;

	check(scene, AUTHORITY_READ, FALSE);
	assert_string_equal(scene->refusal,
			    "only root may do that (org.vmheat.read), for polkit does not run");
}

/* Polkit is asked about the caller, by its name on the bus, and the action; its word counts. */
static void test_polkit_decides(void **state)
{
	struct scene *scene = *state;

	start_polkit(scene, TRUE);
	check(scene, AUTHORITY_READ, FALSE);
	assert_null(scene->refusal);
	assert_string_equal(polkit.kind, "system-bus-name");
	assert_string_equal(polkit.name, g_dbus_connection_get_unique_name(scene->caller));
	assert_string_equal(polkit.action, "org.vmheat.read");
	assert_int_equal(polkit.flags, 0);

	polkit.allows = FALSE;
	check(scene, AUTHORITY_ACT, FALSE);
	assert_string_equal(scene->refusal,
			    "polkit does not allow you that (org.vmheat.act): it would ask for a password");
	check(scene, AUTHORITY_ACT, TRUE);
	assert_int_equal(polkit.flags, 1);
	assert_string_equal(scene->refusal, "polkit does not allow you that (org.vmheat.act)");
}

/* What does not answer, or is not on the bus any more, is no yes. */
static void test_no_answer(void **state)
{
	struct scene *scene = *state;

	start_polkit(scene, TRUE);
	polkit.fails = TRUE;
	check(scene, AUTHORITY_ACT, FALSE);
	assert_non_null(strstr(scene->refusal, "out of order"));
	check_as(scene, ":1.999", AUTHORITY_READ, FALSE);
	assert_string_equal(scene->refusal, "the bus does not say who you are");
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_trusted),
		IN_SCENE(test_no_polkit),
		IN_SCENE(test_polkit_decides),
		IN_SCENE(test_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
