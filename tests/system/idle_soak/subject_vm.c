// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subject_vm.c - a KVM guest that writes to its hot pages, under the test VMM
 *
 * The pattern comes in and is looked at through /proc/PID/mem. The guest overwrites the first byte of a hot page, with
 * the same value each time.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "subject.h"
#include "vmm_client.h"

#define PAGES	     4096UL
#define SLOT	     0
#define MOVING_SLOTS 6
#define MOVING_PAGES 3000
#define PAGE_WORDS   (PAGE_SIZE / sizeof(uint64_t))
#define GUEST_WRITES 0xc3

static struct vmm_client vmm;
static pthread_mutex_t vmm_lock = PTHREAD_MUTEX_INITIALIZER;
static bool moving[MOVING_SLOTS];

static int open_memory(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static void fill_page(uint64_t *words, size_t page)
{
	size_t word;

	for (word = 0; word < PAGE_WORDS; word++)
		words[word] = subject_pattern(page, word);
}

static void write_all(const struct subject *subject)
{
	int memory = open_memory(subject->pid);
	uint64_t words[PAGE_WORDS];
	size_t page;

	for (page = 0; page < PAGES; page++) {
		fill_page(words, page);
		if (pwrite(memory, words, PAGE_SIZE, (off_t)(subject->address + page * PAGE_SIZE)) !=
		    PAGE_SIZE) {
			perror("pwrite");
			exit(2);
		}
	}
	close(memory);
}

static size_t count_lost(const struct subject *subject)
{
	int memory = open_memory(subject->pid);
	uint64_t found[PAGE_WORDS], expected[PAGE_WORDS];
	size_t page, lost = 0;

	for (page = 0; page < PAGES; page++) {
		fill_page(expected, page);
		if (subject_is_hot(page))
			*(uint8_t *)expected = GUEST_WRITES;
		if (pread(memory, found, PAGE_SIZE, (off_t)(subject->address + page * PAGE_SIZE)) !=
			    PAGE_SIZE ||
		    memcmp(found, expected, PAGE_SIZE) != 0)
			lost++;
	}
	close(memory);
	return lost;
}

static void vm_start(struct subject *subject)
{
	bool hot[PAGES];
	size_t i;

	vmm_start(&vmm);
	subject->pid = vmm.pid;
	subject->pages = PAGES;
	subject->address = vmm_slot_add(&vmm, SLOT, PAGES, BACKING_HUGE, 0);
	write_all(subject);
	for (i = 0; i < PAGES; i++)
		hot[i] = true;
	/* The guest maps all of them. */
	vmm_touch(&vmm, "touch", 'r', SLOT, hot, PAGES);
	for (i = 0; i < PAGES; i++)
		hot[i] = subject_is_hot(i);
	vmm_touch(&vmm, "loop", 'w', SLOT, hot, PAGES);
}

static uint32_t vm_rounds(struct subject *subject)
{
	uint32_t rounds;

	pthread_mutex_lock(&vmm_lock);
	rounds = (uint32_t)strtoul(vmm_command(&vmm, "rounds"), NULL, 10);
	pthread_mutex_unlock(&vmm_lock);
	return rounds;
}

static void vm_stir(struct subject *subject, unsigned int choice)
{
	unsigned int slot = choice % MOVING_SLOTS;

	pthread_mutex_lock(&vmm_lock);
	if (moving[slot])
		vmm_command(&vmm, "slot del %u", 1 + slot);
	else
		vmm_slot_add(&vmm, 1 + slot, MOVING_PAGES, choice % BACKING_HUGETLB_2M, choice % 100);
	moving[slot] = !moving[slot];
	/* Its memory comes into being as KVM maps it, by what the VMM touches. */
	if (moving[slot])
		vmm_command(&vmm, "host w %u 0-%u/7", 1 + slot, MOVING_PAGES - 1);
	pthread_mutex_unlock(&vmm_lock);
}

static bool vm_end(struct subject *subject)
{
	size_t lost;

	vmm_command(&vmm, "stop");
	lost = count_lost(subject);
	if (lost)
		printf("%zu pages of the guest were lost\n", lost);
	vmm_end(&vmm, false);
	return !lost;
}

const struct subject_kind subject_vm = {
	.name = "vm",
	.start = vm_start,
	.rounds = vm_rounds,
	.stir = vm_stir,
	.end = vm_end,
};
