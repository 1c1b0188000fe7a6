/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_config.c - the daemon's configuration: values, defaults, and what a person reads when it is wrong
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "config.h"

#define MIB G_GUINT64_CONSTANT(1048576)

static struct config *parse(const char *text)
{
	GError *error = NULL;
	struct config *config = config_parse("test.conf", text, strlen(text), &error);

	if (config == NULL)
		fail_msg("%s", error->message);
	return config;
}

/* @text is refused with exactly @message. */
static void assert_refused(const char *text, const char *message)
{
	GError *error = NULL;

	assert_null(config_parse("test.conf", text, strlen(text), &error));
	assert_non_null(error);
	assert_string_equal(error->message, message);
	g_error_free(error);
}

/* An empty file gives every key its default, and every default reads back as it is written in the table. */
static void test_defaults(void **state)
{
	struct config *config = parse("");

	assert_int_equal(config->defaults.mode, VM_MODE_DRY_RUN);
	assert_true(config->daemon.interval == 5.0);
	assert_int_equal(config->defaults.floor, 512u * MIB);
	assert_int_equal(config->daemon.far_node, SETTING_NODE_AUTO);
	for (gsize i = 0; i < vm_setting_count; i++) {
		char *text = setting_format(&vm_setting_table[i], &config->defaults);

		assert_string_equal(text, vm_setting_table[i].standard);
		g_free(text);
	}
	for (gsize i = 0; i < daemon_setting_count; i++) {
		char *text = setting_format(&daemon_setting_table[i], &config->daemon);

		assert_string_equal(text, daemon_setting_table[i].standard);
		g_free(text);
	}
	config_unref(config);
}

/* A VM's group changes what it names, wherever [defaults] stands; other VMs have the defaults. */
static void test_overrides(void **state)
{
	struct config *config = parse("[vm data base]\nmode = act\n"
				      "[defaults]\nfloor = 1.5GiB\nheadroom = 64 MiB\n"
				      "[vmheatd]\ninterval = 500ms\nnear-node = 1\nfar-node=0\n");
	const struct vm_settings *base = config_vm(config, "data base"), *other = config_vm(config, "other");

	assert_int_equal(base->mode, VM_MODE_ACT);
	assert_int_equal(base->floor, 1536ull * MIB);
	assert_int_equal(base->headroom, 64u * MIB);
	assert_int_equal(other->mode, VM_MODE_DRY_RUN);
	assert_int_equal(other->floor, 1536ull * MIB);
	assert_true(config->daemon.interval == 0.5);
	assert_int_equal(config->daemon.near_node, 1);
	assert_int_equal(config->daemon.far_node, 0);
	config_unref(config);
}

/* A wrong value: the message has file, line, group, key, value and what is allowed. */
static void test_wrong_values(void **state)
{
	static const char size[] = "a size from 16MiB to 64TiB with its unit (B, KiB, MiB, GiB, TiB)";
	static const char *const wrong_sizes[] = { "12",  "12parsecs", "-1MiB", "0x10MiB",
						   "MiB", "1e400MiB",  "15MiB", "65TiB",
						   "nan", "inf",       "12mib", "0" };

	for (gsize i = 0; i < G_N_ELEMENTS(wrong_sizes); i++) {
		char *text =
			g_strdup_printf("# comment\n[defaults]\nmode = act\nfloor = %s\n", wrong_sizes[i]);
		char *message = g_strdup_printf("test.conf:4: [defaults] floor = \"%s\": allowed is %s",
						wrong_sizes[i], size);

		assert_refused(text, message);
		g_free(text);
		g_free(message);
	}
	assert_refused("[vmheatd]\ninterval = 5\n",
		       "test.conf:2: [vmheatd] interval = \"5\": allowed is a time from "
		       "100ms to 1h with its unit (ms, s, min, h)");
	assert_refused("[vmheatd]\ninterval=2h\n",
		       "test.conf:2: [vmheatd] interval = \"2h\": allowed is a time from "
		       "100ms to 1h with its unit (ms, s, min, h)");
	assert_refused("[vm a]\nmode = on\n",
		       "test.conf:2: [vm a] mode = \"on\": allowed is observe, dry-run or act");
	assert_refused("[vm a]\nballoon = true\n",
		       "test.conf:2: [vm a] balloon = \"true\": allowed is yes or no");
	assert_refused("[vm a]\nsettle-windows = 0\n",
		       "test.conf:2: [vm a] settle-windows = \"0\": allowed is a whole number from 1 to 254");
	assert_refused(
		"[vm a]\nheadroom-percent = 1001%\n",
		"test.conf:2: [vm a] headroom-percent = \"1001%\": allowed is a whole number of percent "
		"from 0% to 1000%");
	assert_refused("[vmheatd]\nfar-node = -1\n",
		       "test.conf:2: [vmheatd] far-node = \"-1\": allowed is a NUMA "
		       "node's number up to 1023, or auto");
	assert_refused("[vmheatd]\nlibvirt-uri =\n",
		       "test.conf:2: [vmheatd] libvirt-uri = \"\": allowed is a text that is not empty");
}

/* An unknown key or group is an error that says which there are: a typing error must not pass in silence. */
static void test_unknown_names(void **state)
{
	assert_refused("[vmheatd]\n\nintervall = 2s\n",
		       "test.conf:3: [vmheatd] intervall: unknown key; known are libvirt-uri, interval, "
		       "working-set-age, fall-half-life, agent-timeout, near-node, far-node, "
		       "host-free, host-stall, idle-tax, state-directory, journal-size");
	assert_refused("[vms]\nmode = act\n",
		       "test.conf:1: [vms] unknown group; known are [vmheatd], [defaults] and "
		       "[vm NAME]");
	assert_refused("[vm ]\nmode = act\n", "test.conf:1: [vm ] the name of the VM is missing");
}

