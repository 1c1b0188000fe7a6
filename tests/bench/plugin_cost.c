// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plugin_cost.c - what libvmheat-plugin.so costs an emulated guest: the processor time that QEMU takes for one
 * and the same job, a Linux guest that boots to the end of its init
 *
 * Usage: plugin_cost ROUNDS QEMU NAME...
 *
 * Prints a line for each boot, separated by tabs: NAME of the QEMU, the variant, user time in milliseconds.
 * Variants:
 *   none       no plugin
 *   off        the plugin, and nobody observes
 *   on         the plugin, and one observer who collects once a second
 *   hot_pages  hot_pages.so
 * In each round all variants take turns, so that what else this machine does meets all of them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "plugin_observer.h"

#define MEMORY_MIB    512
#define MEMORY_PAGES  ((guint64)MEMORY_MIB * 256)
#define STEP_US	      10000
#define COLLECT_STEPS 100
#define LIMIT_STEPS   60000

/* What the guest's init says last. */
#define READY "READY after"

static const struct variant {
	const char *name;
	const char *plugin; /* NULL: none */
	gboolean has_map, observed;
} variants[] = {
	{ .name = "none" },
	{ .name = "off", .plugin = "build/bin/libvmheat-plugin.so", .has_map = TRUE },
	{ .name = "on", .plugin = "build/bin/libvmheat-plugin.so", .has_map = TRUE, .observed = TRUE },
	{ .name = "hot_pages", .plugin = "build/test/bin/hot_pages.so" },
};

static pid_t start(const char *qemu, const struct variant *variant, const char *map, const char *console)
{
	g_autofree char *serial = g_strconcat("file:", console, NULL),
			*memory = g_strdup_printf("%dM", MEMORY_MIB);
	g_autofree char *plugin = variant->has_map ? g_strconcat(variant->plugin, ",map=", map, NULL)
						   : g_strdup(variant->plugin);
	const char *const arguments[] = { qemu,
					  "-nodefaults",
					  "-display",
					  "none",
					  "-machine",
					  "q35",
					  "-m",
					  memory,
					  "-no-reboot",
					  "-serial",
					  serial,
					  "-kernel",
					  "build/kernel/guest/vmlinux",
					  "-initrd",
					  "build/bed/guest.cpio",
					  "-append",
					  "console=ttyS0 quiet panic=-1 vmheat.agent=0",
					  plugin == NULL ? NULL : "-plugin",
					  plugin,
					  NULL };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(qemu, (char **)arguments);
	_exit(127);
}

static gboolean is_ready(const char *console)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(console, &text, NULL, NULL) && strstr(text, READY) != NULL;
}

/* Collect from the machine's memory below the PCI hole, if there is a file yet. */
static void collect(struct plugin_observer **observer, const char *map, guint64 *words)
{
	if (*observer == NULL)
		*observer = plugin_observer_new(map, NULL);
	else
		(void)plugin_observer_collect(*observer, 0, MEMORY_PAGES, words, NULL);
}

/* One boot. Return: user time in milliseconds; negative if the guest does not boot. */
static gint64 boot(const char *qemu, const struct variant *variant, const char *folder)
{
	g_autofree char *map = g_build_filename(folder, "map", NULL);
	g_autofree char *console = g_build_filename(folder, "console", NULL);
	static guint64 words[MEMORY_PAGES / 64];
	struct plugin_observer *observer = NULL;
	pid_t pid = start(qemu, variant, map, console);
	struct rusage usage;
	gboolean ready = FALSE;
	int status;

	for (int step = 0; step < LIMIT_STEPS && !ready && waitpid(pid, &status, WNOHANG) == 0; step++) {
		g_usleep(STEP_US);
		ready = is_ready(console);
		if (variant->observed && (observer == NULL || step % COLLECT_STEPS == 0))
			collect(&observer, map, words);
	}
	kill(pid, SIGKILL);
	(void)wait4(pid, &status, 0, &usage);
	/* It must have been what was meant. */
	if (variant->observed && (observer == NULL || !g_file_test(map, G_FILE_TEST_EXISTS)))
		ready = FALSE;
	plugin_observer_free(observer);
	unlink(map);
	unlink(console);
	return ready ? usage.ru_utime.tv_sec * G_GINT64_CONSTANT(1000) + usage.ru_utime.tv_usec / 1000 : -1;
}

int main(int argc, char **argv)
{
	g_autofree char *folder = g_dir_make_tmp("vmheat-bench-XXXXXX", NULL);
	long rounds = argc > 3 ? strtol(argv[1], NULL, 10) : 0;

	if (rounds <= 0 || argc % 2 != 0 || folder == NULL) {
		fputs("usage: plugin_cost ROUNDS QEMU NAME...\n", stderr);
		return 2;
	}
	for (long round = 0; round < rounds; round++)
		for (int i = 2; i < argc; i += 2)
			for (gsize j = 0; j < G_N_ELEMENTS(variants); j++) {
				gint64 time_ms = boot(argv[i], &variants[j], folder);

				if (time_ms < 0) {
					fprintf(stderr, "plugin_cost: the guest does not boot: %s, %s\n",
						argv[i + 1], variants[j].name);
					return 1;
				}
				printf("%s\t%s\t%" G_GINT64_FORMAT "\n", argv[i + 1], variants[j].name,
				       time_ms);
				fflush(stdout);
			}
	rmdir(folder);
	return 0;
}
