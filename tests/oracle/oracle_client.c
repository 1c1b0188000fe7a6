// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * oracle_client.c - the oracle (qemu-plugin/oracle.h) as a program in the emulated VM host uses it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "oracle_client.h"

/* Of an entry of /proc/PID/pagemap; Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)

__attribute__((noreturn)) static void die(const char *what)
{
	printf("oracle: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
	exit(1);
}

static void read_at(int file, void *buffer, size_t size, uint64_t offset, const char *what)
{
	size_t done;
	ssize_t part;

	errno = 0;
	for (done = 0; done < size; done += (size_t)part) {
		part = pread(file, (char *)buffer + done, size - done, (off_t)(offset + done));
		if (part <= 0)
			die(what);
	}
}

static size_t words_size(const struct oracle *oracle)
{
	return ORACLE_SETS * oracle_map_words(oracle->map.pages) * sizeof(*oracle->words);
}

void oracle_open(struct oracle *oracle)
{
	const char *path = getenv("ORACLE_MAP");

	errno = 0;
	oracle->file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (oracle->file < 0)
		die("the file that ORACLE_MAP names");
	read_at(oracle->file, &oracle->map, sizeof(oracle->map), 0, path);
	if (oracle->map.magic != ORACLE_MAGIC)
		die(path);
	oracle->words = malloc(words_size(oracle));
	if (!oracle->words)
		die("no memory");
}

void oracle_close(struct oracle *oracle)
{
	close(oracle->file);
	free(oracle->words);
}

int oracle_open_pagemap(pid_t pid)
{
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		die(path);
	return file;
}

void oracle_end(struct oracle *oracle)
{
	uint64_t before = oracle->map.intervals;

	__asm__ volatile(ORACLE_END_ASM ::: "memory");
	read_at(oracle->file, &oracle->map, sizeof(oracle->map), 0, "what was recorded");
	if (oracle->map.intervals != before + 1 || oracle->map.recording)
		die("an interval that the oracle has not seen");
	read_at(oracle->file, oracle->words, words_size(oracle), sizeof(oracle->map), "what was recorded");
}

unsigned int oracle_page(const struct oracle *oracle, uint64_t frame)
{
	const uint64_t *word = oracle->words + frame / 64;
	unsigned int set, touched = 0;

	if (frame >= oracle->map.pages)
		return 0;
	for (set = 0; set < ORACLE_SETS; set++, word += oracle_map_words(oracle->map.pages))
		touched |= (unsigned int)(*word >> frame % 64 & 1) << set;
	return touched;
}

void oracle_frames(const struct oracle *oracle, int pagemap, uint64_t first, size_t pages, uint64_t *frame)
{
	size_t i;

	read_at(pagemap, frame, pages * sizeof(*frame), first * sizeof(*frame), "pagemap");
	for (i = 0; i < pages; i++) {
		frame[i] = frame[i] & PAGEMAP_PRESENT ? frame[i] & PAGEMAP_FRAME : ORACLE_NO_FRAME;
		if (frame[i] != ORACLE_NO_FRAME && frame[i] >= oracle->map.pages)
			die("a page of the guest lies where the oracle does not look");
	}
}
