/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * authority.c - ask the bus, then polkit, see authority.h
 */
#include "authority.h"

#define POLKIT_NAME	 "org.freedesktop.PolicyKit1"
#define POLKIT_PATH	 "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* CheckAuthorization's flag: a password may be asked for. */
#define ALLOW_INTERACTION 1u

/* The bus answers at once, polkit too; a person who is asked takes time. */
#define BUS_TIMEOUT_MS	  5000
#define PERSON_TIMEOUT_MS 120000

static const char *const action_ids[] = {
	[AUTHORITY_READ] = "org.vmheat.read",
	[AUTHORITY_ACT] = "org.vmheat.act",
};
G_STATIC_ASSERT(G_N_ELEMENTS(action_ids) == AUTHORITY_ACTIONS);

struct authority {
	GDBusConnection *bus;
	uid_t trusted;
};

/* A question on its way. */
struct question {
	const struct authority *authority;
	char *caller;
	const char *action;
	gboolean interactive;
	authority_func *answer;
	gpointer data;
};

struct authority *authority_new(GDBusConnection *bus, uid_t trusted)
{
	struct authority *authority = g_new0(struct authority, 1);

	authority->bus = g_object_ref(bus);
	authority->trusted = trusted;
	return authority;
}

void authority_free(struct authority *authority)
{
	if (authority == NULL)
		return;
	g_object_unref(authority->bus);
	g_free(authority);
}

static void answer(struct question *question, const char *refusal)
{
	question->answer(refusal, question->data);
	g_free(question->caller);
	g_free(question);
}

static void on_polkit(GObject *source, GAsyncResult *result, gpointer data)
{
	struct question *question = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	g_autofree char *refusal = NULL;
	gboolean allowed = FALSE, challenge = FALSE;

	if (reply != NULL)
		g_variant_get(reply, "((bba{ss}))", &allowed, &challenge, NULL);
	if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
		refusal = g_strdup_printf("only root may do that (%s), for polkit does not run",
					  question->action);
	else if (error != NULL)
		refusal = g_strdup_printf("polkit does not say whether you may do that (%s): %s",
					  question->action, error->message);
	else if (!allowed)
		refusal = g_strdup_printf("polkit does not allow you that (%s)%s", question->action,
					  challenge ? ": it would ask for a password" : "");
	answer(question, refusal);
}

static void ask_polkit(struct question *question)
{
	GVariantBuilder subject, details;

	g_variant_builder_init(&subject, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&subject, "{sv}", "name", g_variant_new_string(question->caller));
	g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
	g_dbus_connection_call(
		question->authority->bus, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization",
		g_variant_new("((sa{sv})sa{ss}us)", "system-bus-name", &subject, question->action, &details,
			      question->interactive ? ALLOW_INTERACTION : 0u, ""),
		G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE,
		question->interactive ? PERSON_TIMEOUT_MS : BUS_TIMEOUT_MS, NULL, on_polkit, question);
}

static void on_user(GObject *source, GAsyncResult *result, gpointer data)
{
	struct question *question = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	guint32 user;

	if (reply == NULL) {
		answer(question, "the bus does not say who you are");
		return;
	}
	g_variant_get(reply, "(u)", &user);
	if (user == question->authority->trusted)
		answer(question, NULL);
	else
		ask_polkit(question);
}

void authority_check(struct authority *authority, const char *caller, enum authority_action action,
		     gboolean interactive, authority_func *callback, gpointer data)
{
	struct question *question = g_new0(struct question, 1);

	question->authority = authority;
	question->caller = g_strdup(caller);
	question->action = action_ids[action];
	question->interactive = interactive;
	question->answer = callback;
	question->data = data;
	g_dbus_connection_call(authority->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "GetConnectionUnixUser", g_variant_new("(s)", caller),
			       G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE, BUS_TIMEOUT_MS, NULL, on_user,
			       question);
}