/* Settings that are fine alone and wrong together. The group is named: a default may be the other half. */
static void test_conflicts(void **state)
{
	assert_refused("[vmheatd]\nnear-node = 1\nfar-node = 1\n",
		       "test.conf:1: [vmheatd] near-node and far-node are both 1");
	assert_refused("[vm a]\nhot-age = 2min\n",
		       "test.conf:1: [vm a] hot-age (120s) must be below cold-age (120s)");
	assert_refused("[defaults]\nbackoff = 2h\n",
		       "test.conf:1: [defaults] backoff (7200s) must not exceed backoff-max (3600s)");
}

/* What is no INI file at all. */
static void test_no_ini(void **state)
{
	static const char broken[] = "# a\n\n[vmheatd]\ninterval = 2s\nfloor 2MiB\n[vm a]\n";
	GError *error = NULL;

	assert_null(config_parse("test.conf", "interval = 2s\n", 14, &error));
	assert_true(g_str_has_prefix(error->message, "test.conf:1: "));
	g_clear_error(&error);
	assert_null(config_parse("test.conf", broken, strlen(broken), &error));
	assert_true(g_str_has_prefix(error->message, "test.conf:5: "));
	g_clear_error(&error);
	assert_null(config_load("/nonexistent/vmheatd.conf", &error));
	assert_non_null(strstr(error->message, "/nonexistent/vmheatd.conf"));
	g_clear_error(&error);
}

/* SetVm's way in: a refused change leaves the settings as they were. */
static void test_set(void **state)
{
	struct config *config = config_new();
	struct vm_settings settings = config->defaults;
	GError *error = NULL;

	assert_true(vm_settings_set(&settings, "floor", "1GiB", &error));
	assert_int_equal(settings.floor, 1024u * MIB);
	assert_false(vm_settings_set(&settings, "floor", "1G", &error));
	assert_int_equal(settings.floor, 1024u * MIB);
	assert_true(g_error_matches(error, SETTING_ERROR, SETTING_ERROR_VALUE));
	g_clear_error(&error);
	assert_false(vm_settings_set(&settings, "interval", "1s", &error));
	assert_true(g_error_matches(error, SETTING_ERROR, SETTING_ERROR_UNKNOWN));
	g_clear_error(&error);
	assert_true(vm_settings_set(&settings, "cold-age", "5s", &error));
	assert_false(vm_settings_check(&settings, &error));
	assert_true(g_error_matches(error, SETTING_ERROR, SETTING_ERROR_CONFLICT));
	g_clear_error(&error);
	config_unref(config);
}

/* What a value looks like when shown: the largest unit that divides it. */
static void test_format(void **state)
{
	const struct setting *floor_key = setting_find(vm_setting_table, vm_setting_count, "floor");
	const struct setting *backoff = setting_find(vm_setting_table, vm_setting_count, "backoff");
	static const struct {
		const char *in, *out;
	} sizes[] = { { "1024MiB", "1GiB" }, { "1.5GiB", "1536MiB" }, { "16777217B", "16777217B" } },
	  times[] = { { "90s", "90s" }, { "120s", "2min" }, { "1500ms", "1500ms" }, { "24h", "24h" } };

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct vm_settings settings;
		char *text;

		assert_true(setting_parse(floor_key, sizes[i].in, &settings, NULL));
		text = setting_format(floor_key, &settings);
		assert_string_equal(text, sizes[i].out);
		g_free(text);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		struct vm_settings settings;
		char *text;

		assert_true(setting_parse(backoff, times[i].in, &settings, NULL));
		text = setting_format(backoff, &settings);
		assert_string_equal(text, times[i].out);
		g_free(text);
	}
}

/* The commented file sets every key of a table in its group to its default, each after a comment. */
static void assert_documents(const char *const *lines, const char *group, const struct setting *table,
			     gsize count)
{
	char *header = g_strdup_printf("[%s]", group);

	for (gsize i = 0; i < count; i++) {
		char *wanted = g_strdup_printf("%s = %s", table[i].key, table[i].standard);
		gboolean inside = FALSE, found = FALSE;

		for (gsize line = 0; lines[line] != NULL; line++) {
			if (lines[line][0] == '[')
				inside = strcmp(lines[line], header) == 0;
			found = found || (inside && strcmp(lines[line], wanted) == 0);
		}
		if (!found)
			fail_msg("scripts/vmheatd.conf: [%s] lacks the line \"%s\"", group, wanted);
		g_free(wanted);
	}
	g_free(header);
}

/* scripts/vmheatd.conf is right, and complete. */
static void test_default_file(void **state)
{
	struct config *config;
	GError *error = NULL;
	char *text, **lines;

	config = config_load("scripts/vmheatd.conf", &error);
	if (config == NULL)
		fail_msg("%s", error->message);
	config_unref(config);
	assert_true(g_file_get_contents("scripts/vmheatd.conf", &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	assert_documents((const char *const *)lines, "vmheatd", daemon_setting_table, daemon_setting_count);
	assert_documents((const char *const *)lines, "defaults", vm_setting_table, vm_setting_count);
	g_strfreev(lines);
	g_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_wrong_values), cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_conflicts),    cmocka_unit_test(test_no_ini),
		cmocka_unit_test(test_set),	     cmocka_unit_test(test_format),
		cmocka_unit_test(test_default_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
