/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * id_set.h - sets of CPUs or NUMA nodes, as the kernel writes them: "0-3,8"
 */
#ifndef VMHEAT_HOST_ID_SET_H
#define VMHEAT_HOST_ID_SET_H

#include <glib.h>

/** One past the largest id: as many CPUs as a kernel can be built for (CONFIG_NR_CPUS), and more than nodes.
 */
#define ID_SET_END 8192u

struct id_set {
	guint64 words[ID_SET_END / 64];
};

/** id_set_parse() - read a list of ids and ranges; surrounding white space is allowed, an empty list too.
 * FALSE if @text is anything else or names an id out of range; *@set is undefined then. */
gboolean id_set_parse(const char *text, struct id_set *set);

/** id_set_has() - FALSE also for an id out of range. */
gboolean id_set_has(const struct id_set *set, int id);

#endif /* VMHEAT_HOST_ID_SET_H */
