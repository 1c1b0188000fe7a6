/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_error.h - why something about the host or one of its VMs could not be learnt or done
 *
 * The message names the VM (or file, or node) and the reason; the code says what the caller can do next.
 */
#ifndef VMHEAT_HOST_HOST_ERROR_H
#define VMHEAT_HOST_HOST_ERROR_H

#include <glib.h>

enum host_error {
	HOST_ERROR_GONE,    /* the VM has ended: forget it */
	HOST_ERROR_LIBVIRT, /* libvirt or QEMU refused, or does not answer: ask again later */
	HOST_ERROR_DATA,    /* libvirt, QEMU or /proc said something that makes no sense */
	HOST_ERROR_SYSTEM,  /* a system call failed */
	HOST_ERROR_NODES,   /* no such NUMA nodes, or the VM may not use them */
};
#define HOST_ERROR (host_error_quark())
GQuark host_error_quark(void);

/**
 * host_error_set_libvirt() - make @error from libvirt's last error in this thread
 * @name: the VM's name, or the connection's URI
 * @what: what was tried: "cannot read its definition"
 *
 * The code is HOST_ERROR_GONE if libvirt says that the domain does not run, else HOST_ERROR_LIBVIRT.
 */
void host_error_set_libvirt(GError **error, const char *name, const char *what);

#endif /* VMHEAT_HOST_HOST_ERROR_H */
