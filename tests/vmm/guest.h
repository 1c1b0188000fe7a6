/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest.h - the guest of the test VMM: what it runs and how it is told what to touch
 *
 * What touches pages is 32-bit protected mode. Its addresses are guest-physical: it runs without paging, or with
 * page tables that map each address to itself. It runs in a control slot at guest-physical address 0, apart
 * from the slots that are tested. Each vCPU has a part of that slot for itself, and in it a mailbox from which
 * it reads its orders; its ebp points there.
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* The layout of the control slot: what all vCPUs share, then a part for each of them. */
#define GUEST_CODE	   0x1000
#define GUEST_TABLES	   0x2000  /* GUEST_TABLE_COUNT page tables */
#define GUEST_DIRECTORY	   0x10000 /* a page directory for 32-bit paging, and GUEST_DIRECTORY_TABLES tables */
#define GUEST_SMBASE	   0x30000 /* where processors have it after a reset */
#define GUEST_VCPUS	   0x40000
#define GUEST_VCPU_SIZE	   0x50000
#define GUEST_MAX_VCPUS	   5
#define GUEST_CONTROL_SIZE (GUEST_VCPUS + GUEST_MAX_VCPUS * GUEST_VCPU_SIZE)

/* Code for System Management Mode lies at this distance from GUEST_SMBASE. */
#define GUEST_SMM_ENTRY 0x8000

/* One level 4 table, one of level 3, and four of level 2, which map 4 GiB. */
#define GUEST_TABLE_COUNT 6

/* Two tables map the first 8 MiB that slots may be seen at by pages of 4 KiB; the rest has larger ones. */
#define GUEST_DIRECTORY_TABLES	2
#define GUEST_DIRECTORY_ENTRIES 1024
#define GUEST_PLACE_0		0x10000000

/* The part of one vCPU: offsets of the mailbox, of what only a hypervisor needs, and of the stack's end. */
#define GUEST_MAILBOX	 0x0
#define GUEST_VMCB	 0x41000
#define GUEST_HOST_STATE 0x42000
#define GUEST_STACK	 0x50000

/** The guest-physical address of something in the part of a vCPU. */
#define GUEST_VCPU(number, offset) (GUEST_VCPUS + (number)*GUEST_VCPU_SIZE + (offset))

/** The number of the vCPU that works in System Management Mode. */
#define GUEST_SMM_VCPU	  3

#define GUEST_MAX_TOUCHES 65536

/** The port that is written to when an order is done, and the one when a nested guest came to an end. */
#define GUEST_DONE_PORT 0x10
#define GUEST_LOST_PORT 0x11

/** enum touch_mode - how a page is touched, always at its first byte */
enum touch_mode {
	TOUCH_READ,
	TOUCH_WRITE,   /* writes a "return" instruction */
	TOUCH_EXECUTE, /* calls the page: it must have been written before */
};

/**
 * struct guest_mailbox - an order to a vCPU
 * @mode:    enum touch_mode
 * @count:   how many addresses
 * @loop:    nonzero: begin again until @stop is nonzero; 0: once
 * @stop:
 * @rounds:  the guest adds one whenever it has touched all of them
 * @address: guest-physical addresses, touched in this order
 */
struct guest_mailbox {
	uint32_t mode;
	uint32_t count;
	uint32_t loop;
	uint32_t stop;
	uint32_t rounds;
	uint32_t address[GUEST_MAX_TOUCHES];
};

_Static_assert(offsetof(struct guest_mailbox, address) == 20, "guest.c finds the members by these offsets");
_Static_assert(GUEST_MAILBOX + sizeof(struct guest_mailbox) <= GUEST_VMCB, "the mailbox fits");

/** The code, to be copied to GUEST_CODE, and its size in bytes. */
extern const char guest_code[];
extern const uint32_t guest_code_size;

/** In it: where a vCPU begins that touches pages as ordered, ... */
extern const char guest_main[];
/** ... that then writes to all entries of its tables, as operating systems do, ... */
extern const char guest_paging[];
/** ... that runs, in 64-bit mode, the nested guest of the VMCB at the address in rax, ... */
extern const char guest_hypervisor[];
/** ... or that waits for an SMI. */
extern const char guest_wait[];

/** The code for System Management Mode, to be copied to GUEST_SMBASE + GUEST_SMM_ENTRY, and its size. */
extern const char guest_smm[];
extern const uint32_t guest_smm_size;

#endif /* VMM_GUEST_H */
