// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arena.c - memory for the buffers of random calls, that tells what a call has written into it
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "arena.h"

/* Addresses where no process may have a buffer. */
static const uintptr_t forbidden[] = {
	0,
	8,
	0x00007ffffffff000, /* the last page of the user's half, never mapped */
	0x00007ffffffffff8,
	0x0000800000000000, /* not canonical */
	0x7ffffffffffffff8,
	0x8000000000000000,
	0xffff888000000000, /* the kernel's map of all memory */
	0xffff888000100008,
	0xffffc90000000000, /* vmalloc */
	0xffffffff81000000, /* its text */
	0xffffffffff600000, /* the vsyscall page */
	0xfffffffffffffff8,
};

static void *map(size_t size, int protection)
{
	void *pages = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return pages;
}

void arena_new(struct arena *arena)
{
	uint8_t *guarded = map(ARENA_SIZE + 2 * ARENA_PAGE, PROT_NONE);

	arena->base = guarded + ARENA_PAGE;
	if (mprotect(arena->base, ARENA_SIZE, PROT_READ | PROT_WRITE)) {
		perror("mprotect");
		exit(2);
	}
	arena->expected = map(ARENA_SIZE, PROT_READ | PROT_WRITE);
	arena->read_only = map(ARENA_PAGE, PROT_READ);
}

void arena_fill(struct arena *arena, struct random *random)
{
	memset(arena->base, (int)(1 + random_below(random, 255)), ARENA_SIZE);
}

void arena_seal(struct arena *arena)
{
	memcpy(arena->expected, arena->base, ARENA_SIZE);
}

uintptr_t arena_choose(const struct arena *arena, struct random *random, size_t size)
{
	uintptr_t base = (uintptr_t)arena->base, end = base + ARENA_SIZE;
	size_t room = size < ARENA_SIZE ? ARENA_SIZE - size : 0;

	switch (random_below(random, 16)) {
	case 0:
		return forbidden[random_below(random, sizeof(forbidden) / sizeof(forbidden[0]))];
	case 1:
		return (uintptr_t)arena->read_only + random_below(random, ARENA_PAGE);
	case 2: /* crosses the end, if it is large enough */
		return end - random_below(random, size < ARENA_SIZE ? size + 1 : ARENA_SIZE);
	case 3:
		return base - 1 - random_below(random, ARENA_PAGE);
	case 4:
	case 5:
		return base + room;
	case 6:
	case 7:
		return base + random_below(random, room + 1);
	default:
		return base + random_below(random, room / 8 + 1) * 8;
	}
}

static bool inside(const uint8_t *memory, size_t memory_size, uintptr_t address, size_t size)
{
	uintptr_t start = (uintptr_t)memory;

	return address >= start && size <= memory_size && address - start <= memory_size - size;
}

bool arena_holds(const struct arena *arena, uintptr_t address, size_t size)
{
	return inside(arena->base, ARENA_SIZE, address, size);
}

bool arena_readable(const struct arena *arena, uintptr_t address, size_t size)
{
	return arena_holds(arena, address, size) || inside(arena->read_only, ARENA_PAGE, address, size);
}

/* The part of a buffer that falls into the arena: from @first, @size bytes. */
struct part {
	size_t first;
	size_t size;
};

static struct part cut(const struct arena *arena, uintptr_t address, uint64_t size)
{
	uintptr_t base = (uintptr_t)arena->base, end = base + ARENA_SIZE;
	uintptr_t first = address < base ? base : address, last;

	if (__builtin_add_overflow(address, size, &last))
		last = UINTPTR_MAX;
	if (last > end)
		last = end;
	return first < last ? (struct part){ first - base, last - first } : (struct part){ 0, 0 };
}

void arena_put(struct arena *arena, uintptr_t address, const void *data, size_t size)
{
	struct part part = cut(arena, address, size);
	size_t skipped = part.size ? (uintptr_t)arena->base + part.first - address : 0;

	memcpy(arena->base + part.first, (const uint8_t *)data + skipped, part.size);
}

void arena_accept(struct arena *arena, uintptr_t address, uint64_t size)
{
	struct part part = cut(arena, address, size);

	memcpy(arena->expected + part.first, arena->base + part.first, part.size);
}

bool arena_intact(const struct arena *arena, size_t *where)
{
	if (!memcmp(arena->base, arena->expected, ARENA_SIZE))
		return true;
	for (*where = 0; arena->base[*where] == arena->expected[*where]; ++*where)
		;
	return false;
}
