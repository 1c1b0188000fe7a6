/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_idle.h - the working set of one process, as text and as data for JSON
 *
 * Both show the mappings with the most referenced memory first, and totals of all.
 */
#ifndef VMHEAT_CTL_RENDER_IDLE_H
#define VMHEAT_CTL_RENDER_IDLE_H

#include "process_pages.h"

/**
 * render_idle() - a table of the mappings with any page, at most @top of them; the others make one row
 *
 * Names are shown as UTF-8 with '?' for whatever a terminal might take for a command. The caller frees it.
 */
char *render_idle(const struct process_report *report, guint top);

/** render_idle_data() - all mappings, at most @top of them, as a floating a{sv}: bytes and seconds. */
GVariant *render_idle_data(const struct process_report *report, guint top);

#endif /* VMHEAT_CTL_RENDER_IDLE_H */
