/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.c - the tables of keys, and the INI file
 *
 * GKeyFile parses; what it does not say, the number of the line an error lies in, is looked up afterwards.
 */
#include "config.h"
#include <string.h>

#define KIB		1024.0
#define MIB		(1024.0 * KIB)
#define GIB		(1024.0 * MIB)
#define TIB		(1024.0 * GIB)

#define DAEMON_GROUP	"vmheatd"
#define DEFAULTS_GROUP	"defaults"
#define VM_GROUP_PREFIX "vm "

#define DAEMON_KEY(key, type, field, least, most, standard)                                                  \
	{                                                                                                    \
		key, type, G_STRUCT_OFFSET(struct daemon_settings, field), least, most, standard             \
	}

const struct setting daemon_setting_table[] = {
	DAEMON_KEY("libvirt-uri", SETTING_TEXT, libvirt_uri, 0, 0, "qemu:///system"),
	DAEMON_KEY("interval", SETTING_TIME, interval, 0.1, 3600, "5s"),
	DAEMON_KEY("working-set-age", SETTING_TIME, working_set_age, 0.1, 24 * 3600, "1min"),
	DAEMON_KEY("fall-half-life", SETTING_TIME, fall_half_life, 0.1, 24 * 3600, "1min"),
	DAEMON_KEY("agent-timeout", SETTING_TIME, agent_timeout, 0.01, 60, "2s"),
	DAEMON_KEY("near-node", SETTING_NODE, near_node, SETTING_NODE_AUTO, 1023, "auto"),
	DAEMON_KEY("far-node", SETTING_NODE, far_node, SETTING_NODE_AUTO, 1023, "auto"),
	DAEMON_KEY("host-free", SETTING_PERCENT, host_free, 0, 90, "5%"),
	DAEMON_KEY("host-stall", SETTING_PERCENT, host_stall, 0, 100, "10%"),
	DAEMON_KEY("idle-tax", SETTING_PERCENT, idle_tax, 0, 99, "75%"),
	DAEMON_KEY("state-directory", SETTING_TEXT, state_directory, 0, 0, "/var/lib/vmheat"),
	DAEMON_KEY("journal-size", SETTING_SIZE, journal_size, 64 * KIB, 1 * GIB, "4MiB"),
};
const gsize daemon_setting_count = G_N_ELEMENTS(daemon_setting_table);

#define VM_KEY(key, type, field, least, most, standard)                                                      \
	{                                                                                                    \
		key, type, G_STRUCT_OFFSET(struct vm_settings, field), least, most, standard                 \
	}

const struct setting vm_setting_table[] = {
	VM_KEY("mode", SETTING_MODE, mode, 0, 0, "dry-run"),
	VM_KEY("balloon", SETTING_BOOLEAN, balloon, 0, 0, "yes"),
	VM_KEY("virtio-mem", SETTING_BOOLEAN, virtio_mem, 0, 0, "yes"),
	VM_KEY("moves", SETTING_BOOLEAN, moves, 0, 0, "yes"),
	VM_KEY("floor", SETTING_SIZE, floor, 16 * MIB, 64 * TIB, "512MiB"),
	VM_KEY("headroom", SETTING_SIZE, headroom, 0, 64 * TIB, "128MiB"),
	VM_KEY("headroom-percent", SETTING_PERCENT, headroom_percent, 0, 1000, "20%"),
	VM_KEY("kept-percent", SETTING_PERCENT, kept_percent, 0, 100, "50%"),
	VM_KEY("shrink-step", SETTING_SIZE, shrink_step, 4 * KIB, 1 * TIB, "64MiB"),
	VM_KEY("dead-band", SETTING_SIZE, dead_band, 0, 1 * TIB, "32MiB"),
	VM_KEY("settle-windows", SETTING_COUNT, settle_windows, 1, 254, "12"),
	VM_KEY("backoff", SETTING_TIME, backoff, 1, 24 * 3600, "1min"),
	VM_KEY("backoff-max", SETTING_TIME, backoff_max, 1, 7 * 24 * 3600, "1h"),
	VM_KEY("pressure-swap-in", SETTING_SIZE, pressure_swap_in, 0, 1 * TIB, "1MiB"),
	VM_KEY("pressure-refault", SETTING_SIZE, pressure_refault, 0, 1 * TIB, "16MiB"),
	VM_KEY("pressure-stall", SETTING_PERCENT, pressure_stall, 0, 100, "10%"),
	VM_KEY("shares", SETTING_COUNT, shares, 1, 1000000, "1000"),
	VM_KEY("hot-age", SETTING_TIME, hot_age, 0, 24 * 3600, "10s"),
	VM_KEY("cold-age", SETTING_TIME, cold_age, 0.1, 24 * 3600, "2min"),
	VM_KEY("move-limit", SETTING_SIZE, move_limit, 4 * KIB, 1 * TIB, "64MiB"),
};
const gsize vm_setting_count = G_N_ELEMENTS(vm_setting_table);

