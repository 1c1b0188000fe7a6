/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flat_view.h - where QEMU put a guest's memory: parsers of its monitor's `info mtree -f` and `gpa2hva`
 *
 * Theory of operation
 *
 * Pure: text in, ranges out. QEMU prints one flat view for every distinct address space; the one that lists
 *the address space "memory" with the root "system" is what the guest's CPUs see:
 *
 *	FlatView #1
 *	 AS "memory", root: system
 *	 Root memory region: system
 *	  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM
 *	  00000000000c0000-00000000000cafff (prio 0, rom): pc.ram @00000000000c0000 KVM
 *
 * A range is guest-physical first and last byte, kind, memory region, offset in it (0 is left out), and "KVM"
 *if KVM has it as a memslot. Video memory, PCI BARs, firmware and shared-memory devices look the same, so a
 * range counts only if its region is one of the blocks that are known to be the guest's memory
 * (domain_xml.h). "rom" counts too: it is RAM that the firmware has locked.
 *
 * Neighbouring ranges of one block that go on in guest-physical addresses and in the block are one range: a
 * block is contiguous in QEMU's virtual memory. What does not fill a page is left out, as KVM does.
 *
 * This text is made for people, so nothing in it is taken for granted; the caller compares what was found
 *with the memory that the guest should have.
 */
#ifndef VMHEAT_HOST_FLAT_VIEW_H
#define VMHEAT_HOST_FLAT_VIEW_H

#include <glib.h>

/** A run of a guest's pages in one RAM block. */
struct flat_range {
	guint64 gfn;
	guint64 pages;	   /* at least 1 */
	guint64 offset;	   /* of the first page in its block, in bytes */
	const char *block; /* one of the names that were asked for */
};

/**
 * flat_view_parse() - the guest's memory from the reply to `info mtree -f`
 * @text:   the reply
 * @blocks: NULL-terminated names of RAM blocks; must outlive the result
 *
 * Return: struct flat_range, in rising gfn order without overlaps, at least one; the caller unrefs it. NULL
 * and HOST_ERROR_DATA if there is no such view or it makes no sense.
 */
GArray *flat_view_parse(const char *text, const char *const *blocks, GError **error);

/**
 * flat_view_parse_hva() - the address from the reply to `gpa2hva`
 * @text:  the reply
 * @gpa:   what was asked for
 * @block: the block that must lie there
 * @hva:   where the page-aligned host virtual address goes
 *
 * Return: FALSE and HOST_ERROR_DATA if the reply is an error or is about anything else.
 */
gboolean flat_view_parse_hva(const char *text, guint64 gpa, const char *block, guint64 *hva, GError **error);

#endif /* VMHEAT_HOST_FLAT_VIEW_H */
