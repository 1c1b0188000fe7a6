/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command_idle.c - idle: the working set of any process, by mapping, without the service
 *
 * The one command that does not talk to the service over D-Bus. The service knows VMs, and scans them at its own pace;
 * this looks at one process of the caller's choice, once, with the caller's rights, and works where no service runs. So
 * it is the one command that uses a lower floor: it observes the process as the service's source does, by
 * host/idle_observer.h. Neither disturbs the other.
 */
#include "command.h"
#include <math.h>
#include <unistd.h>
#include "process_pages.h"
#include "render_idle.h"

#define SECONDS_DEFAULT 10.0
#define SECONDS_LEAST	0.01
#define SECONDS_MOST	86400.0

/* A longer wait shows on a terminal how long it still is. */
#define PROGRESS_SECONDS 2.0

/* How often it is looked whether the process is still there. */
#define CHECK_USECONDS G_USEC_PER_SEC

/* How many mappings people see if they do not say. */
#define TOP_DEFAULT 20u

static gboolean parse_pid(const char *text, pid_t *pid)
{
	guint64 value;

	if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT, &value, NULL)) {
		g_printerr("vmheatctl: idle: \"%s\" is not a process number\n", text);
		return FALSE;
	}
	*pid = (pid_t)value;
	return TRUE;
}

static gboolean parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = g_ascii_strtod(text, &end);
	if (end != text && *end == '\0' && *seconds >= SECONDS_LEAST && *seconds <= SECONDS_MOST)
		return TRUE;
	g_printerr("vmheatctl: idle: \"%s\" is not a number of seconds from %g to %g\n", text, SECONDS_LEAST,
		   SECONDS_MOST);
	return FALSE;
}

/* How many mappings are shown: for programs all, unless said otherwise. */
static gboolean choose_top(const struct command_options *options, guint *top)
{
	*top = options->json ? G_MAXUINT : TOP_DEFAULT;
	if (options->top == TOP_UNSET)
		return TRUE;
	if (options->top < 0) {
		g_printerr("vmheatctl: idle: --top %d is not a number of mappings\n", options->top);
		return FALSE;
	}
	*top = options->top > 0 ? (guint)options->top : G_MAXUINT;
	return TRUE;
}

/* Let @seconds pass. FALSE and @error as soon as the process is found to have ended. */
static gboolean wait_seconds(const struct process_pages *pages, double seconds, GError **error)
{
	gint64 end = g_get_monotonic_time() + (gint64)ceil(seconds * G_USEC_PER_SEC), left;
	gboolean progress = seconds > PROGRESS_SECONDS && isatty(STDERR_FILENO);
	gboolean alive = TRUE;

	while (alive && (left = end - g_get_monotonic_time()) > 0) {
		if (progress)
			g_printerr("\r\033[Kwaiting: %.0f s left", ceil((double)left / G_USEC_PER_SEC));
		g_usleep((gulong)MIN(left, CHECK_USECONDS));
		alive = process_pages_check(pages, error);
	}
	if (progress)
		g_printerr("\r\033[K");
	return alive;
}

static struct process_report *observe(pid_t pid, double seconds, GError **error)
{
	struct process_pages *pages = process_pages_open("/proc", pid, error);
	struct process_report *report = NULL;

	if (pages == NULL)
		return NULL;
	if (process_pages_mark(pages, error) && wait_seconds(pages, seconds, error))
		report = process_pages_count(pages, error);
	process_pages_close(pages);
	return report;
}

enum exit_code command_idle(VmheatManager1 *service, const struct command_options *options, char **arguments)
{
	g_autoptr(GError) error = NULL;
	struct process_report *report;
	double seconds = SECONDS_DEFAULT;
	guint top = TOP_DEFAULT;
	pid_t pid;

	if (!parse_pid(arguments[0], &pid) ||
	    (arguments[1] != NULL && !parse_seconds(arguments[1], &seconds)) || !choose_top(options, &top))
		return EXIT_USAGE;
	report = observe(pid, seconds, &error);
	if (report == NULL)
		return client_fail(error);
	if (options->json) {
		client_print_json(render_idle_data(report, top));
	} else {
		g_autofree char *text = render_idle(report, top);

		g_print("%s", text);
	}
	process_report_free(report);
	return EXIT_OK;
}
