/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * working_sets.h - the working set at any age, from what the service says of a VM
 */
#ifndef VMHEAT_CTL_WORKING_SETS_H
#define VMHEAT_CTL_WORKING_SETS_H

#include <glib.h>

/** One answer. */
struct working_set_at {
	double seconds;
	guint64 bytes;	/* mapped and not known to have been idle for so long */
	gboolean known; /* the windows so far last for so long; if not, bytes is only what it is at most */
};

/**
 * working_sets_at() - one age
 * @vm: GetVm's a{sv}
 *
 * Return: FALSE if the service has no ages of it yet.
 */
gboolean working_sets_at(GVariant *vm, double seconds, struct working_set_at *answer);

/** working_sets_data() - answers as aa{sv}, floating: "age", "bytes", "known". */
GVariant *working_sets_data(const struct working_set_at *answers, gsize count);

/** working_sets_render() - answers as a table. The caller frees it. */
char *working_sets_render(const struct working_set_at *answers, gsize count);

#endif /* VMHEAT_CTL_WORKING_SETS_H */
