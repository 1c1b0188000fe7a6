/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin_use.h - what libvmheat-plugin.so can be used for: one file a use, chosen by an argument of -plugin
 */
#ifndef QEMU_PLUGIN_PLUGIN_USE_H
#define QEMU_PLUGIN_PLUGIN_USE_H

#include "qemu_api.h"

struct plugin_use {
	const char *name; /* of the argument: "map" for -plugin libvmheat-plugin.so,map=FILE */

	/*
	 * Begin: from then on it has QEMU call what it registers. Return: 0, or -1 when it has said on stderr
	 * why not; QEMU does not start then.
	 */
	int (*start)(const char *value, const struct qemu_info_t *info);
};

extern const struct plugin_use plugin_use_map; /* pages read, written and executed, in a mapped file */
extern const struct plugin_use
	plugin_use_oracle; /* the pages that guests of an emulated VM host touch, see oracle.h */

/** plugin_complain() - say on stderr, after the plugin's name, what is wrong. */
__attribute__((format(printf, 1, 2))) void plugin_complain(const char *format, ...);

#endif /* QEMU_PLUGIN_PLUGIN_USE_H */
