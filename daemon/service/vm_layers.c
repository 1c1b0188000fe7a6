/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_layers.c - a VM's settings layer by layer, see vm_layers.h
 */
#include "vm_layers.h"

/* All of @values on top of @settings, or nothing of it. */
static gboolean apply(GHashTable *values, struct vm_settings *settings, GError **error)
{
	struct vm_settings next = *settings;
	GHashTableIter iter;
	gpointer key, value;

	if (values == NULL)
		return TRUE;
	g_hash_table_iter_init(&iter, values);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (!vm_settings_set(&next, key, value, error))
			return FALSE;
	if (!vm_settings_check(&next, error))
		return FALSE;
	*settings = next;
	return TRUE;
}

gboolean vm_layers_compose(const struct config *config, const char *name, const struct vm_layers *layers,
			   struct vm_settings *settings, char **problem, GError **error)
{
	g_autoptr(GError) reason = NULL;
	const char *wrong = layers->metadata_error;
	gboolean good;

	*settings = *config_vm(config, name);
	if (wrong == NULL && !apply(layers->metadata, settings, &reason))
		wrong = reason->message;
	good = apply(layers->commands, settings, error);
	*problem = wrong == NULL ? NULL
				 : g_strdup_printf("its metadata is not used, and nothing is done to it: %s",
						   wrong);
	if (wrong != NULL && settings->mode == VM_MODE_ACT)
		settings->mode = VM_MODE_DRY_RUN;
	return good;
}
