// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup_child.c - a child process in a cgroup
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "cgroup_child.h"

void die(const char *what)
{
	fprintf(stderr, "reclaim_check: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
	exit(1);
}

pid_t cgroup_fork(const char *cgroup)
{
	char path[4096];
	pid_t pid;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
	return 0;
}
