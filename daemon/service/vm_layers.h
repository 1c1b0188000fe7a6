/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_layers.h - a VM's settings, from everybody who may have said something
 *
 * What stands further up wins, key by key:
 *
 *	commands      SetVm, until the daemon ends
 *	metadata      what the VM's owner has put into its definition (domain_metadata.h)
 *	[vm NAME]     the daemon's configuration, for this VM
 *	[defaults]    and for all
 *
 * A layer is taken as a whole or not at all. Who has written something that cannot be understood wanted something else
 * than what is left: with metadata that is wrong a VM is not acted upon, whatever the other layers say.
 */
#ifndef VMHEAT_SERVICE_VM_LAYERS_H
#define VMHEAT_SERVICE_VM_LAYERS_H

#include "config.h"

/** Key to value, as text; NULL: nothing was said. */
struct vm_layers {
	GHashTable *metadata;
	const char
		*metadata_error; /* why there is metadata, but not to be understood; NULL: that is not so */
	GHashTable *commands;
};

/**
 * vm_layers_compose() - put them together
 * @settings: always set
 * @problem:  set to what is wrong with the metadata, NULL if nothing is. The caller frees it.
 *
 * Return: FALSE with an error of SETTING_ERROR if the commands cannot be taken; @settings is then without them.
 */
gboolean vm_layers_compose(const struct config *config, const char *name, const struct vm_layers *layers,
			   struct vm_settings *settings, char **problem, GError **error);

#endif /* VMHEAT_SERVICE_VM_LAYERS_H */
