/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest.h - where the test guest has what, and its commands: for guest.S and for who runs it
 *
 * The guest has no operating system. Each processor runs a loop in a page of code of its own, and waits in it
 * for commands in a mailbox page of its own, whose end is its stack. It accesses these two pages all the time,
 * and others only as it is told. The page tables are made by who runs it: all of memory at its own address, and
 * a window of 4 KiB pages.
 */
#ifndef PLUGIN_GUEST_H
#define PLUGIN_GUEST_H

#define GUEST_PROCESSORS 2

#define GUEST_IMAGE	 0x100000
#define GUEST_TABLES	 0x200000 /* PML4, then for the guest's memory a PDPT; for the window PDPT, PD, PT */
#define GUEST_CODE	 0x210000 /* a page a processor */
#define GUEST_MAILBOX	 0x220000 /* likewise */
#define GUEST_TRAMPOLINE 0x8000	  /* where the second processor starts */

/** The window: 512 pages from here on; each page table entry may name any page. */
#define GUEST_WINDOW	   0x8000000000
#define GUEST_WINDOW_PAGES 512

/* A mailbox: */
#define MAILBOX_GO	     0	/* set to another number to have the commands carried out */
#define MAILBOX_DONE	     8	/* that number, when this is done */
#define MAILBOX_COMMANDS     16 /* pairs of 64-bit numbers: a command, an address */
#define MAILBOX_COMMANDS_MAX 200

#define COMMAND_END	     0
#define COMMAND_READ	     1 /* 8 bytes */
#define COMMAND_WRITE	     2 /* 8 bytes, of whatever */
#define COMMAND_CALL	     3 /* what is there; it returns */
#define COMMAND_ADD	     4 /* adds 0 to 8 bytes, atomically */
#define COMMAND_READ_16	     5
#define COMMAND_WRITE_16     6 /* what is there already */
#define COMMAND_JUMP	     7 /* to a "jmp *%rdx" that comes back */
#define COMMAND_STRING	     8 /* reads 32 bytes one by one, by one instruction */

#endif /* PLUGIN_GUEST_H */
