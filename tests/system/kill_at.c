/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill_at.c - a library to preload into vmheatd: it dies, as by kill -9, at a chosen moment of the journal
 *
 * KILL_AT=before:N or after:N in the environment: before the N-th record is written, or when it has been synced. Records
 * are told from whatever else is written by their first key.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char mark[] = "{\"act\":";

static atomic_uint written;

static void die_at(const char *moment, unsigned int number)
{
	const char *wanted = getenv("KILL_AT");
	char here[32];

	snprintf(here, sizeof(here), "%s:%u", moment, number);
	if (wanted != NULL && strcmp(wanted, here) == 0)
		raise(SIGKILL);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
	ssize_t (*next)(int, const void *, size_t, off_t) =
		(ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");

	if (length > 64 && memmem(data, 32, mark, sizeof(mark) - 1) != NULL)
		die_at("before", ++written);
	return next(file, data, length, offset);
}

/* Nothing else in vmheatd syncs data. */
int fdatasync(int file)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	int result = next(file);

	die_at("after", written);
	return result;
}
