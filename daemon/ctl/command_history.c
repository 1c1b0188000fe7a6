/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command_history.c - history and explain: what was done to VMs, and why
 */
#include "command.h"
#include "render_explain.h"
#include "render_history.h"

enum exit_code command_history(VmheatManager1 *service, const struct command_options *options,
			       char **arguments)
{
	const char *vm = arguments[0] != NULL ? arguments[0] : "";
	g_autoptr(GVariant) acts = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	if (!vmheat_manager1_call_get_history_sync(service, vm, &acts, NULL, &error))
		return client_fail(error);
	if (options->json) {
		client_print_json(acts);
		return EXIT_OK;
	}
	text = render_history(acts);
	g_print("%s", text);
	return EXIT_OK;
}

enum exit_code command_explain(VmheatManager1 *service, const struct command_options *options,
			       char **arguments)
{
	g_autoptr(GVariant) vm = NULL, acts = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) sentences = NULL;

	if (!vmheat_manager1_call_get_vm_sync(service, arguments[0], &vm, NULL, &error) ||
	    !vmheat_manager1_call_get_history_sync(service, arguments[0], &acts, NULL, &error))
		return client_fail(error);
	sentences = render_explain(vm, acts);
	if (options->json) {
		client_print_json(g_variant_new_strv((const char *const *)sentences, -1));
		return EXIT_OK;
	}
	for (char **sentence = sentences; *sentence != NULL; sentence++)
		g_print("%s\n", *sentence);
	return EXIT_OK;
}
