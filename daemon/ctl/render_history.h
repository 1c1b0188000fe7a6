/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_history.h - the journal as text
 */
#ifndef VMHEAT_CTL_RENDER_HISTORY_H
#define VMHEAT_CTL_RENDER_HISTORY_H

#include <glib.h>

/** render_history() - GetHistory's aa{sv} as a table, oldest first. The caller frees it. */
char *render_history(GVariant *acts);

#endif /* VMHEAT_CTL_RENDER_HISTORY_H */
