// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subject_process.c - an ordinary process that touches its hot pages, and sees that they hold what it wrote last
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "subject.h"

#define PAGES	   8192UL
#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))
#define PAUSE_US   500

/**
 * struct progress - shared with the process
 * @rounds: complete
 * @stop:   it is to look at all its memory and exit
 * @lost:   how many words did not hold what they must
 */
struct progress {
	_Atomic uint32_t rounds;
	_Atomic bool stop;
	_Atomic uint64_t lost;
};

static struct progress *progress;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void write_all(uint64_t *memory)
{
	size_t page, word;

	for (page = 0; page < PAGES; page++) {
		for (word = 0; word < PAGE_WORDS; word++)
			memory[page * PAGE_WORDS + word] = subject_pattern(page, word);
	}
}

/* The first word of a hot page counts the rounds. */
static void touch_hot(volatile uint64_t *memory, uint64_t round)
{
	size_t page;

	for (page = 0; page < PAGES; page++) {
		if (!subject_is_hot(page))
			continue;
		if (memory[page * PAGE_WORDS] != subject_pattern(page, 0) + round)
			progress->lost++;
		memory[page * PAGE_WORDS] = subject_pattern(page, 0) + round + 1;
	}
}

static void check_all(const uint64_t *memory)
{
	size_t page, word;

	for (page = 0; page < PAGES; page++) {
		for (word = subject_is_hot(page) ? 1 : 0; word < PAGE_WORDS; word++) {
			if (memory[page * PAGE_WORDS + word] != subject_pattern(page, word))
				progress->lost++;
		}
	}
}

static void be_subject(uint64_t *memory)
{
	uint64_t round;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(2);
	write_all(memory);
	for (round = 0; !progress->stop; round++) {
		touch_hot(memory, round);
		progress->rounds++;
		usleep(PAUSE_US);
	}
	check_all(memory);
	_exit(0);
}

static void process_start(struct subject *subject)
{
	size_t size = PAGES * PAGE_SIZE;
	uint8_t *map =
		mmap(NULL, size + SUBJECT_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || progress == MAP_FAILED)
		die("mmap");
	subject->address = ((uintptr_t)map + SUBJECT_BLOCK - 1) & ~(SUBJECT_BLOCK - 1);
	subject->pages = PAGES;
	/* A quarter of it is for KSM, whose pages khugepaged leaves alone. */
	if (madvise((void *)(subject->address + size / 4 * 3), size / 4, MADV_MERGEABLE))
		die("MADV_MERGEABLE");
	fflush(stdout);
	subject->pid = fork();
	if (subject->pid < 0)
		die("fork");
	if (subject->pid == 0)
		be_subject((uint64_t *)subject->address);
	munmap(map, size + SUBJECT_BLOCK);
	while (!progress->rounds)
		usleep(PAUSE_US);
}

static uint32_t process_rounds(struct subject *subject)
{
	return progress->rounds;
}

static bool process_end(struct subject *subject)
{
	int status;

	progress->stop = true;
	if (waitpid(subject->pid, &status, 0) != subject->pid || status) {
		printf("the process ended with status %x\n", status);
		return false;
	}
	if (progress->lost)
		printf("%llu words of the process were lost\n", (unsigned long long)progress->lost);
	return !progress->lost;
}

const struct subject_kind subject_process = {
	.name = "process",
	.start = process_start,
	.rounds = process_rounds,
	.end = process_end,
};