struct config *config_new(void)
{
	struct config *config = g_new0(struct config, 1);

	g_atomic_ref_count_init(&config->references);
	config->vms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	setting_set_standards(daemon_setting_table, daemon_setting_count, &config->daemon);
	setting_set_standards(vm_setting_table, vm_setting_count, &config->defaults);
	return config;
}

struct config *config_ref(struct config *config)
{
	g_atomic_ref_count_inc(&config->references);
	return config;
}

void config_unref(struct config *config)
{
	if (config == NULL || !g_atomic_ref_count_dec(&config->references))
		return;
	g_hash_table_unref(config->vms);
	g_free(config->daemon.libvirt_uri);
	g_free(config->daemon.state_directory);
	g_free(config);
}

const struct vm_settings *config_vm(const struct config *config, const char *name)
{
	const struct vm_settings *settings = g_hash_table_lookup(config->vms, name);

	return settings != NULL ? settings : &config->defaults;
}

static gboolean table_set(const struct setting *table, gsize count, void *structure, const char *key,
			  const char *value, GError **error)
{
	const struct setting *setting = setting_find(table, count, key);

	if (setting == NULL) {
		g_autoptr(GString) known = g_string_new(NULL);

		for (gsize i = 0; i < count; i++)
			g_string_append_printf(known, "%s%s", i == 0 ? "" : ", ", table[i].key);
		g_set_error(error, SETTING_ERROR, SETTING_ERROR_UNKNOWN, "%s: unknown key; known are %s", key,
			    known->str);
		return FALSE;
	}
	return setting_parse(setting, value, structure, error);
}

gboolean vm_settings_set(struct vm_settings *settings, const char *key, const char *value, GError **error)
{
	return table_set(vm_setting_table, vm_setting_count, settings, key, value, error);
}

gboolean vm_settings_check(const struct vm_settings *settings, GError **error)
{
	if (settings->hot_age >= settings->cold_age) {
		g_set_error(error, SETTING_ERROR, SETTING_ERROR_CONFLICT,
			    "hot-age (%gs) must be below cold-age (%gs)", settings->hot_age,
			    settings->cold_age);
		return FALSE;
	}
	if (settings->backoff > settings->backoff_max) {
		g_set_error(error, SETTING_ERROR, SETTING_ERROR_CONFLICT,
			    "backoff (%gs) must not exceed backoff-max (%gs)", settings->backoff,
			    settings->backoff_max);
		return FALSE;
	}
	return TRUE;
}

static gboolean daemon_settings_check(const struct daemon_settings *settings, GError **error)
{
	if (settings->far_node != SETTING_NODE_AUTO && settings->far_node == settings->near_node) {
		g_set_error(error, SETTING_ERROR, SETTING_ERROR_CONFLICT,
			    "near-node and far-node are both %d", settings->far_node);
		return FALSE;
	}
	return TRUE;
}

/*
 * find_line() - the line (from 1) of @key in @group, or of the group itself where @key is NULL
 *
 * For messages alone: the values come from GKeyFile. The last match counts, as it does there. 0: not found.
 */
static guint find_line(const char *text, const char *group, const char *key)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *header = g_strdup_printf("[%s]", group);
	gboolean inside = FALSE;
	guint found = 0;

	for (guint i = 0; lines[i] != NULL; i++) {
		char *line = g_strstrip(lines[i]);

		if (line[0] == '[') {
			inside = strcmp(line, header) == 0;
			if (inside && key == NULL)
				found = i + 1;
		} else if (inside && key != NULL && g_str_has_prefix(line, key)) {
			const char *rest = line + strlen(key);

			rest += strspn(rest, " \t");
			if (*rest == '=')
				found = i + 1;
		}
	}
	return found;
}

/* Where an error lies: @text is the whole file @path. */
struct position {
	const char *path;
	const char *text;
	const char *group;
	const char *key; /* NULL: the group as a whole */
};

