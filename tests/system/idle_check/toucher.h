/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toucher.h - an ordinary process that touches the pages it is told to
 */
#ifndef TOUCHER_H
#define TOUCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct toucher - a child process with some memory of its own
 * @pid:     the child
 * @address: of its memory, aligned to 2 MiB; never touched so far
 * @pages:   its size
 * @socket:  orders to the child, and its answers
 */
struct toucher {
	pid_t pid;
	uintptr_t address;
	size_t pages;
	int socket;
};

/**
 * toucher_start() - start one with small pages, or with huge ones where the host gives them. Exits the
 * program if it fails.
 */
void toucher_start(struct toucher *toucher, size_t pages, bool huge);

/** toucher_end() - kill it and wait for it */
void toucher_end(struct toucher *toucher);

/**
 * toucher_touch() - touch pages: 'r' reads, 'w' writes a "return" instruction, 'x' calls it, 'u' unmaps. One
 * byte a page.
 */
void toucher_touch(struct toucher *toucher, char mode, const bool *set);

#endif /* TOUCHER_H */
