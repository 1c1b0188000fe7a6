/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command_change.c - set, act and notify: what changes something
 */
#include "command.h"
#include <string.h>
#include "render_vm.h"

/* KEY=VALUE arguments as a{ss}, floating; NULL and a message for one that is not. */
static GVariant *read_settings(char **arguments)
{
	g_autoptr(GVariantDict) seen = g_variant_dict_new(NULL);
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
	for (guint i = 0; arguments[i] != NULL; i++) {
		const char *equals = strchr(arguments[i], '=');
		g_autofree char *key = NULL;

		if (equals == NULL || equals == arguments[i]) {
			g_printerr("vmheatctl: \"%s\" is not KEY=VALUE\n", arguments[i]);
			g_variant_builder_clear(&builder);
			return NULL;
		}
		key = g_strndup(arguments[i], (gsize)(equals - arguments[i]));
		if (g_variant_dict_contains(seen, key)) {
			g_printerr("vmheatctl: %s is given twice\n", key);
			g_variant_builder_clear(&builder);
			return NULL;
		}
		g_variant_dict_insert(seen, key, "b", TRUE);
		g_variant_builder_add(&builder, "{ss}", key, equals + 1);
	}
	return g_variant_builder_end(&builder);
}

enum exit_code command_set(VmheatManager1 *service, const struct command_options *options, char **arguments)
{
	g_autoptr(GVariant) settings = read_settings(arguments + 1);
	g_autoptr(GError) error = NULL;
	GVariantIter iter;
	const char *key, *value;

	if (settings == NULL)
		return EXIT_USAGE;
	g_variant_ref_sink(settings);
	if (!vmheat_manager1_call_set_vm_sync(service, arguments[0], settings, NULL, &error))
		return client_fail(error);
	if (options->json) {
		client_print_json(settings);
		return EXIT_OK;
	}
	g_variant_iter_init(&iter, settings);
	while (g_variant_iter_next(&iter, "{&s&s}", &key, &value))
		g_print("%s: %s = %s\n", arguments[0], key, value);
	return EXIT_OK;
}

enum exit_code command_act(VmheatManager1 *service, const struct command_options *options, char **arguments)
{
	g_autoptr(GVariant) done = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	if (!vmheat_manager1_call_act_vm_sync(service, arguments[0], &done, NULL, &error))
		return client_fail(error);
	if (options->json) {
		client_print_json(done);
		return EXIT_OK;
	}
	text = render_act(done);
	g_print("%s:\n%s", arguments[0], text);
	return EXIT_OK;
}

enum exit_code command_notify(VmheatManager1 *service, const struct command_options *options,
			      char **arguments)
{
	g_autoptr(GError) error = NULL;

	if (!vmheat_manager1_call_notify_hook_sync(service, arguments[0], arguments[1], NULL, &error))
		return client_fail(error);
	return EXIT_OK;
}
