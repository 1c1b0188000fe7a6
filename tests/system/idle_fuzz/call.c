// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call.c - what all random calls have in common
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "call.h"

#define BLOCK_SIZE  (2UL << 20)
#define ADDRESS_END (1UL << 47)

void errors_permit(struct errors *errors, bool condition, int error)
{
	if (condition)
		errors->set[error / 64] |= 1ULL << error % 64;
}

void caller_fail(const struct caller *caller, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* At once and in one piece, for others may fail at the same time. */
	dprintf(STDOUT_FILENO, "worker %s, call %llu, about %s: %s\n", caller->name,
		(unsigned long long)caller->calls, target_name(caller->file.target), text);
	_exit(1);
}

void caller_judge(const struct caller *caller, enum operation operation, int error,
		  const struct errors *permitted)
{
	if (error >= ERRORS_MAX)
		caller_fail(caller, "%s: error %d", operation_name(operation), error);
	caller->world->results[operation][error]++;
	if (error && !(permitted->set[error / 64] >> error % 64 & 1))
		caller_fail(caller, "%s: %s", operation_name(operation), strerror(error));
}

void caller_intact(const struct caller *caller)
{
	size_t where;

	if (!arena_intact(&caller->arena, &where))
		caller_fail(caller, "byte %zu of the arena at %p was written", where,
			    (void *)caller->arena.base);
}

bool target_is_lasting(enum target target)
{
	return target == TARGET_SELF || target == TARGET_BUSY || target == TARGET_VMM;
}

uint64_t random_address(struct caller *caller)
{
	struct random *random = &caller->random;

	switch (random_below(random, 16)) {
	case 0:
		return 0;
	case 1:
		return ADDRESS_END - random_below(random, 4) * BLOCK_SIZE;
	case 2:
		return ADDRESS_END + random_below(random, ADDRESS_END);
	case 3:
		return random_below(random, ADDRESS_END);
	case 4:
		return (uintptr_t)caller->arena.base;
	case 5:
		return random_bits(random);
	default:
		if (caller->file.target == TARGET_VMM)
			return caller->world->vmm_slot + random_below(random, 8 * BLOCK_SIZE);
		return PLAYGROUND + random_below(random, PLAYGROUND_SIZE);
	}
}
