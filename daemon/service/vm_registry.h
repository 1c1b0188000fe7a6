/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_registry.h - the running domains and their trackers
 *
 * Theory of operation
 *
 * libvirt's word (libvirt_connection.h) makes and ends trackers; they are told apart by the domain's UUID. A
 * tracker that finds its VM gone before libvirt says so is ended just the same. When libvirtd restarts, the
 * VMs and their trackers live on and get new handles. Settings made by SetVm belong to a VM's name and
 * outlive its tracker. vm_layers.h says whose settings count.
 *
 * Everything happens in the main loop, and nothing blocks.
 */
#ifndef VMHEAT_SERVICE_VM_REGISTRY_H
#define VMHEAT_SERVICE_VM_REGISTRY_H

#include <glib.h>
#include "config.h"
#include "vm_tracker.h"

struct vm_registry;

/** Called in the main loop whenever libvirt comes or goes: @state is "connected" or why it is not. */
typedef void vm_registry_libvirt_func(const char *state, gpointer data);

/** vm_registry_new() - knows no VM yet. A reference of @config is taken; @journal must outlive the registry. */
struct vm_registry *vm_registry_new(struct config *config, struct act_journal *journal);

/** vm_registry_start() - connect to libvirt and track what runs. */
void vm_registry_start(struct vm_registry *registry, vm_registry_libvirt_func *libvirt, gpointer data);

/** vm_registry_stop() - end all tracking. @stopped is called when the last tracker is closed. */
void vm_registry_stop(struct vm_registry *registry, void (*stopped)(gpointer data), gpointer data);

/** vm_registry_free() - after stopped(). */
void vm_registry_free(struct vm_registry *registry);

/** vm_registry_find() - NULL if no VM of this name runs. */
struct vm_tracker *vm_registry_find(const struct vm_registry *registry, const char *name);

/** vm_registry_list() - all trackers by name. The caller frees the list, not the trackers. */
GList *vm_registry_list(const struct vm_registry *registry);

/**
 * vm_registry_set() - take commands about @tracker's VM, for now and for when it starts again
 * @commands: key to value, both texts
 *
 * Return: FALSE with an error of SETTING_ERROR, and none is taken.
 */
gboolean vm_registry_set(struct vm_registry *registry, struct vm_tracker *tracker, GHashTable *commands,
			 GError **error);

/** vm_registry_reload() - @config takes the place of what was read before; a reference is taken. */
void vm_registry_reload(struct vm_registry *registry, struct config *config);

/**
 * vm_registry_notify() - the libvirt hook's word about a VM
 *
 * It is told by a process of its own and may come late: it is a reason to look, nothing more.
 */
void vm_registry_notify(struct vm_registry *registry, const char *name, const char *operation);

#endif /* VMHEAT_SERVICE_VM_REGISTRY_H */
