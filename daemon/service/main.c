/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - vmheatd: options, configuration, bus, main loop, and a clean end
 *
 * The bus name and the journal's lock keep a second daemon out: nothing is tracked before both are ours. SIGTERM and SIGINT
 * end all tracking first, so that sources are closed and no act is cut in two; a second signal, or a VM whose
 * job hangs, does not hold the end up for longer than STOP_SECONDS. SIGHUP reads the configuration again.
 */
#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "act_journal.h"
#include "config.h"
#include "dbus_service.h"
#include "host_pressure.h"
#include "log.h"
#include "vm_registry.h"

#define DEFAULT_CONFIG VMHEAT_SYSCONFDIR "/vmheat/vmheatd.conf"
#define STOP_SECONDS   10u

/* In bytes: larger ones are mappings of their own. It also keeps malloc from raising the limit as it goes. */
#define LARGE_ALLOCATION 65536

struct options {
	char *config_path; /* NULL: the default */
	gboolean check_config;
	gboolean session_bus;
	gboolean version;
};

/* What the main loop's callbacks share. */
struct service {
	GMainLoop *loop;
	const struct options *options;
	struct config *config; /* a reference */
	struct act_journal *journal;
	struct vm_registry *registry;
	struct dbus_service *dbus;
	struct host_pressure *pressure;
	gboolean stopping;
	int exit_code;
};

static gboolean parse_options(int argc, char **argv, struct options *options, GError **error)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config_path,
		  "Read FILE instead of " DEFAULT_CONFIG, "FILE" },
		{ "check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config,
		  "Check the configuration and exit: 0 if it is right, 1 if not", NULL },
		{ "session", 0, 0, G_OPTION_ARG_NONE, &options->session_bus,
		  "Serve on the session bus instead of the system bus, for tests", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL },
		{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(context, "Finds the working sets of running virtual machines, resizes "
					      "them and places their pages.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (argc > 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "unexpected argument \"%s\"",
			    argv[1]);
		return FALSE;
	}
	return TRUE;
}

/* A file that was named must be there; without the default one every setting has its default. */
static struct config *load_config(const struct options *options, GError **error)
{
	if (options->config_path != NULL)
		return config_load(options->config_path, error);
	if (g_file_test(DEFAULT_CONFIG, G_FILE_TEST_EXISTS))
		return config_load(DEFAULT_CONFIG, error);
	g_message("there is no " DEFAULT_CONFIG ": every setting has its default");
	return config_new();
}

static void on_stopped(gpointer data)
{
	const struct service *service = data;

	g_main_loop_quit(service->loop);
}

static gboolean on_stop_timeout(gpointer data)
{
	g_warning("a VM's job still runs %u s after the stop: leaving it behind", STOP_SECONDS);
	on_stopped(data);
	return G_SOURCE_REMOVE;
}

static void stop(struct service *service, int exit_code)
{
	service->exit_code = MAX(service->exit_code, exit_code);
	if (service->stopping)
		return;
	service->stopping = TRUE;
	g_timeout_add_seconds(STOP_SECONDS, on_stop_timeout, service);
	host_pressure_stop(service->pressure);
	vm_registry_stop(service->registry, on_stopped, service);
}

static gboolean on_signal(gpointer data)
{
	struct service *service = data;

	if (service->stopping)
		g_main_loop_quit(service->loop);
	else
		g_message("stopping");
	stop(service, EXIT_SUCCESS);
	return G_SOURCE_CONTINUE;
}

/* SIGHUP: what was learnt stays, and so does the configuration if the new one is wrong. */
static gboolean on_reload(gpointer data)
{
	struct service *service = data;
	g_autoptr(GError) error = NULL;
	struct config *config = load_config(service->options, &error);

	if (error != NULL) {
		g_warning("the configuration is not taken: %s", error->message);
		return G_SOURCE_CONTINUE;
	}
	if (strcmp(config->daemon.libvirt_uri, service->config->daemon.libvirt_uri) != 0 ||
	    strcmp(config->daemon.state_directory, service->config->daemon.state_directory) != 0)
		g_warning("libvirt-uri and state-directory change when vmheatd is started again");
	config_unref(service->config);
	service->config = config;
	act_journal_set_limit(service->journal, config->daemon.journal_size);
	vm_registry_reload(service->registry, config);
	if (!service->stopping)
		host_pressure_reload(service->pressure, config);
	g_message("the configuration was read again");
	return G_SOURCE_CONTINUE;
}

