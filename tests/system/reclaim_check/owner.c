// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * owner.c - the process whose memory is observed: its guest, or it itself, touches the page sets
 *
 * Before each round it counts the pages of the set that are not present.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cgroup_child.h"
#include "owner.h"
#include "presence.h"
#include "vm.h"

/* In the process itself. @vm is unused by an ordinary process. */
struct owner {
	const struct owner_kind *kind;
	struct owner_memory *memory;
	struct vm vm;
	uint8_t *address;
	int pagemap;
};

static void owner_open(struct owner *owner)
{
	enum backing backing = owner->kind->huge ? BACKING_HUGE : BACKING_SMALL;
	struct memory *memory;

	if (owner->kind->vm) {
		errno = -vm_new(&owner->vm);
		if (!errno)
			errno = -vm_slot_add(&owner->vm, 0, MEMORY_PAGES, backing, 0);
		if (errno)
			die("cannot create a VM");
		owner->address = vm_slot(&owner->vm, 0)->hva;
	} else {
		errno = -memory_new(&memory, backing, MEMORY_PAGES, 0);
		if (errno)
			die("cannot map memory");
		owner->address = memory->hva;
	}
	owner->pagemap = presence_open(getpid());
}

static void touch(struct owner *owner, uint32_t first, uint32_t pages)
{
	static uint32_t list[MEMORY_PAGES];
	uint32_t i;

	if (!owner->kind->vm) {
		for (i = first; i < first + pages; i++)
			*(volatile uint8_t *)(owner->address + i * PAGE_SIZE) = 1;
		return;
	}
	for (i = 0; i < pages; i++)
		list[i] = first + i;
	errno = -vm_touch(&owner->vm, TOUCH_WRITE, 0, list, pages);
	if (errno)
		die("the guest cannot touch its pages");
}

static void touch_set(struct owner *owner, unsigned int number)
{
	const struct page_set *set = &page_sets[number];
	struct round_record *record = &owner->memory->records[number];
	static bool present[MEMORY_PAGES];
	uint32_t in = presence_read(owner->pagemap, (uintptr_t)owner->address, set, present);
	uint64_t begin;

	atomic_fetch_add(&record->out, set->pages - in);
	begin = round_begin(record);
	touch(owner, set->first, set->pages);
	round_end(record, begin);
}

static void run(const struct owner_kind *kind, struct owner_memory *memory)
{
	struct owner owner = { .kind = kind, .memory = memory };
	uint64_t due[SETS];
	unsigned int i, next;

	owner_open(&owner);
	touch(&owner, 0, MEMORY_PAGES);
	for (i = 0; i < SETS; i++)
		due[i] = now_ns();
	atomic_store(&memory->address, (uintptr_t)owner.address);
	for (;;) {
		next = 0;
		for (i = 1; i < SETS; i++) {
			if (due[i] < due[next])
				next = i;
		}
		sleep_until(due[next]);
		touch_set(&owner, next);
		/* If this host cannot keep pace, rounds are left out. */
		due[next] += page_sets[next].period_ns;
		if (due[next] < now_ns())
			due[next] = now_ns();
	}
}

struct owner_memory *owner_start(const char *cgroup, const struct owner_kind *kind, pid_t *pid)
{
	struct owner_memory *memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	*pid = cgroup_fork(cgroup);
	if (*pid == 0)
		run(kind, memory);
	while (!atomic_load(&memory->address)) {
		if (waitpid(*pid, NULL, WNOHANG))
			die("the observed process ended");
		sleep_until(now_ns() + 10000000);
	}
	return memory;
}
