// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest_memory.c - the memory of a Linux guest as its VMM's process has it
 *
 * Theory of operation
 * -------------------
 * The processor reads page tables, and what it needs to deliver an exception, without an instruction that says
 * so. To know such pages, the guest's own structures are read.
 *
 * Linux gives each process a root table of its own, whose upper half, the kernel's, is the same in all of them.
 * So whatever page has the same upper half as the root in use is taken for a root, and all tables are found
 * from these. A root that has been freed may be among them; what it leads to is no longer read by anybody, and
 * does no harm.
 *
 * The formats are those of AMD's manual, volume 2: 5.3 (long mode page tables), 12.2.5 (64-bit task state
 * segment).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "guest_memory.h"

#define PAGE_SHIFT    12
#define PAGE_BYTES    4096UL
#define ENTRIES	      512
#define ENTRY_PRESENT (1ULL << 0)
#define ENTRY_LARGE   (1ULL << 7)
#define ENTRY_FRAME   0x000ffffffffff000ULL
#define ROOT_LEVEL    4
#define LEVEL_BITS    9
#define CHUNK_PAGES   256UL
#define MAX_SLOTS     64
#define TSS_STACKS    3 /* for the privilege levels 0 to 2, from offset 4 on */
#define TSS_ISTS      7 /* the interrupt stack table, from offset 36 on */
#define TSS_BYTES     104UL
#define TABLE_BYTES   4096UL /* of interrupt descriptors; there are fewer others */

__attribute__((noreturn)) static void die(const char *what)
{
	printf("guest memory: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
	exit(1);
}

/* The largest slot is memory, and its place tells where the memory begins. */
static void find_memory(struct guest_memory *memory, int idle_map)
{
	struct vmheat_idle_memslot slot[MAX_SLOTS] = { 0 };
	struct vmheat_idle_memslots slots = { .size = sizeof(slots),
					      .slot_size = sizeof(slot[0]),
					      .slots = (uintptr_t)slot,
					      .capacity = MAX_SLOTS };
	const struct vmheat_idle_memslot *largest = slot;
	unsigned int i;

	if (ioctl(idle_map, VMHEAT_IDLE_IOC_MEMSLOTS, &slots) || !slots.count || slots.count > MAX_SLOTS)
		die("memslots");
	for (i = 1; i < slots.count; i++) {
		if (slot[i].pages > largest->pages)
			largest = &slot[i];
	}
	memory->hva = largest->hva - (largest->gfn << PAGE_SHIFT);
	memory->pages = largest->gfn + largest->pages;
}

void guest_memory_open(struct guest_memory *memory, pid_t pid, int idle_map)
{
	char path[64];

	errno = 0;
	find_memory(memory, idle_map);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory->file = open(path, O_RDONLY | O_CLOEXEC);
	if (memory->file < 0)
		die(path);
}

void guest_memory_close(struct guest_memory *memory)
{
	close(memory->file);
}

static void read_physical(const struct guest_memory *memory, uint64_t address, void *buffer, size_t size)
{
	errno = 0;
	if (address + size > memory->pages << PAGE_SHIFT ||
	    pread(memory->file, buffer, size, (off_t)(memory->hva + address)) != (ssize_t)size)
		die("reading it");
}

static void add_tables(const struct guest_memory *memory, uint64_t page, unsigned int level, bool *set)
{
	uint64_t table[ENTRIES];
	unsigned int i;

	if (page >= memory->pages || set[page])
		return;
	set[page] = true;
	if (level == 1)
		return;
	read_physical(memory, page << PAGE_SHIFT, table, sizeof(table));
	for (i = 0; i < ENTRIES; i++) {
		if ((table[i] & ENTRY_PRESENT) && !(table[i] & ENTRY_LARGE))
			add_tables(memory, (table[i] & ENTRY_FRAME) >> PAGE_SHIFT, level - 1, set);
	}
}

void guest_memory_find_tables(const struct guest_memory *memory, uint64_t cr3, bool *set)
{
	static uint64_t chunk[CHUNK_PAGES][ENTRIES];
	const size_t half = ENTRIES / 2;
	uint64_t root[ENTRIES], first;
	size_t i;

	memset(set, false, memory->pages);
	read_physical(memory, cr3 & ENTRY_FRAME, root, sizeof(root));
	for (first = 0; first + CHUNK_PAGES <= memory->pages; first += CHUNK_PAGES) {
		read_physical(memory, first << PAGE_SHIFT, chunk, sizeof(chunk));
		for (i = 0; i < CHUNK_PAGES; i++) {
			if (chunk[i][ENTRIES - 1] == root[ENTRIES - 1] &&
			    !memcmp(chunk[i] + half, root + half, half * sizeof(root[0])))
				add_tables(memory, first + i, ROOT_LEVEL, set);
		}
	}
}

#define NOT_MAPPED UINT64_MAX

/* The guest-physical address of a virtual one, or NOT_MAPPED. */
static uint64_t translate(const struct guest_memory *memory, uint64_t cr3, uint64_t address)
{
	uint64_t entry = cr3 & ENTRY_FRAME;
	unsigned int level, shift;

	for (level = ROOT_LEVEL; level >= 1; level--) {
		shift = PAGE_SHIFT + (level - 1) * LEVEL_BITS;
		read_physical(memory,
			      (entry & ENTRY_FRAME) + (address >> shift & (ENTRIES - 1)) * sizeof(entry),
			      &entry, sizeof(entry));
		if (!(entry & ENTRY_PRESENT))
			return NOT_MAPPED;
		if (level == 1 || (level < ROOT_LEVEL && (entry & ENTRY_LARGE)))
			break;
	}
	return (entry & ENTRY_FRAME & -(1ULL << shift)) | (address & ((1ULL << shift) - 1));
}

static void add_range(const struct guest_memory *memory, uint64_t cr3, uint64_t address, size_t size,
		      bool *set)
{
	uint64_t page, physical;

	for (page = address & -PAGE_BYTES; page < address + size; page += PAGE_BYTES) {
		physical = translate(memory, cr3, page);
		if (physical != NOT_MAPPED)
			set[physical >> PAGE_SHIFT] = true;
	}
}

void guest_memory_find_exceptions(const struct guest_memory *memory, const struct guest_registers *registers,
				  bool *set)
{
	uint64_t stack, at;
	unsigned int i;

	memset(set, false, memory->pages);
	add_range(memory, registers->cr3, registers->idt, TABLE_BYTES, set);
	add_range(memory, registers->cr3, registers->gdt, 1, set);
	add_range(memory, registers->cr3, registers->tss, TSS_BYTES, set);
	for (i = 0; i < TSS_STACKS + TSS_ISTS; i++) {
		at = translate(memory, registers->cr3,
			       registers->tss + (i < TSS_STACKS ? 4 + i * 8 : 36 + (i - TSS_STACKS) * 8));
		if (at == NOT_MAPPED)
			die("the task state segment is not mapped");
		read_physical(memory, at, &stack, sizeof(stack));
		/* What is pushed first lies below. Linux names stacks that it does not use, and maps none there. */
		add_range(memory, registers->cr3, stack - 1, 1, set);
	}
}
