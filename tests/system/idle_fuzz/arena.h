/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena.h - memory for the buffers of random calls, that tells what a call has written into it
 *
 * One call after the other: arena_fill(), then what the call is to find is put in, then arena_seal(), the call, then
 * arena_accept() for whatever it may have written. arena_intact() is whether it has written nothing else.
 */
#ifndef FUZZ_ARENA_H
#define FUZZ_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "random.h"

#define ARENA_PAGE 4096UL
#define ARENA_SIZE (16 * ARENA_PAGE)

/**
 * struct arena - the memory
 * @base:      ARENA_SIZE bytes; nothing is mapped in the page before them and in the page after
 * @expected:  what they must hold after the call
 * @read_only: a page that cannot be written
 */
struct arena {
	uint8_t *base;
	uint8_t *expected;
	uint8_t *read_only;
};

/** arena_new() - make one. Exits the program if there is no memory. */
void arena_new(struct arena *arena);

void arena_fill(struct arena *arena, struct random *random);
void arena_seal(struct arena *arena);

/**
 * arena_choose() - an address for a buffer of @size bytes: mostly one where it fits, else one that is not aligned, that
 * makes it cross the arena's end, that is not mapped, read-only, NULL, the kernel's, or no address at all
 */
uintptr_t arena_choose(const struct arena *arena, struct random *random, size_t size);

/** arena_holds() - whether a buffer lies inside of it, so that every byte can be written */
bool arena_holds(const struct arena *arena, uintptr_t address, size_t size);

/** arena_readable() - whether every byte can be read */
bool arena_readable(const struct arena *arena, uintptr_t address, size_t size);

/** arena_put() - copy into the arena; what does not fall into it is left out */
void arena_put(struct arena *arena, uintptr_t address, const void *data, size_t size);

/** arena_accept() - a buffer may have been written; what of it lies outside of the arena does not matter */
void arena_accept(struct arena *arena, uintptr_t address, uint64_t size);

/** arena_intact() - whether nothing but what was accepted has changed; else @where is the first byte that has */
bool arena_intact(const struct arena *arena, size_t *where);

#endif /* FUZZ_ARENA_H */