static void on_libvirt(const char *state, gpointer data)
{
	const struct service *service = data;

	dbus_service_set_libvirt(service->dbus, state);
}

static void on_name_acquired(GDBusConnection *bus, const char *name, gpointer data)
{
	struct service *service = data;

	g_message("version " VMHEAT_VERSION ", serving as %s", name);
	if (!service->stopping)
		vm_registry_start(service->registry, on_libvirt, service);
}

static void on_name_lost(GDBusConnection *bus, const char *name, gpointer data)
{
	if (bus == NULL)
		g_critical("the connection to the bus is lost");
	else
		g_critical("the bus name %s is taken: is another vmheatd running?", name);
	stop(data, EXIT_FAILURE);
}

static int serve(const struct options *options, struct config *config, struct act_journal *journal,
		 GDBusConnection *bus)
{
	struct service service = { .options = options,
				   .config = config_ref(config),
				   .journal = journal,
				   .exit_code = EXIT_SUCCESS };
	g_autoptr(GError) error = NULL;
	guint name;

	service.registry = vm_registry_new(config, journal);
	service.dbus = dbus_service_new(bus, service.registry, journal, &error);
	if (service.dbus == NULL) {
		g_critical("cannot serve on the bus: %s", error->message);
		vm_registry_free(service.registry);
		config_unref(service.config);
		return EXIT_FAILURE;
	}
	service.pressure = host_pressure_start(config, service.registry);
	service.loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, on_signal, &service);
	g_unix_signal_add(SIGINT, on_signal, &service);
	g_unix_signal_add(SIGHUP, on_reload, &service);
	name = g_bus_own_name_on_connection(bus, DBUS_SERVICE_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
					    on_name_acquired, on_name_lost, &service, NULL);
	g_main_loop_run(service.loop);

	g_bus_unown_name(name);
	dbus_service_free(service.dbus);
	vm_registry_free(service.registry);
	config_unref(service.config);
	g_main_loop_unref(service.loop);
	return service.exit_code;
}

/* Serve with the journal open. Nobody else may have it. */
static int open_and_serve(struct config *config, const struct options *options)
{
	g_autoptr(GDBusConnection) bus = NULL;
	g_autoptr(GError) error = NULL;
	struct act_journal *journal;
	int exit_code = EXIT_FAILURE;

	bus = g_bus_get_sync(options->session_bus ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, NULL, &error);
	if (bus == NULL) {
		g_critical("no connection to the bus: %s", error->message);
		return EXIT_FAILURE;
	}
	journal = act_journal_open(config->daemon.state_directory, config->daemon.journal_size, &error);
	if (journal == NULL)
		g_critical("%s", error->message);
	else
		exit_code = serve(options, config, journal, bus);
	act_journal_free(journal);
	return exit_code;
}

static int check_config(const struct options *options, const struct config *config)
{
	printf("%s: the configuration is right, %u VMs have settings of their own\n",
	       options->config_path != NULL ? options->config_path : DEFAULT_CONFIG,
	       g_hash_table_size(config->vms));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { NULL };
	g_autoptr(GError) error = NULL;
	struct config *config = NULL;
	int exit_code = EXIT_FAILURE;

	setlocale(LC_ALL, "");
	g_set_prgname("vmheatd");
	/* Arrays over a VM's pages go back to the host when they are freed, also those of one scan. */
	mallopt(M_MMAP_THRESHOLD, LARGE_ALLOCATION);
	log_start();
	if (!parse_options(argc, argv, &options, &error)) {
		g_critical("%s (see --help)", error->message);
	} else if (options.version) {
		puts("vmheatd " VMHEAT_VERSION);
		exit_code = EXIT_SUCCESS;
	} else if ((config = load_config(&options, &error)) == NULL) {
		g_critical("%s", error->message);
	} else if (options.check_config) {
		exit_code = check_config(&options, config);
	} else {
		exit_code = open_and_serve(config, &options);
	}
	config_unref(config);
	g_free(options.config_path);
	return exit_code;
}
