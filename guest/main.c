/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - vmheat-guest, the agent inside a VM: its command line
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "agent.h"
#include "paths.h"
#include "port.h"
#include "vmheat/guest_protocol.h"

#define DEFAULT_PORT "/dev/virtio-ports/" VMHEAT_GUEST_PORT_NAME
#define NICE	     10 /* the guest's own work goes first */
#define EXIT_USAGE   2

static const char usage[] =
	"Usage: vmheat-guest [PORT]\n"
	"Tell the VM host which pages of this guest are free, idle or accessed, when it asks.\n"
	"\n"
	"  PORT       device of the virtio-serial port (default " DEFAULT_PORT ")\n"
	"  --help     show this help\n"
	"  --version  show the version\n";

static int run(const char *path)
{
	static struct agent agent;
	struct port port;
	int error = port_open(&port, path);

	if (error) {
		(void)fprintf(stderr, "vmheat-guest: cannot open %s: %s\n", path, strerror(-error));
		return EXIT_FAILURE;
	}
	error = agent_open(&agent, &port, &guest_paths_of_kernel);
	if (!error) {
		error = agent_serve(&agent);
		agent_close(&agent);
	}
	port_close(&port);
	(void)fprintf(stderr, "vmheat-guest: %s: %s\n", path, strerror(-error));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		(void)puts("vmheat-guest " VMHEAT_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		(void)fprintf(stderr, "vmheat-guest: unknown argument: %s\n%s", argv[argc - 1], usage);
		return EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	/* In a guest that is shrunk the agent must not be what is swapped in: that would look like pressure. */
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	return run(argc == 2 ? argv[1] : DEFAULT_PORT);
}