static void prefix_position(GError **error, const struct position *position)
{
	guint line = find_line(position->text, position->group, position->key);

	if (line == 0)
		g_prefix_error(error, "%s: [%s] ", position->path, position->group);
	else
		g_prefix_error(error, "%s:%u: [%s] ", position->path, line, position->group);
}

static gboolean read_group(GKeyFile *file, struct position *position, const struct setting *table,
			   gsize count, void *structure, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(file, position->group, NULL, NULL);

	for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
		g_autofree char *value = g_key_file_get_string(file, position->group, keys[i], error);

		position->key = keys[i];
		if (value == NULL || !table_set(table, count, structure, keys[i], g_strchomp(value), error)) {
			prefix_position(error, position);
			return FALSE;
		}
	}
	position->key = NULL;
	return TRUE;
}

static gboolean read_vm_settings(GKeyFile *file, struct position *position, struct vm_settings *settings,
				 GError **error)
{
	if (!read_group(file, position, vm_setting_table, vm_setting_count, settings, error))
		return FALSE;
	if (!vm_settings_check(settings, error)) {
		prefix_position(error, position);
		return FALSE;
	}
	return TRUE;
}

static gboolean read_vm_group(GKeyFile *file, struct position *position, struct config *config,
			      GError **error)
{
	const char *name = position->group + strlen(VM_GROUP_PREFIX);
	g_autofree struct vm_settings *settings = g_memdup2(&config->defaults, sizeof(*settings));

	if (name[0] == '\0') {
		g_set_error(error, SETTING_ERROR, SETTING_ERROR_UNKNOWN, "the name of the VM is missing");
		prefix_position(error, position);
		return FALSE;
	}
	if (!read_vm_settings(file, position, settings, error))
		return FALSE;
	g_hash_table_insert(config->vms, g_strdup(name), g_steal_pointer(&settings));
	return TRUE;
}

static gboolean read_file(GKeyFile *file, const char *path, const char *text, struct config *config,
			  GError **error)
{
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
	struct position position = { .path = path, .text = text, .group = DAEMON_GROUP };

	if (!read_group(file, &position, daemon_setting_table, daemon_setting_count, &config->daemon, error))
		return FALSE;
	if (!daemon_settings_check(&config->daemon, error)) {
		prefix_position(error, &position);
		return FALSE;
	}
	/* Before the VMs, which start from them wherever they stand in the file. */
	position.group = DEFAULTS_GROUP;
	if (!read_vm_settings(file, &position, &config->defaults, error))
		return FALSE;

	for (guint i = 0; groups[i] != NULL; i++) {
		position.group = groups[i];
		if (g_str_has_prefix(groups[i], VM_GROUP_PREFIX)) {
			if (!read_vm_group(file, &position, config, error))
				return FALSE;
		} else if (strcmp(groups[i], DAEMON_GROUP) != 0 && strcmp(groups[i], DEFAULTS_GROUP) != 0) {
			g_set_error(error, SETTING_ERROR, SETTING_ERROR_UNKNOWN,
				    "unknown group; known are [" DAEMON_GROUP "], [" DEFAULTS_GROUP
				    "] and [" VM_GROUP_PREFIX "NAME]");
			prefix_position(error, &position);
			return FALSE;
		}
	}
	return TRUE;
}

/* The line (from 1) that GKeyFile does not take: the first that it cannot be given with all before it. */
static guint find_broken_line(const char *text, gsize length)
{
	guint line = 0;

	for (gsize end = 0; end < length; end++) {
		g_autoptr(GKeyFile) file = g_key_file_new();

		while (end < length && text[end] != '\n')
			end++;
		line++;
		if (!g_key_file_load_from_data(file, text, MIN(end + 1, length), G_KEY_FILE_NONE, NULL))
			break;
	}
	return line;
}

struct config *config_parse(const char *path, const char *text, gsize length, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	struct config *config;

	if (!g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "%s:%u: ", path, find_broken_line(text, length));
		return NULL;
	}
	config = config_new();
	if (!read_file(file, path, text, config, error)) {
		config_unref(config);
		return NULL;
	}
	return config;
}

struct config *config_load(const char *path, GError **error)
{
	g_autofree char *text = NULL;
	gsize length;

	/* The error of GLib names the file. */
	if (!g_file_get_contents(path, &text, &length, error))
		return NULL;
	return config_parse(path, text, length, error);
}
