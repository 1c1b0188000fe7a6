/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_layers.c - whose word counts, from the XML of a VM's owner to its settings
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "domain_metadata.h"
#include "vm_layers.h"

#define MIB    G_GUINT64_CONSTANT(1048576)
#define CONFIG "[defaults]\nfloor = 100MiB\nheadroom = 10MiB\n[vm a]\nfloor = 200MiB\nshrink-step = 20MiB\n"
#define XMLNS  " xmlns='" DOMAIN_METADATA_URI "'"

struct scene {
	struct config *config;
	struct vm_layers layers;
	struct vm_settings settings;
	char *problem;
};

static int open_scene(void **state)
{
	struct scene *scene = g_new0(struct scene, 1);

	scene->config = config_parse("test.conf", CONFIG, strlen(CONFIG), NULL);
	assert_non_null(scene->config);
	scene->layers.commands = g_hash_table_new(g_str_hash, g_str_equal);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	config_unref(scene->config);
	g_hash_table_unref(scene->layers.commands);
	if (scene->layers.metadata != NULL)
		g_hash_table_unref(scene->layers.metadata);
	g_free(scene->problem);
	g_free(scene);
	return 0;
}

static void set_metadata(struct scene *scene, const char *text)
{
	scene->layers.metadata = domain_metadata_parse(text, NULL);
	assert_non_null(scene->layers.metadata);
}

static void command(struct scene *scene, const char *key, const char *value)
{
	g_hash_table_insert(scene->layers.commands, (gpointer)key, (gpointer)value);
}

static void compose(struct scene *scene, const char *name)
{
	assert_true(vm_layers_compose(scene->config, name, &scene->layers, &scene->settings, &scene->problem,
				      NULL));
}

/* Each key comes from the highest layer that names it. */
static void test_precedence(void **state)
{
	struct scene *scene = *state;

	set_metadata(scene, "<settings" XMLNS " floor='300MiB' headroom='30MiB' mode='act'/>");
	command(scene, "floor", "400MiB");
	compose(scene, "a");
	assert_null(scene->problem);
	assert_int_equal(scene->settings.floor, 400 * MIB);	 /* the command's */
	assert_int_equal(scene->settings.headroom, 30 * MIB);	 /* the owner's */
	assert_int_equal(scene->settings.mode, VM_MODE_ACT);	 /* likewise */
	assert_int_equal(scene->settings.shrink_step, 20 * MIB); /* [vm a]'s */
	compose(scene, "b");
	assert_int_equal(scene->settings.shrink_step, 64 * MIB); /* the default */
}

static void test_nothing_said(void **state)
{
	struct scene *scene = *state;

	compose(scene, "a");
	assert_int_equal(scene->settings.floor, 200 * MIB);
	assert_int_equal(scene->settings.mode, VM_MODE_DRY_RUN);
	assert_null(scene->problem);
}

/* An owner who cannot be understood is not acted upon, even by a command; the rest of the layers holds. */
static void test_wrong_metadata(void **state)
{
	struct scene *scene = *state;

	set_metadata(scene, "<settings" XMLNS " headroom='30MiB' floor='lots'/>");
	command(scene, "mode", "act");
	compose(scene, "a");
	assert_int_equal(scene->settings.mode, VM_MODE_DRY_RUN);
	assert_int_equal(scene->settings.headroom, 10 * MIB);
	assert_true(g_str_has_prefix(scene->problem,
				     "its metadata is not used, and nothing is done to it: floor = "
				     "\"lots\": allowed is a size"));
	g_clear_pointer(&scene->problem, g_free);

	scene->layers.metadata_error = "no XML";
	compose(scene, "a");
	assert_int_equal(scene->settings.mode, VM_MODE_DRY_RUN);
	assert_string_equal(scene->problem, "its metadata is not used, and nothing is done to it: no XML");
}

/* Commands are taken all or none: one that is wrong, or does not fit to the rest, leaves the others out. */
static void test_wrong_command(void **state)
{
	struct scene *scene = *state;
	g_autoptr(GError) error = NULL;

	set_metadata(scene, "<settings" XMLNS " cold-age='30s'/>");
	command(scene, "floor", "400MiB");
	command(scene, "hot-age", "40s");
	assert_false(vm_layers_compose(scene->config, "a", &scene->layers, &scene->settings, &scene->problem,
				       &error));
	assert_true(g_error_matches(error, SETTING_ERROR, SETTING_ERROR_CONFLICT));
	assert_int_equal(scene->settings.floor, 200 * MIB);
	assert_true(scene->settings.cold_age == 30.0);
}

static void assert_no_metadata(const char *text, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(domain_metadata_parse(text, &error));
	assert_string_equal(error->message, message);
}

/* What an owner may have written instead. */
static void test_parser(void **state)
{
	g_autoptr(GHashTable) values = domain_metadata_parse(
		"<v:settings xmlns:v='" DOMAIN_METADATA_URI "' mode='a&lt;b'><x/></v:settings>", NULL);
	g_autofree char *spaces = g_strnfill(20000, ' ');
	g_autofree char *large = g_strconcat("<settings", spaces, "/>", NULL);

	assert_string_equal(g_hash_table_lookup(values, "mode"), "a<b");
	assert_no_metadata("", "its metadata is no XML");
	assert_no_metadata("<settings mode='act'", "its metadata is no XML");
	assert_no_metadata("<setting mode='act'/>", "its metadata is <setting>, not <settings>");
	assert_no_metadata(large, "its metadata is too long");
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_precedence),    IN_SCENE(test_nothing_said), IN_SCENE(test_wrong_metadata),
		IN_SCENE(test_wrong_command), IN_SCENE(test_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
