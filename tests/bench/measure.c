// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * measure.c - what the benchmarks share: clocks, files of a process, loading the module
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "measure.h"

void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		errno ? strerror(errno) : "not as expected");
	exit(1);
}

int open_of_process(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

double clock_us(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		die("clock_gettime");
	return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

clockid_t process_clock(pid_t pid)
{
	clockid_t clock;

	errno = clock_getcpuclockid(pid, &clock);
	if (errno)
		die("clock_getcpuclockid");
	return clock;
}

double system_us(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		die("getrusage");
	return 1e6 * (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec;
}

void transferred(ssize_t done, size_t bytes, const char *what)
{
	if (done < 0 || (size_t)done != bytes) {
		errno = done < 0 ? errno : 0;
		die(what);
	}
}

void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die(path);
	close(fd);
}
