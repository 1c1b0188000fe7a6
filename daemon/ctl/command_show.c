/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command_show.c - list and show: what is known of all VMs in short, of one VM in full
 */
#include "command.h"
#include <string.h>
#include "render_vm.h"

enum exit_code command_list(VmheatManager1 *service, const struct command_options *options, char **arguments)
{
	g_autoptr(GVariant) vms = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	const char *libvirt = vmheat_manager1_get_libvirt(service);

	if (!vmheat_manager1_call_list_vms_sync(service, &vms, NULL, &error))
		return client_fail(error);
	/* An empty list means little without a connection. */
	if (g_strcmp0(libvirt, "connected") != 0)
		g_printerr("vmheatctl: vmheatd has no connection to libvirt: %s\n",
			   libvirt != NULL ? libvirt : "unknown");
	if (options->json) {
		client_print_json(vms);
		return EXIT_OK;
	}
	text = render_vm_list(vms);
	g_print("%s", text);
	return EXIT_OK;
}

enum exit_code command_show(VmheatManager1 *service, const struct command_options *options, char **arguments)
{
	g_autoptr(GVariant) vm = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	if (!vmheat_manager1_call_get_vm_sync(service, arguments[0], &vm, NULL, &error))
		return client_fail(error);
	if (options->json) {
		client_print_json(vm);
		return EXIT_OK;
	}
	text = render_vm(vm);
	g_print("%s", text);
	return EXIT_OK;
}
