/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - the connection to vmheatd, and how its errors become exit codes
 */
#ifndef VMHEAT_CTL_CLIENT_H
#define VMHEAT_CTL_CLIENT_H

#include <gio/gio.h>
#include "manager1_dbus.h"

/** Exit codes of vmheatctl; --help lists them. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNKNOWN_VM = 3,
	EXIT_NO_SERVICE = 4,
};

/**
 * client_open() - the service's proxy; NULL and @error without a bus or a running vmheatd
 * @timeout_ms: of each call; -1: the bus's default
 */
VmheatManager1 *client_open(GBusType bus, int timeout_ms, GError **error);

/** client_fail() - say @error on stderr. Returns the exit code that fits. */
enum exit_code client_fail(GError *error);

/** client_print_json() - @value on stdout. Takes a floating reference. */
void client_print_json(GVariant *value);

#endif /* VMHEAT_CTL_CLIENT_H */
