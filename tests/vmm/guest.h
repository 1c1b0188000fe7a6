/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest.h - the guest of the test VMM: what it runs and how it is told what to touch
 *
 * The guest is 32-bit protected mode without paging: its addresses are guest-physical. It runs in a control
 * slot at guest-physical address 0, apart from the slots that are tested, and reads its orders from a mailbox
 * there.
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* The layout of the control slot. */
#define GUEST_CODE	   0x1000
#define GUEST_STACK	   0x8000 /* grows down */
#define GUEST_MAILBOX	   0x10000
#define GUEST_MAX_TOUCHES  65536
#define GUEST_CONTROL_SIZE 0x60000

/** The port that the guest writes to when an order is done. */
#define GUEST_DONE_PORT 0x10

/** enum touch_mode - how a page is touched, always at its first byte */
enum touch_mode {
	TOUCH_READ,
	TOUCH_WRITE,   /* writes a "return" instruction */
	TOUCH_EXECUTE, /* calls the page: it must have been written before */
};

/**
 * struct guest_mailbox - an order to the guest
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
_Static_assert(GUEST_MAILBOX + sizeof(struct guest_mailbox) <= GUEST_CONTROL_SIZE, "the mailbox fits");

/** The guest's code, to be copied to GUEST_CODE, and its size in bytes. */
extern const char guest_code[];
extern const uint32_t guest_code_size;

#endif /* VMM_GUEST_H */
