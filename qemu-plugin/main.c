// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - libvmheat-plugin.so, a plugin for QEMU's TCG: its arguments
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "plugin_use.h"
#include "qemu_api.h"

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
				      char **argv);

static const struct plugin_use *const uses[] = {
	&plugin_use_map,
	&plugin_use_oracle,
};

void plugin_complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("libvmheat-plugin: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

/* The use that an argument NAME=VALUE chooses, and the value; NULL if there is none. */
static const struct plugin_use *find_use(const char *argument, const char **value)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		size_t length = strlen(uses[i]->name);

		if (strncmp(argument, uses[i]->name, length) == 0 && argument[length] == '=') {
			*value = argument + length + 1;
			return uses[i];
		}
	}
	return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	const struct plugin_use *use;
	const char *value;

	plugin_init(id, info);
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0) {
		plugin_complain("is for whole machines with x86-64 processors, not for %s",
				info->target_name);
		return -1;
	}
	use = argc == 1 ? find_use(argv[0], &value) : NULL;
	if (use == NULL || value[0] == '\0') {
		plugin_complain("takes one argument: map=FILE or oracle=FILE");
		return -1;
	}
	return use->start(value, info);
}
