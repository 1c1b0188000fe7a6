/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_memory.h - the memory of a Linux guest as its VMM's process has it: which pages are what, read from
 * outside
 *
 * A page is named by its guest frame number. All of the guest's memory lies at address 0 without a hole, as it
 * does below 2 GiB.
 *
 * Each function ends the program with a message if it fails.
 */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct guest_memory - the memory of one guest
 * @pages: how many
 * @hva:   where the process has the first one
 * @file:  /proc/PID/mem
 */
struct guest_memory {
	size_t pages;
	uint64_t hva;
	int file;
};

/** struct guest_registers - of a vCPU, as QEMU tells them: @cr3, and the addresses of the descriptor tables */
struct guest_registers {
	uint64_t cr3;
	uint64_t idt;
	uint64_t gdt;
	uint64_t tss;
};

/** guest_memory_open() - @idle_map: /proc/PID/idle_bitmap, which knows where the process has the memory */
void guest_memory_open(struct guest_memory *memory, pid_t pid, int idle_map);
void guest_memory_close(struct guest_memory *memory);

/**
 * guest_memory_find_tables() - find the page tables of the guest, those of all its processes
 * @cr3: of any of them
 * @set: a byte a page: true for those that hold a table
 */
void guest_memory_find_tables(const struct guest_memory *memory, uint64_t cr3, bool *set);

/**
 * guest_memory_find_exceptions() - find what the processor reads and writes by itself to deliver an exception:
 * the descriptor tables, the task state segment and the stacks that it names
 * @set: a byte a page, likewise
 */
void guest_memory_find_exceptions(const struct guest_memory *memory, const struct guest_registers *registers,
				  bool *set);

#endif /* GUEST_MEMORY_H */
