/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arguments.h - what the agent is told on its command line
 */
#ifndef VMHEAT_GUEST_ARGUMENTS_H
#define VMHEAT_GUEST_ARGUMENTS_H

#include <stdbool.h>
#include "agent.h"

/** What PORT is called where it is no device. */
#define ARGUMENTS_VSOCK "vsock"

struct arguments {
	const char *port; /* path of a device, or ARGUMENTS_VSOCK; points into argv or is static */
	struct agent_limits limits;
	bool show_help, show_version; /* and do nothing else */
};

/** Text of --help. */
extern const char arguments_usage[];

/**
 * arguments_parse() - read the command line; what it does not say has its default
 *
 * Return: NULL, or the argument that is wrong.
 */
const char *arguments_parse(struct arguments *arguments, int argc, char **argv);

#endif /* VMHEAT_GUEST_ARGUMENTS_H */
