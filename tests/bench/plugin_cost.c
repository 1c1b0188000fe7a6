// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plugin_cost.c - what libvmheat-plugin.so costs an emulated guest: the processor time that QEMU takes for the same jobs
 *
 * Usage: plugin_cost ROUNDS QEMU NAME...
 *
 * Prints a line for each run, separated by tabs: NAME of the QEMU, the variant, and user time in milliseconds for
 * two jobs: a Linux guest boots to the end of its init; a process in it touches 300 MiB for the first time. Variants:
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
#include <sys/wait.h>
#include <unistd.h>
#include "plugin_observer.h"

#define MEMORY_MIB    512
#define MEMORY_PAGES  ((guint64)MEMORY_MIB * 256)
#define TOUCH_JOB     "touch 300"
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

struct run {
	pid_t qemu;
	char *map, *console, *port;
	struct plugin_observer *observer; /* NULL: none, or not yet */
	gboolean observed;
};

static pid_t spawn(const char *const *arguments)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* Nothing is left running, however this ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO) >= 0)
		execvp(arguments[0], (char **)arguments);
	_exit(127);
}

static void start(struct run *run, const char *qemu, const struct variant *variant)
{
	g_autofree char *serial = g_strconcat("file:", run->console, NULL);
	g_autofree char *memory = g_strdup_printf("%dM", MEMORY_MIB);
	g_autofree char *port = g_strdup_printf("socket,id=w,path=%s,server=on,wait=off", run->port);
	g_autofree char *plugin = variant->has_map ? g_strconcat(variant->plugin, ",map=", run->map, NULL)
						   : g_strdup(variant->plugin);
	/* The plugin comes last, so that there may be none. */
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
					  "-chardev",
					  port,
					  "-device",
					  "virtio-serial",
					  "-device",
					  "virtserialport,chardev=w,name=org.vmheat.workload.0",
					  "-kernel",
					  "build/kernel/guest/vmlinux",
					  "-initrd",
					  "build/bed/guest.cpio",
					  "-append",
					  "console=ttyS0 quiet panic=-1 vmheat.agent=0",
					  plugin == NULL ? NULL : "-plugin",
					  plugin,
					  NULL };

	run->qemu = spawn(arguments);
}

static gboolean is_ready(const char *console)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(console, &text, NULL, NULL) && strstr(text, READY) != NULL;
}

/* Collect from the machine's memory below the PCI hole, if there is a file yet. */
static void collect(struct run *run)
{
	static guint64 words[MEMORY_PAGES / 64];

	if (run->observer == NULL)
		run->observer = plugin_observer_new(run->map, NULL);
	else
		(void)plugin_observer_collect(run->observer, 0, MEMORY_PAGES, words, NULL);
}

/* What an observer does while one waits. */
static void wait_a_step(struct run *run, int step)
{
	g_usleep(STEP_US);
	if (run->observed && (run->observer == NULL || step % COLLECT_STEPS == 0))
		collect(run);
}

/* Until the guest's init says that it is done. Return: FALSE if it does not. */
static gboolean wait_boot(struct run *run)
{
	for (int step = 0; step < LIMIT_STEPS; step++) {
		wait_a_step(run, step);
		if (is_ready(run->console))
			return TRUE;
		if (waitpid(run->qemu, NULL, WNOHANG) != 0)
			break;
	}
	return FALSE;
}

/* Until the workload in the guest answers. Return: FALSE if it does not. */
static gboolean wait_touch(struct run *run)
{
	const char *const arguments[] = { "build/test/bin/port-request", run->port, "600", TOUCH_JOB, NULL };
	pid_t pid = spawn(arguments);
	int status = 1;

	for (int step = 0; waitpid(pid, &status, WNOHANG) == 0; step++)
		wait_a_step(run, step);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The user time of QEMU so far, in milliseconds. */
static gint64 user_ms(const struct run *run)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)run->qemu), *text = NULL;
	g_auto(GStrv) fields = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	/* Behind the name come fields 3 and on; this is field 14, in ticks. */
	fields = g_strsplit(strrchr(text, ')') + 2, " ", 13);
	return g_ascii_strtoll(fields[11], NULL, 10) * 1000 / sysconf(_SC_CLK_TCK);
}

/* One run of both jobs. Return: FALSE if the guest does not do them. */
static gboolean measure(const char *qemu, const struct variant *variant, const char *folder, gint64 *boot_ms,
			gint64 *touch_ms)
{
	struct run run = { .map = g_build_filename(folder, "map", NULL),
			   .console = g_build_filename(folder, "console", NULL),
			   .port = g_build_filename(folder, "port", NULL),
			   .observed = variant->observed };
	gboolean done;

	start(&run, qemu, variant);
	done = wait_boot(&run);
	*boot_ms = user_ms(&run);
	done = done && wait_touch(&run);
	*touch_ms = user_ms(&run) - *boot_ms;
	/* It must have been what was meant. */
	done = done &&
	       (!run.observed || (run.observer != NULL && plugin_observer_is_armed(run.observer, NULL)));
	plugin_observer_free(run.observer);
	kill(run.qemu, SIGKILL);
	(void)waitpid(run.qemu, NULL, 0);
	unlink(run.map);
	unlink(run.console);
	unlink(run.port);
	g_free(run.map);
	g_free(run.console);
	g_free(run.port);
	return done;
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
				gint64 boot_ms, touch_ms;

				fprintf(stderr, "plugin_cost: round %ld of %ld: QEMU %s, %s\n", round + 1,
					rounds, argv[i + 1], variants[j].name);
				if (!measure(argv[i], &variants[j], folder, &boot_ms, &touch_ms)) {
					fprintf(stderr, "plugin_cost: the guest fails: %s, %s\n", argv[i + 1],
						variants[j].name);
					return 1;
				}
				printf("%s\t%s\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\n", argv[i + 1],
				       variants[j].name, boot_ms, touch_ms);
				fflush(stdout);
			}
	rmdir(folder);
	return 0;
}
