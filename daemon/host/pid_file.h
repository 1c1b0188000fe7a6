/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pid_file.h - the files in which libvirt's QEMU driver keeps the process numbers of its domains
 *
 * Those of the system's driver (libvirtd or virtqemud): /run/libvirt/qemu/NAME.pid. Libvirt builds the path
 * with a function made for XML (virPidFileBuildPath()), so a domain named a&b has the file a&amp;b.pid.
 */
#ifndef VMHEAT_HOST_PID_FILE_H
#define VMHEAT_HOST_PID_FILE_H

#include <glib.h>
#include <sys/types.h>

/** pid_file_path() - the file of the domain @name; NULL if libvirt allows no such name. The caller frees it.
 */
char *pid_file_path(const char *name);

/** pid_file_parse() - the process number that the file's contents are; FALSE if they are anything else. */
gboolean pid_file_parse(const char *text, pid_t *pid);

#endif /* VMHEAT_HOST_PID_FILE_H */
