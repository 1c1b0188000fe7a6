/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command_working_set.c - working-set: how much memory of a VM was used within any time
 */
#include "command.h"
#include "working_sets.h"

#define SECONDS_MOST (366.0 * 86400)

/* What is shown if nobody says which. */
static char *const seconds_default[] = {
	"1", "5", "10", "30", "60", "120", "300", "600", "1800", "3600", NULL
};

static gboolean parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = g_ascii_strtod(text, &end);
	if (end != text && *end == '\0' && *seconds > 0.0 && *seconds <= SECONDS_MOST)
		return TRUE;
	g_printerr("vmheatctl: working-set: \"%s\" is not a number of seconds above 0 and up to %.0f\n", text,
		   SECONDS_MOST);
	return FALSE;
}

static enum exit_code show(GVariant *vm, const char *name, const struct command_options *options,
			   char *const *ages)
{
	g_autoptr(GArray) answers = g_array_new(FALSE, FALSE, sizeof(struct working_set_at));
	const struct working_set_at *first;

	for (; *ages != NULL; ages++) {
		struct working_set_at answer;
		double seconds;

		if (!parse_seconds(*ages, &seconds))
			return EXIT_USAGE;
		if (!working_sets_at(vm, seconds, &answer)) {
			g_printerr("vmheatctl: %s: there is no data yet\n", name);
			return EXIT_FAILED;
		}
		g_array_append_val(answers, answer);
	}
	first = (const struct working_set_at *)(const void *)answers->data;
	if (options->json) {
		client_print_json(working_sets_data(first, answers->len));
	} else {
		g_autofree char *text = working_sets_render(first, answers->len);

		g_print("%s", text);
	}
	return EXIT_OK;
}

enum exit_code command_working_set(VmheatManager1 *service, const struct command_options *options,
				   char **arguments)
{
	g_autoptr(GVariant) vm = NULL;
	g_autoptr(GError) error = NULL;

	if (!vmheat_manager1_call_get_vm_sync(service, arguments[0], &vm, NULL, &error))
		return client_fail(error);
	return show(vm, arguments[0], options, arguments[1] != NULL ? arguments + 1 : seconds_default);
}
