// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_memslots.c - the memslots ioctl tells what the VMM has set up
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "vmm_client.h"

#define MAX_SLOTS 64
#define VMS	  2
#define ROUNDS	  50

/* What the VMM says of one VM, in the order of the ioctl: by address space and guest page number. */
struct layout {
	struct vmheat_idle_memslot slots[MAX_SLOTS];
	unsigned int count;
};

static int compare_slots(const void *a, const void *b)
{
	const struct vmheat_idle_memslot *left = a, *right = b;

	if (left->address_space != right->address_space)
		return left->address_space < right->address_space ? -1 : 1;
	return left->gfn < right->gfn ? -1 : left->gfn > right->gfn;
}

static bool ask_vmm(struct vmm_client *vmm, unsigned int vm, struct layout *layout)
{
	const char *text;
	char *end;

	memset(layout, 0, sizeof(*layout));
	vmm_command(vmm, "vm %u", vm);
	for (text = vmm_command(vmm, "info"); *text == ' '; text = end) {
		struct vmheat_idle_memslot *slot = &layout->slots[layout->count++];

		EXPECT(layout->count < MAX_SLOTS);
		slot->id = strtoul(text + 1, &end, 16);
		slot->address_space = strtoul(end + 1, &end, 16);
		slot->gfn = strtoull(end + 1, &end, 16);
		slot->hva = strtoull(end + 1, &end, 16);
		slot->pages = strtoull(end + 1, &end, 16);
	}
	qsort(layout->slots, layout->count, sizeof(layout->slots[0]), compare_slots);
	return true;
}

/* Whether the slots of one VM, from @found on, are those of a layout. */
static bool same_layout(const struct vmheat_idle_memslot *found, unsigned int count,
			const struct layout *layout)
{
	unsigned int i;

	if (count != layout->count)
		return false;
	for (i = 0; i < count; i++) {
		struct vmheat_idle_memslot slot = found[i];

		slot.vm = 0;
		if (memcmp(&slot, &layout->slots[i], sizeof(slot)) != 0)
			return false;
	}
	return true;
}

/* The VMs come in any order. */
static bool memslots_are_right(int fd, const struct layout *layouts)
{
	struct vmheat_idle_memslot found[2 * MAX_SLOTS];
	struct vmheat_idle_memslots memslots = { .size = sizeof(memslots), .slot_size = sizeof(found[0]) };
	unsigned int first = 0;

	EXPECT(!ioctl(fd, VMHEAT_IDLE_IOC_MEMSLOTS, &memslots));
	EXPECT(memslots.count == layouts[0].count + layouts[1].count && memslots.vms == VMS,
	       "%u slots, %u VMs", memslots.count, memslots.vms);
	memslots.slots = (uintptr_t)found;
	memslots.capacity = memslots.count;
	EXPECT(!ioctl(fd, VMHEAT_IDLE_IOC_MEMSLOTS, &memslots));
	while (first < memslots.count && found[first].vm == 0)
		first++;
	EXPECT((same_layout(found, first, &layouts[0]) &&
		same_layout(found + first, memslots.count - first, &layouts[1])) ||
	       (same_layout(found, first, &layouts[1]) &&
		same_layout(found + first, memslots.count - first, &layouts[0])));
	return true;
}

/* Too little room: as many as there is room for, and how many there are. */
static bool small_room(int fd)
{
	struct vmheat_idle_memslot found[2];
	struct vmheat_idle_memslots memslots = { .size = sizeof(memslots),
						 .slot_size = sizeof(found[0]),
						 .slots = (uintptr_t)found,
						 .capacity = 1 };

	memset(found, 0xa5, sizeof(found));
	EXPECT(!ioctl(fd, VMHEAT_IDLE_IOC_MEMSLOTS, &memslots));
	EXPECT(memslots.count > 1 && found[0].vm == 0 && found[0].address_space == 0 && found[0].gfn == 0);
	EXPECT(found[1].pages == 0xa5a5a5a5a5a5a5a5);
	return true;
}

/* Slot 2 of a VM goes, or comes and perhaps moves. */
static void change_slot(struct vmm_client *vmm, unsigned int vm, bool there)
{
	vmm_command(vmm, "vm %u", vm);
	if (there) {
		vmm_command(vmm, "slot del 2");
		return;
	}
	vmm_command(vmm, "slot show 2 0 0 %u %u", random_below(1000), 1 + random_below(1000));
	if (random_below(2))
		vmm_command(vmm, "slot move 2 %u", 4 + random_below(8));
}

/* Two VMs, one with slots for System Management Mode; slots come, move and go. */
static bool memslots(void)
{
	static struct layout layouts[VMS];
	struct vmm_client vmm;
	bool there[VMS] = { false };
	unsigned int round, vm;
	int fd;

	vmm_start(&vmm);
	vmm_slot_add(&vmm, 0, 2048, BACKING_SMALL, 0);
	vmm_command(&vmm, "slot show 65538 0 0 100 200");
	vmm_command(&vmm, "vm 1");
	vmm_command(&vmm, "slot show 3 0 0 7 1000");
	fd = idle_map_open(vmm.pid);
	EXPECT(fd >= 0);
	for (round = 0; round < ROUNDS; round++) {
		for (vm = 0; vm < VMS; vm++)
			EXPECT(ask_vmm(&vmm, vm, &layouts[vm]));
		EXPECT(memslots_are_right(fd, layouts), "round %u", round);
		vm = random_below(VMS);
		change_slot(&vmm, vm, there[vm]);
		there[vm] = !there[vm];
	}
	EXPECT(small_room(fd));
	close(fd);
	vmm_end(&vmm, false);
	return true;
}

const struct check memslots_checks[] = {
	{ "memslots", memslots },
	{ NULL, NULL },
};
