/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - a process that makes random calls until it is killed, from several threads at once, interrupted by signals
 */
#ifndef FUZZ_WORKER_H
#define FUZZ_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include "world.h"

/** worker_run() - make the calls of a seed, as root or as an ordinary user; exit status 1 if one is not right */
void worker_run(struct world *world, uint64_t seed, bool root) __attribute__((noreturn));

#endif /* FUZZ_WORKER_H */
