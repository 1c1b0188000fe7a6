/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_snapshot.c - life of a snapshot
 */
#include "vm_snapshot.h"

static const char *const state_names[] = {
	[VM_STATE_STARTING] = "starting", [VM_STATE_WAITING] = "waiting", [VM_STATE_MARKED] = "first-window",
	[VM_STATE_TRACKING] = "tracking", [VM_STATE_ENDED] = "ended",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == VM_STATES);

const char *vm_state_name(enum vm_state state)
{
	return (unsigned int)state < VM_STATES ? state_names[state] : "?";
}

struct vm_snapshot *vm_snapshot_new(const char *name, const char *uuid)
{
	struct vm_snapshot *snapshot = g_atomic_rc_box_new0(struct vm_snapshot);

	snapshot->name = g_strdup(name);
	snapshot->uuid = g_strdup(uuid);
	return snapshot;
}

struct vm_snapshot *vm_snapshot_ref(struct vm_snapshot *snapshot)
{
	return g_atomic_rc_box_acquire(snapshot);
}

static void vm_snapshot_clear(gpointer data)
{
	struct vm_snapshot *snapshot = data;

	g_free(snapshot->name);
	g_free(snapshot->uuid);
	g_free(snapshot->state_reason);
	g_free(snapshot->metadata);
	g_free(snapshot->quality);
	g_clear_pointer(&snapshot->agent.cgroups, g_array_unref);
	g_free(snapshot->resize_sentence);
	g_free(snapshot->placement_sentence);
	g_free(snapshot->last_act.failure);
}

void vm_snapshot_unref(struct vm_snapshot *snapshot)
{
	if (snapshot != NULL)
		g_atomic_rc_box_release_full(snapshot, vm_snapshot_clear);
}
