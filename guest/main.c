/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - vmheat-guest, the agent inside a VM
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "agent.h"
#include "arguments.h"
#include "paths.h"
#include "port.h"
#include "vsock_listener.h"

#define NICE	   10 /* the guest's own work goes first */
#define EXIT_USAGE 2

/* Returns when the port is gone, as it is when its device is unplugged. */
static int serve_device(struct agent *agent, const char *path)
{
	struct port port;
	int error = port_open(&port, path);

	if (error)
		return error;
	error = agent_serve(agent, &port);
	port_close(&port);
	return error;
}

/* The host comes and goes. */
static int serve_vsock(struct agent *agent)
{
	int listener = vsock_listener_open();
	int fd;

	if (listener < 0)
		return listener;
	while ((fd = vsock_listener_accept(listener)) >= 0) {
		struct port port;

		if (port_attach(&port, fd, PORT_SOCKET))
			continue;
		(void)agent_serve(agent, &port);
		port_close(&port);
	}
	close(listener);
	return fd;
}

int main(int argc, char **argv)
{
	static struct agent agent;
	struct arguments arguments;
	const char *wrong = arguments_parse(&arguments, argc, argv);
	int error;

	if (wrong) {
		(void)fprintf(stderr, "vmheat-guest: wrong argument: %s\n%s", wrong, arguments_usage);
		return EXIT_USAGE;
	}
	if (arguments.show_help || arguments.show_version) {
		(void)fputs(arguments.show_help ? arguments_usage : "vmheat-guest " VMHEAT_VERSION "\n",
			    stdout);
		return EXIT_SUCCESS;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	/* In a guest that is shrunk the agent must not be what is swapped in: that would look like pressure. */
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	agent_open(&agent, &guest_paths_of_kernel, &arguments.limits);
	error = strcmp(arguments.port, ARGUMENTS_VSOCK) == 0 ? serve_vsock(&agent)
							     : serve_device(&agent, arguments.port);
	agent_close(&agent);
	(void)fprintf(stderr, "vmheat-guest: %s: %s\n", arguments.port, strerror(-error));
	return EXIT_FAILURE;
}
