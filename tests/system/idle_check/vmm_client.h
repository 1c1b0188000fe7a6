/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmm_client.h - the test VMM (tests/vmm) as a child process
 */
#ifndef VMM_CLIENT_H
#define VMM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "../../vmm/memory.h"

/** struct vmm_client - a VMM that runs, and the two ends of its conversation */
struct vmm_client {
	pid_t pid;
	FILE *to;
	FILE *from;
};

/** vmm_start() - start the VMM that lies beside this program. Exits the program if that fails. */
void vmm_start(struct vmm_client *vmm);

/** vmm_end() - let the VMM end, or kill it with SIGKILL, and wait for it */
void vmm_end(struct vmm_client *vmm, bool killed);

/**
 * vmm_command() - send one command line; wait for the answer
 * @format: without the newline
 *
 * Exits the program if the VMM says "error" or nothing at all: then the test cannot go on.
 * Return: the result after "ok", valid until the next command
 */
const char *vmm_command(struct vmm_client *vmm, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** vmm_slot_add() - add a slot that shows new memory. Return: its address in the VMM's process. */
uintptr_t vmm_slot_add(struct vmm_client *vmm, unsigned int slot, size_t pages, enum backing backing,
		       size_t skew);

/**
 * vmm_touch() - touch a set of pages
 * @verb: "touch", "loop" or "host", of the VMM's commands
 * @mode: 'r', 'w' or 'x'; "host" knows 'u' instead of 'x'
 * @set:  one byte a page
 *
 * Does nothing if the set is empty.
 */
void vmm_touch(struct vmm_client *vmm, const char *verb, char mode, unsigned int slot, const bool *set,
	       size_t pages);

/** vmm_loop_wait() - wait until the loop has touched all its pages since this was called */
void vmm_loop_wait(struct vmm_client *vmm);

#endif /* VMM_CLIENT_H */
