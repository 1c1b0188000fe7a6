/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known_process.c - a process of which is known what it references
 *
 * It has two mappings of 256 MiB, each of whose pages it has written once: one of a memfd named "known", of which it
 * then reads the first 64 MiB over and over, and one anonymous, of which it reads each eighth page, 32 MiB. It
 * says "ready", and goes on until it is killed. Its pages are of 4 KiB, each with an accessed bit of its own.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE ((size_t)4096)
#define SIZE	  ((size_t)256 << 20)
#define FILE_HOT  ((size_t)64 << 20)
#define ANON_STEP ((size_t)8 * PAGE_SIZE)

static volatile char *map_memory(int fd)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	/* This also keeps the kernel from joining the mapping with a neighbour. */
	if (memory == MAP_FAILED || madvise(memory, SIZE, MADV_NOHUGEPAGE) != 0) {
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

int main(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int fd = memfd_create("known", MFD_CLOEXEC);
	volatile char *file, *anonymous;

	if (fd < 0 || ftruncate(fd, (off_t)SIZE) != 0) {
		perror("known_process: memfd");
		return EXIT_FAILURE;
	}
	file = map_memory(fd);
	anonymous = map_memory(-1);
	puts("ready");
	fflush(stdout);
	for (;;) {
		read_pages(file, FILE_HOT, PAGE_SIZE);
		read_pages(anonymous, SIZE, ANON_STEP);
		nanosleep(&pause, NULL);
	}
}
