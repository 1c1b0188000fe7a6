/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * targets.h - the processes that random calls are about
 */
#ifndef FUZZ_TARGETS_H
#define FUZZ_TARGETS_H

#include "random.h"
#include "world.h"

/** The argument with which TARGET_EXECING starts this program again; main() then calls target_exec_again(). */
#define TARGET_EXEC_ARGUMENT "exec-again"

/** playground_new() - map the playground, and use some of it. Exits the program if that fails. */
void playground_new(void);

/** become_nobody() - become an ordinary user, whose processes other ordinary processes may look into */
void become_nobody(void);

/** targets_start() - start all of them, and publish them in the world */
void targets_start(struct world *world, struct random *random);

/** targets_stir() - to be called every few milliseconds: change the VMM's slots, replace a target that has died */
void targets_stir(struct world *world, struct random *random);

/** target_exec_again() - what TARGET_EXECING is after its execve(): the same for a while, then again */
void target_exec_again(void) __attribute__((noreturn));

#endif /* FUZZ_TARGETS_H */
