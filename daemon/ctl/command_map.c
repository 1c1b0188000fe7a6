/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command_map.c - map: the picture of one VM's memory
 */
#include "command.h"
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "render_map.h"

#define ROWS_MAX      32u
#define WIDTH_DEFAULT 80u

static guint terminal_width(void)
{
	const char *columns = g_getenv("COLUMNS");
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (columns != NULL && g_ascii_strtoull(columns, NULL, 10) > 0)
		return (guint)MIN(g_ascii_strtoull(columns, NULL, 10), 10000);
	return WIDTH_DEFAULT;
}

/* Colours for people only: https://no-color.org, and not into files. */
static gboolean use_color(const struct command_options *options)
{
	const char *no_color = g_getenv("NO_COLOR");

	if (options->color || options->no_color)
		return !options->no_color;
	return (no_color == NULL || no_color[0] == '\0') && isatty(STDOUT_FILENO);
}

static void print_json(GVariant *runs, GVariant *windows, GVariant *placement)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert_value(&dict, "runs", runs);
	g_variant_dict_insert_value(&dict, "windows", windows);
	g_variant_dict_insert_value(&dict, "placement", placement);
	client_print_json(g_variant_dict_end(&dict));
}

static struct map_run *read_runs(GVariant *variant, gsize *count)
{
	struct map_run *runs;

	*count = g_variant_n_children(variant);
	runs = g_new(struct map_run, *count);
	for (gsize i = 0; i < *count; i++)
		g_variant_get_child(variant, i, "(ttty)", &runs[i].gfn, NULL, &runs[i].pages, &runs[i].age);
	return runs;
}

enum exit_code command_map(VmheatManager1 *service, const struct command_options *options, char **arguments)
{
	g_autoptr(GVariant) run_variant = NULL, window_variant = NULL, placement_variant = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree struct map_run *runs = NULL;
	g_autofree char *text = NULL;
	struct map_picture picture = { .width = terminal_width(),
				       .rows = ROWS_MAX,
				       .color = use_color(options) };

	if (!vmheat_manager1_call_get_map_sync(service, arguments[0], &run_variant, &window_variant,
					       &placement_variant, NULL, &error))
		return client_fail(error);
	if (options->json) {
		print_json(run_variant, window_variant, placement_variant);
		return EXIT_OK;
	}
	runs = read_runs(run_variant, &picture.run_count);
	picture.runs = runs;
	picture.windows = g_variant_get_fixed_array(window_variant, &picture.window_count, sizeof(double));
	if (picture.run_count == 0 || picture.window_count == 0) {
		g_printerr("vmheatctl: %s: there is no data yet\n", arguments[0]);
		return EXIT_FAILED;
	}
	text = render_map(&picture);
	g_print("%s", text);
	return EXIT_OK;
}
