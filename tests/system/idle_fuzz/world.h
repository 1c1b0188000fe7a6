/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world.h - what all processes of idle_fuzz share: whom to observe, and what the calls have come to
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/** Memory that every observed process but the VMM has at the same address. */
#define PLAYGROUND	0x100000000000UL
#define PLAYGROUND_SIZE (16UL << 20)

/** The ordinary user's id. */
#define NOBODY 65534

/** enum target - whom a call is about */
enum target {
	TARGET_SELF,	/* the calling process */
	TARGET_BUSY,	/* changes its mappings all the time */
	TARGET_VMM,	/* root's; memory slots and VMs come and go */
	TARGET_DYING,	/* exits, and another one takes its place */
	TARGET_EXECING, /* replaces itself */
	TARGET_KTHREAD, /* has no memory */
	TARGET_COUNT
};

/** enum operation - what is called */
enum operation {
	OPERATION_OPEN,
	OPERATION_READ,
	OPERATION_WRITE,
	OPERATION_SEEK,
	OPERATION_MAP,
	OPERATION_SCAN,
	OPERATION_MEMSLOTS,
	OPERATION_OTHER_IOCTL,
	OPERATION_COUNT
};

#define ERRORS_MAX 128 /* no errno that is expected is as large */

/**
 * struct world - the shared memory
 * @pid:      of each target; 0 for TARGET_SELF
 * @vmm_slot: where the VMM has its first memory slot
 * @results:  how many calls returned each errno, 0 for success
 * @idle:     how many reads found an idle page
 * @accessed: how many scans found accessed pages
 */
struct world {
	_Atomic pid_t pid[TARGET_COUNT];
	_Atomic uintptr_t vmm_slot;
	_Atomic uint64_t results[OPERATION_COUNT][ERRORS_MAX];
	_Atomic uint64_t idle;
	_Atomic uint64_t accessed;
};

/** world_new() - shared with all children. Exits the program if there is no memory. */
struct world *world_new(void);

/** operation_name() - for the reports */
const char *operation_name(enum operation operation);
const char *target_name(enum target target);

#endif /* FUZZ_WORLD_H */
