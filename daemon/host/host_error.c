/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_error.c - the error domain of the host floor, see host_error.h
 */
#include "host_error.h"
#include <libvirt/virterror.h>

G_DEFINE_QUARK(vmheat_host_error, host_error)

void host_error_set_libvirt(GError **error, const char *name, const char *what)
{
	int libvirt_code = virGetLastErrorCode();
	enum host_error code = HOST_ERROR_LIBVIRT;

	/* libvirt says OPERATION_INVALID ("domain is not running") for a domain that ended meanwhile. */
	if (libvirt_code == VIR_ERR_NO_DOMAIN || libvirt_code == VIR_ERR_OPERATION_INVALID)
		code = HOST_ERROR_GONE;
	g_set_error(error, HOST_ERROR, code, "%s: %s: %s", name, what, virGetLastErrorMessage());
}
