// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call_ioctl.c - random calls of VMHEAT_IDLE_IOC_MEMSLOTS, and of ioctls that do not exist
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <vmheat/idle_bitmap.h>
#include "call.h"

#define CAPACITY_MAX 64

_Static_assert(sizeof(struct vmheat_idle_memslots) == 32 && sizeof(struct vmheat_idle_memslot) == 40,
	       "if one has grown: old callers have these sizes");

/* A slot before another: by VM, address space, guest page number; and no guest page in both. */
static bool in_order(const struct vmheat_idle_memslot *first, const struct vmheat_idle_memslot *second)
{
	if (first->vm != second->vm)
		return first->vm < second->vm;
	if (first->address_space != second->address_space)
		return first->address_space < second->address_space;
	return first->gfn + first->pages <= second->gfn;
}

static void judge_slots(const struct caller *caller, const struct vmheat_idle_memslots *found)
{
	uint32_t count = found->count < found->capacity ? found->count : found->capacity, i;

	for (i = 0; i < count; i++) {
		struct vmheat_idle_memslot slot[2];

		memcpy(slot, (const struct vmheat_idle_memslot *)(uintptr_t)found->slots + i,
		       i + 1 < count ? sizeof(slot) : sizeof(slot[0]));
		if (!slot[0].pages || slot[0].vm >= found->vms || slot[0].address_space > 1 ||
		    slot[0].hva % ARENA_PAGE || (i + 1 < count && !in_order(&slot[0], &slot[1])))
			caller_fail(caller,
				    "memslots: slot %u of %u: vm %u, address space %u, gfn %llx, %llu pages",
				    i, found->count, slot[0].vm, slot[0].address_space,
				    (unsigned long long)slot[0].gfn, (unsigned long long)slot[0].pages);
	}
}

static void judge_memslots(const struct caller *caller, const struct vmheat_idle_memslots *given,
			   const struct vmheat_idle_memslots *found)
{
	if (memcmp(given, found, offsetof(struct vmheat_idle_memslots, count)) != 0)
		caller_fail(caller, "memslots: changed its arguments");
	if (found->reserved || (found->count && !found->vms) ||
	    (found->vms && caller->file.target != TARGET_VMM))
		caller_fail(caller, "memslots: %u slots, %u VMs, reserved %x", found->count, found->vms,
			    found->reserved);
	judge_slots(caller, found);
}

void call_memslots(struct caller *caller)
{
	struct random *random = &caller->random;
	bool tidy = !random_one_in(random, 4), sized = !random_one_in(random, 8);
	struct vmheat_idle_memslots given = {
		.size = sizeof(given),
		.slot_size = sizeof(struct vmheat_idle_memslot),
		.capacity = (uint32_t)random_size(random, CAPACITY_MAX),
		.count = (uint32_t)random_bits(random),
		.reserved = (uint32_t)random_bits(random),
	}, found;
	uint64_t bytes = given.capacity * sizeof(struct vmheat_idle_memslot);
	uintptr_t base = (uintptr_t)caller->arena.base, address;
	struct errors permitted = { 0 };
	int result;

	caller->calls++;
	if (tidy) {
		given.slots = base + ARENA_PAGE + random_below(random, ARENA_PAGE);
		address = base + random_below(random, ARENA_PAGE - sizeof(given));
	} else {
		given.slots = arena_choose(&caller->arena, random, bytes);
		address = arena_choose(&caller->arena, random, sizeof(given));
		if (random_one_in(random, 4))
			given.capacity = (uint32_t)random_bits(random);
	}
	if (!sized && random_one_in(random, 2))
		given.size = (uint32_t)random_size(random, UINT32_MAX);
	else if (!sized)
		given.slot_size = (uint32_t)random_size(random, UINT32_MAX);
	sized = given.size == sizeof(given) && given.slot_size == sizeof(struct vmheat_idle_memslot);
	arena_fill(&caller->arena, random);
	arena_put(&caller->arena, address, &given, sizeof(given));
	arena_seal(&caller->arena);
	errors_permit(&permitted, !tidy || !sized, EINVAL);
	errors_permit(&permitted, !tidy || !sized, E2BIG);
	errors_permit(&permitted, !tidy || !sized, EFAULT);
	errors_permit(&permitted, !target_is_lasting(caller->file.target), ESRCH);

	result = ioctl(caller->file.fd, VMHEAT_IDLE_IOC_MEMSLOTS, address) ? -errno : 0;
	caller_judge(caller, OPERATION_MEMSLOTS, -result, &permitted);
	if (!result && tidy && sized) {
		memcpy(&found, (const void *)address, sizeof(found));
		judge_memslots(caller, &given, &found);
		bytes = (found.count < given.capacity ? found.count : given.capacity) *
			sizeof(struct vmheat_idle_memslot);
	} else if (sized) {
		bytes = (uint64_t)given.capacity * sizeof(struct vmheat_idle_memslot);
	} else {
		bytes = (uint64_t)given.capacity * given.slot_size;
	}
	arena_accept(&caller->arena, address + offsetof(struct vmheat_idle_memslots, count),
		     sizeof(given) - offsetof(struct vmheat_idle_memslots, count));
	arena_accept(&caller->arena, given.slots, bytes);
	caller_intact(caller);
}

/* Some numbers are the kernel's own, for every file; those that it gives to filesystems have these types. */
static bool is_for_any_file(unsigned long number)
{
	return strchr("Tf\x12\x94Xv", (int)_IOC_TYPE(number)) || !_IOC_TYPE(number);
}

void call_other_ioctl(struct caller *caller)
{
	static const unsigned long known[] = { VMHEAT_IDLE_IOC_SCAN, VMHEAT_IDLE_IOC_MEMSLOTS };
	struct random *random = &caller->random;
	unsigned long number = known[random_below(random, 2)];
	uintptr_t address = arena_choose(&caller->arena, random, ARENA_PAGE);
	struct errors permitted = { 0 };
	int result;

	/* One or two bits from one that exists, or any. */
	number ^= 1UL << random_below(random, 32);
	if (random_one_in(random, 2))
		number ^= 1UL << random_below(random, 32);
	if (random_one_in(random, 4))
		number = random_bits(random) & UINT32_MAX;
	if (number == known[0] || number == known[1] || is_for_any_file(number))
		return;
	caller->calls++;
	arena_fill(&caller->arena, random);
	arena_seal(&caller->arena);
	errors_permit(&permitted, true, ENOTTY);
	result = ioctl(caller->file.fd, number, address);
	caller_judge(caller, OPERATION_OTHER_IOCTL, result < 0 ? errno : 0, &permitted);
	if (result >= 0)
		caller_fail(caller, "ioctl %lx: %d", number, result);
	caller_intact(caller);
}
