/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known_process.c - a process of which is known what it references
 *
 * It has two mappings of 256 MiB, each of whose pages it has written once: one of a memfd named "known", of which it
 * then reads the first 64 MiB over and over, and one anonymous, of which it reads each eighth page, 32 MiB. It
 * says "ready", and goes on until it is killed. Its pages are of 4 KiB, each with an accessed bit of its own; with the
 * argument "huge", those of the anonymous mapping are of 2 MiB, as far as the kernel has such.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE ((size_t)4096)
#define HUGE_SIZE ((size_t)2 << 20)
#define SIZE	  ((size_t)256 << 20)
#define FILE_HOT  ((size_t)64 << 20)
#define ANON_STEP ((size_t)8 * PAGE_SIZE)

/* An address from which on SIZE bytes and a huge page more are free; it lies at a huge page. */
static void *find_room(void)
{
	char *room = mmap(NULL, SIZE + HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED || munmap(room, SIZE + HUGE_SIZE) != 0) {
		perror("known_process: mmap");
		exit(EXIT_FAILURE);
	}
	return room + (-(uintptr_t)room & (HUGE_SIZE - 1));
}

static volatile char *map_memory(int fd, int advice)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	char *memory = mmap(find_room(), SIZE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);

	/* This also keeps the kernel from joining the mapping with a neighbour. */
	if (memory == MAP_FAILED || madvise(memory, SIZE, advice) != 0) {
		perror("known_process: mmap");
		exit(EXIT_FAILURE);
	}
	memset(memory, 1, SIZE);
	return memory;
}

static void read_pages(const volatile char *memory, size_t size, size_t step)
{
	for (size_t offset = 0; offset < size; offset += step)
		(void)memory[offset];
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int anonymous_advice = argc > 1 && strcmp(argv[1], "huge") == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
	int fd = memfd_create("known", MFD_CLOEXEC);
	volatile char *file, *anonymous;

	if (fd < 0 || ftruncate(fd, (off_t)SIZE) != 0) {
		perror("known_process: memfd");
		return EXIT_FAILURE;
	}
	file = map_memory(fd, MADV_NOHUGEPAGE);
	anonymous = map_memory(-1, anonymous_advice);
	puts("ready");
	fflush(stdout);
	for (;;) {
		read_pages(file, FILE_HOT, PAGE_SIZE);
		read_pages(anonymous, SIZE, ANON_STEP);
		nanosleep(&pause, NULL);
	}
}
