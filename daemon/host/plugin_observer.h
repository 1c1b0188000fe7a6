/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin_observer.h - an observer of a guest without KVM: a place in the file of libvmheat-plugin.so
 *
 * The one place that knows the file (vmheat/plugin_map.h) from this side. Neither the file nor who wrote it is
 * trusted.
 */
#ifndef VMHEAT_HOST_PLUGIN_OBSERVER_H
#define VMHEAT_HOST_PLUGIN_OBSERVER_H

#include <glib.h>
#include "idle_observer.h"
#include "vmheat/plugin_map.h"

struct plugin_observer;

/**
 * plugin_observer_new() - take a place in the file at @path, and ask to be recorded for
 *
 * Errors are those of an idle_observer: unavailable if there is no such file, it is none of a plugin's, or all
 * places are taken; gone if QEMU has ended.
 */
struct plugin_observer *plugin_observer_new(const char *path, GError **error);

/** plugin_observer_free() - give the place back. NULL is fine. */
void plugin_observer_free(struct plugin_observer *observer);

/**
 * plugin_observer_is_armed() - whether everything that the guest accesses shows by now
 *
 * Return: FALSE and no error as long as the guest's processors do nothing that tells the plugin; FALSE and
 * @error if it cannot be, because there is no room for the bitmap, say.
 */
gboolean plugin_observer_is_armed(struct plugin_observer *observer, GError **error);

/**
 * plugin_observer_collect() - take which of the pages from @gfn on have been accessed since the last time
 * @pages:    how many
 * @accessed: a bit a page, in as many words as that takes; what is behind the last page is zero
 *
 * Everything else keeps its bits. A range with pages that have no bit is an error, and so is a QEMU that has
 * ended.
 */
gboolean plugin_observer_collect(struct plugin_observer *observer, guint64 gfn, guint64 pages,
				 guint64 *accessed, GError **error);

/** plugin_observer_lost() - how many accesses the plugin has lost so far (struct vmheat_plugin_map). */
guint64 plugin_observer_lost(const struct plugin_observer *observer);

/**
 * plugin_observer_memory() - the machine's memory, as the file at @path tells it; it takes no place
 * @pid: the process whose file it must be
 *
 * Return: struct vmheat_idle_memslot, all of one VM and one address space, in no order; the caller unrefs it.
 */
GArray *plugin_observer_memory(const char *path, pid_t pid, GError **error);

#endif /* VMHEAT_HOST_PLUGIN_OBSERVER_H */
