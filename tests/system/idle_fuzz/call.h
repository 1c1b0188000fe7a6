/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * call.h - random calls, and what the documentation lets each of them answer
 *
 * A call_*() function chooses everything from the caller's sequence, makes the call, and compares the outcome with
 * docs/idle_bitmap.md: is this success or this error one that these arguments may have, is every result in its bounds,
 * and was nothing written that should not be. If not, it says so and ends the process with exit status 1.
 */
#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include "arena.h"
#include "random.h"
#include "world.h"

/** struct file - an idle_bitmap that is open */
struct file {
	int fd;
	enum target target;
	bool reads;
	bool writes;
};

/**
 * struct caller - who makes calls: a thread, with its own sequence
 * @name:  of its worker, to repeat it
 * @calls: so far
 * @world: where results are counted
 * @random: its sequence
 * @arena: its buffers
 * @root:  whether it may observe all targets
 * @file:  the one for the next call
 */
struct caller {
	const char *name;
	uint64_t calls;
	struct world *world;
	struct random random;
	struct arena arena;
	bool root;
	struct file file;
};

/** struct errors - a set of errnos */
struct errors {
	uint64_t set[ERRORS_MAX / 64];
};

/** errors_permit() - an error is one that the call may return, if a condition holds */
void errors_permit(struct errors *errors, bool condition, int error);

/** caller_fail() - say what is wrong about the call that was just made, and end the process */
void caller_fail(const struct caller *caller, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/** caller_judge() - count an outcome, 0 or an errno; an error that is not permitted is a failure */
void caller_judge(const struct caller *caller, enum operation operation, int error,
		  const struct errors *permitted);

/** caller_intact() - fail if the call has written what was not accepted */
void caller_intact(const struct caller *caller);

/** target_is_lasting() - whether a target stays, and has memory */
bool target_is_lasting(enum target target);

/**
 * random_address() - an address of the target's: mostly where it has memory, else at the ends of the address space,
 * beyond, or anywhere
 */
uint64_t random_address(struct caller *caller);

/** call_open() - open a target's idle_bitmap. Return: false if it cannot be opened, as may be. */
bool call_open(struct caller *caller, enum target target, struct file *file);
void call_read(struct caller *caller);
void call_write(struct caller *caller);
void call_seek(struct caller *caller);
void call_map(struct caller *caller);
void call_scan(struct caller *caller);
void call_memslots(struct caller *caller);
void call_other_ioctl(struct caller *caller);

#endif /* FUZZ_CALL_H */
