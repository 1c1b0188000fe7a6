/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ram_layout.h - which host address of QEMU's is which guest page: pure arithmetic over a few segments
 *
 * Theory of operation
 *
 * QEMU has each piece of a machine's memory (a RAM block) at contiguous host addresses, and shows it to the
 * guest in one or more parts: boot memory lies below and above the PCI hole, a DIMM wherever it was plugged.
 * Devices may hide some of a part from the guest at times: video memory and SMRAM hide the 128 KiB from 640 KiB
 * on, firmware what follows. All of a block that has one distance from guest to host addresses is one segment,
 * with what is hidden in the middle: in System Management Mode the guest sees that too, and at the same place.
 *
 * Firmware is shown at two places. What is in it counts at one of them.
 */
#ifndef QEMU_PLUGIN_RAM_LAYOUT_H
#define QEMU_PLUGIN_RAM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_PAGE_SHIFT 12
#define GUEST_PAGE_SIZE	 (UINT64_C(1) << GUEST_PAGE_SHIFT)

/** Boot memory in two parts, DIMMs (libvirt: up to 256 slots, in practice a few), video memory, firmware. */
#define RAM_LAYOUT_SEGMENTS_MAX 64

struct ram_segment {
	uint64_t host;	/* address of the first byte, a multiple of the page size */
	uint64_t gfn;	/* of the first page */
	uint64_t pages; /* at least 1 */
	const void *block;
};

struct ram_layout {
	size_t count;
	bool complete; /* false: there are more segments than fit */
	struct ram_segment segments[RAM_LAYOUT_SEGMENTS_MAX];
};

/** ram_layout_clear() - a layout of nothing. */
void ram_layout_clear(struct ram_layout *layout);

/**
 * ram_layout_add() - a part of a RAM block that the guest sees
 * @block: which block; only compared
 * @host:  address of the part's first byte in QEMU
 * @guest: its guest-physical address
 * @bytes: its size
 *
 * What is not of whole pages in both is cut off.
 */
void ram_layout_add(struct ram_layout *layout, const void *block, uint64_t host, uint64_t guest,
		    uint64_t bytes);

/**
 * ram_layout_sort() - after the last ram_layout_add(): the largest segments first, so that lookups end soon.
 */
void ram_layout_sort(struct ram_layout *layout);

/** ram_layout_equal() - whether two sorted layouts say the same. */
bool ram_layout_equal(const struct ram_layout *a, const struct ram_layout *b);

/** ram_layout_find() - the guest page at host address @host. Return: false if there is none. */
bool ram_layout_find(const struct ram_layout *layout, uint64_t host, uint64_t *gfn);

/** ends_on_next_page() - whether an access of @size bytes (1 to a page) at @vaddr reaches the page after. */
static inline bool ends_on_next_page(uint64_t vaddr, uint64_t size)
{
	return (vaddr & (GUEST_PAGE_SIZE - 1)) + size > GUEST_PAGE_SIZE;
}

#endif /* QEMU_PLUGIN_RAM_LAYOUT_H */
