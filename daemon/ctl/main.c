/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - vmheatctl: options, and which command runs
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include "command.h"

/* notify runs in a libvirt hook's wake: whatever hangs must not pile up. */
#define NOTIFY_TIMEOUT_MS 2000

static const struct command {
	const char *name;
	guint least_arguments, most_arguments;
	int timeout_ms;
	gboolean without_service;
	command_func *run;
} commands[] = {
	{ "list", 0, 0, -1, FALSE, command_list },
	{ "show", 1, 1, -1, FALSE, command_show },
	{ "map", 1, 1, -1, FALSE, command_map },
	{ "explain", 1, 1, -1, FALSE, command_explain },
	{ "history", 0, 1, -1, FALSE, command_history },
	{ "working-set", 1, G_MAXUINT, -1, FALSE, command_working_set },
	{ "set", 2, G_MAXUINT, -1, FALSE, command_set },
	/* Moving pages takes as long as it takes. */
	{ "act", 1, 1, G_MAXINT, FALSE, command_act },
	{ "notify", 2, 2, NOTIFY_TIMEOUT_MS, FALSE, command_notify },
	{ "idle", 1, 2, -1, TRUE, command_idle },
};

static const char help_commands[] =
	"Commands:\n"
	"  list                   the running VMs and their working sets\n"
	"  show VM                everything known of one VM: ages, working set, sources, plan\n"
	"  map VM                 a picture of its memory, hot to cold by guest-physical address\n"
	"  explain VM             why it is treated as it is: each decision in a sentence\n"
	"  history [VM]           what was done to it, or to all: when, why, and what came of it\n"
	"  working-set VM [SECONDS...]\n"
	"                         how much of its memory was used within so many seconds\n"
	"  set VM KEY=VALUE...    change settings until vmheatd ends, e.g. mode=act floor=1GiB\n"
	"  act VM                 carry out its present plan once\n"
	"  notify VM OPERATION    tell vmheatd what libvirt's hook was told\n"
	"  idle PID [SECONDS]     the working set of any process, by mapping, without vmheatd\n"
	"\n"
	"idle looks at all pages of the process through /proc/PID/idle_bitmap (module kvm_idle), and\n"
	"once more after SECONDS (0.01 to 86400, 10 if not given): referenced is what is mapped and was\n"
	"accessed in between. It takes the right to trace the process. It disturbs nobody else who\n"
	"looks at that process, vmheatd included, and is not disturbed. A huge page is referenced as a\n"
	"whole.\n"
	"\n"
	"Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 no such VM, 4 vmheatd is not running";

struct options {
	struct command_options command;
	gboolean session_bus;
	gboolean version;
};

static gboolean parse_options(int *argc, char ***argv, struct options *options, GError **error)
{
	const GOptionEntry entries[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &options->command.json, "Print JSON: bytes and seconds",
		  NULL },
		{ "top", 0, 0, G_OPTION_ARG_INT, &options->command.top,
		  "Show N mappings in idle, 0 for all (default: 20, in JSON all)", "N" },
		{ "color", 0, 0, G_OPTION_ARG_NONE, &options->command.color,
		  "Draw the map in colours even into a file", NULL },
		{ "no-color", 0, 0, G_OPTION_ARG_NONE, &options->command.no_color,
		  "Draw the map with characters (so do NO_COLOR=1 and output to a file)", NULL },
		{ "session", 0, 0, G_OPTION_ARG_NONE, &options->session_bus,
		  "Look for vmheatd on the session bus, for tests", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL },
		{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("COMMAND [ARGUMENT...]");

	g_option_context_set_summary(context, "Shows what vmheatd knows of virtual machines, and tells it "
					      "what to do.");
	g_option_context_set_description(context, help_commands);
	g_option_context_add_main_entries(context, entries, NULL);
	return g_option_context_parse(context, argc, argv, error);
}

static const struct command *find_command(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static enum exit_code run(const struct command *command, const struct options *options, char **arguments)
{
	g_autoptr(VmheatManager1) service = NULL;
	g_autoptr(GError) error = NULL;

	if (command->without_service)
		return command->run(NULL, &options->command, arguments);
	service = client_open(options->session_bus ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM,
			      command->timeout_ms, &error);
	if (service == NULL)
		return client_fail(error);
	return command->run(service, &options->command, arguments);
}

int main(int argc, char **argv)
{
	const struct command *command = NULL;
	struct options options = { .command.top = TOP_UNSET };
	g_autoptr(GError) error = NULL;
	guint arguments;

	setlocale(LC_ALL, "");
	if (!parse_options(&argc, &argv, &options, &error)) {
		g_printerr("vmheatctl: %s (see --help)\n", error->message);
		return EXIT_USAGE;
	}
	if (options.version) {
		puts("vmheatctl " VMHEAT_VERSION);
		return EXIT_OK;
	}
	if (argc < 2) {
		g_printerr("vmheatctl: a command is missing (see --help)\n");
		return EXIT_USAGE;
	}
	command = find_command(argv[1]);
	if (command == NULL) {
		g_printerr("vmheatctl: unknown command \"%s\" (see --help)\n", argv[1]);
		return EXIT_USAGE;
	}
	arguments = (guint)argc - 2;
	if (arguments < command->least_arguments || arguments > command->most_arguments) {
		g_printerr("vmheatctl: %s: wrong number of arguments (see --help)\n", command->name);
		return EXIT_USAGE;
	}
	return run(command, &options, argv + 2);
}
