/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle_client.h - the oracle (qemu-plugin/oracle.h) as a program in the emulated VM host uses it
 *
 * Each function ends the program with a message if it fails: without an oracle there is nothing to compare
 * with.
 */
#ifndef ORACLE_CLIENT_H
#define ORACLE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../../qemu-plugin/oracle.h"

/** In what oracle_page() tells of a page: who touched it. */
#define ORACLE_BY_GUEST (1U << ORACLE_GUEST)
#define ORACLE_BY_HOST	(1U << ORACLE_HOST)

/**
 * struct oracle - an oracle that is asked
 * @file: the shared file
 * @map:  what stood at its beginning after the last interval
 * @words: all bitmaps, likewise
 */
struct oracle {
	int file;
	struct oracle_map map;
	uint64_t *words;
};

/** oracle_open() - the file is the one that the environment's ORACLE_MAP names */
void oracle_open(struct oracle *oracle);
void oracle_close(struct oracle *oracle);

/** oracle_begin() - from here on accesses are recorded; what was recorded before is forgotten */
static inline void oracle_begin(void)
{
	__asm__ volatile(ORACLE_BEGIN_ASM ::: "memory");
}

/** oracle_end() - until this call; reads what was recorded */
void oracle_end(struct oracle *oracle);

/** oracle_open_pagemap() - /proc/PID/pagemap, for oracle_frames(). Return: a file descriptor. */
int oracle_open_pagemap(pid_t pid);

/** oracle_page() - what was recorded of a host-physical page: ORACLE_BY_GUEST, ORACLE_BY_HOST */
unsigned int oracle_page(const struct oracle *oracle, uint64_t frame);

/**
 * oracle_frames() - where pages of a process lie in host-physical memory
 * @pagemap: /proc/PID/pagemap, open
 * @first:   virtual page number
 * @frame:   filled in, one a page; ORACLE_NO_FRAME if the page is not mapped
 *
 * Ends the program if a page lies where the oracle does not look.
 */
void oracle_frames(const struct oracle *oracle, int pagemap, uint64_t first, size_t pages, uint64_t *frame);

#define ORACLE_NO_FRAME UINT64_MAX

#endif /* ORACLE_CLIENT_H */
