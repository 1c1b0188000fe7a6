/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_variant.h - what D-Bus shows of a VM
 *
 * The keys are listed in org.vmheat.Manager1.xml. What is not known is left out, never shown as zero.
 */
#ifndef VMHEAT_SERVICE_VM_VARIANT_H
#define VMHEAT_SERVICE_VM_VARIANT_H

#include <glib.h>
#include "vm_snapshot.h"

/**
 * vm_variant_summary() - an entry of ListVms: floating a{sv}
 * @settings: the VM's settings now, which the snapshot may not have seen yet
 */
GVariant *vm_variant_summary(const struct vm_snapshot *snapshot, const struct vm_settings *settings);

/**
 * vm_variant_full() - GetVm: floating a{sv}
 * @settings:     as above
 * @problem:      why its owner's settings are not used; NULL: they are
 * @monotonic_us: now, for the age of the data
 */
GVariant *vm_variant_full(const struct vm_snapshot *snapshot, const struct vm_settings *settings,
			  const char *problem, gint64 monotonic_us);

/** vm_variant_act() - ActVm: floating a{sv}. */
GVariant *vm_variant_act(const struct vm_act *act);

/** vm_variant_runs() - GetMap's runs: floating a(ttty), from an array of struct vm_run. */
GVariant *vm_variant_runs(const GArray *runs);

/** vm_variant_windows() - GetMap's windows: floating ad, from an array of double. */
GVariant *vm_variant_windows(const GArray *windows);

#endif /* VMHEAT_SERVICE_VM_VARIANT_H */
