/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_vm.h - the service's answers as text
 *
 * A key that is not there is not known, and is shown as "-" or not at all.
 */
#ifndef VMHEAT_CTL_RENDER_VM_H
#define VMHEAT_CTL_RENDER_VM_H

#include <glib.h>

/** render_vm_list() - ListVms' aa{sv} as a table, with the reasons of those that wait. The caller frees it.
 */
char *render_vm_list(GVariant *vms);

/** render_vm() - GetVm's a{sv}. The caller frees it. */
char *render_vm(GVariant *vm);

/** render_act() - ActVm's a{sv}. The caller frees it. */
char *render_act(GVariant *done);

#endif /* VMHEAT_CTL_RENDER_VM_H */
