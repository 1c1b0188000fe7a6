/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_explain.h - why a VM is treated as it is: one sentence for each decision, with its numbers
 */
#ifndef VMHEAT_CTL_RENDER_EXPLAIN_H
#define VMHEAT_CTL_RENDER_EXPLAIN_H

#include <glib.h>

/**
 * render_explain() - sentences, from GetVm's a{sv} and GetHistory's aa{sv}
 *
 * What is not known is left out. Return: a NULL-terminated array; the caller frees it.
 */
char **render_explain(GVariant *vm, GVariant *acts);

#endif /* VMHEAT_CTL_RENDER_EXPLAIN_H */
