/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_device.h - by which device a guest is resized
 *
 * Theory of operation
 *
 * A guest has boot memory, of which its balloon takes a part, and the memory of its virtio-mem devices, which plug and
 * unplug whole blocks. Its size is what is left of the one and plugged of the other. The plan (resize_plan.h) says what
 * the size should be; this says which one device is told to bring it there, and how far it comes. What is left to do is
 * the next window's.
 *
 * Virtio-mem comes first: what it unplugs is gone for the guest's kernel, too, while a ballooned page stays in its books.
 * The balloon does what is finer than a block, or beyond what virtio-mem has. By the change c, from the guest's size to the
 * target, the first line that is true decides:
 *
 *	what is so                                                        who is told
 *	a device is on its way (its act is open)                          that one; see below
 *	a virtio-mem device has leave to go the other way                 that one
 *	c >= block, and a virtio-mem device gets within a block of the target   the one that gets furthest
 *	c >= block, and it gets at least as far as the balloon            likewise
 *	the balloon can move                                              the balloon
 *	growth below a block, with a block to plug                        virtio-mem: one block
 *	else                                                              nobody
 *
 * A shrink by virtio-mem is rounded down to blocks, so that it never takes more than was planned; growth is rounded up, so
 * that the guest gets what it needs, but not above the ceiling. With blocks of 2 MiB, boot memory of 256 MiB, all of it
 * there, and 128 of 256 MiB plugged, the guest has 384: to 321 virtio-mem unplugs 62 MiB, and the guest has 322; to 383 the
 * balloon takes 1; to 387 virtio-mem plugs 4, and the guest has 388.
 *
 * - One at a time, and never one against the other. While a device is on its way the change goes by it, as far as it comes,
 *   if only by telling it to stay where it is; then it has arrived, and the next window may choose another. One exception: a
 *   virtio-mem device that has leave to plug all it has does not keep the balloon from growing, too.
 * - A virtio-mem device says itself whether it has leave to move (requested is not plugged), so one that somebody else has
 *   told to grow is not worked against either: before the guest shrinks by another device, this one gives, or loses its leave.
 * - The balloon leaves the guest its floor of boot memory (least): that the guest's kernel may put its own data there and not
 *   into virtio-mem, whose memory must stay movable to be unplugged. So where blocks are larger than a step, or a guest does
 *   not unplug, the balloon stops before the kernel has no memory of its own, however much is plugged.
 */
#ifndef VMHEAT_CORE_RESIZE_DEVICE_H
#define VMHEAT_CORE_RESIZE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum resize_device { RESIZE_BALLOON, RESIZE_VIRTIO_MEM, RESIZE_DEVICES };

/** resize_device_name() - a word for people and files; never NULL. */
const char *resize_device_name(enum resize_device device);

/** The sizes of a virtio-mem device, in pages. All but the first are whole blocks. */
struct virtio_mem_size {
	uint64_t block_pages; /* above 0 */
	uint64_t size_pages;  /* what it can have plugged */
	uint64_t requested_pages;
	uint64_t current_pages; /* plugged */
};

/** What a guest's memory is made of. In pages. */
struct resize_devices {
	bool balloon_usable;	/* there is one, and it may be told */
	uint64_t balloon_pages; /* boot memory that the guest has now */
	uint64_t boot_pages;	/* all of it */
	uint64_t least_pages;	/* so much of it stays */
	bool virtio_mem_usable; /* they may be told */
	const struct virtio_mem_size *virtio_mems;
	size_t virtio_mem_count;
	bool moving; /* a device is on its way: */
	enum resize_device moving_device;
	size_t moving_index;	/* of virtio-mem; beyond the last: it is not there any more */
	uint64_t ceiling_pages; /* rounding must not make the guest larger than this */
};

/** resize_devices_size() - what the guest has. */
uint64_t resize_devices_size(const struct resize_devices *devices);

/** What to tell one device. In pages. */
struct resize_step {
	enum resize_device device;
	size_t index;	     /* of virtio-mem */
	uint64_t from_pages; /* what it gives the guest now, and should */
	uint64_t to_pages;
	uint64_t guest_pages; /* the guest's size then */
};

/**
 * resize_step_choose() - which device brings the guest towards @target_pages
 *
 * Pure. With a target that is the guest's size, a device that is or may be on its way is told to stay.
 *
 * Return: FALSE if none can be told.
 */
bool resize_step_choose(const struct resize_devices *devices, uint64_t target_pages,
			struct resize_step *step);

/**
 * virtio_mem_least() - the least that a device may have plugged, so that a guest with @others_pages besides has its floor
 *
 * In whole blocks; not more than its size.
 */
uint64_t virtio_mem_least(const struct virtio_mem_size *size, uint64_t others_pages, uint64_t floor_pages);

#endif /* VMHEAT_CORE_RESIZE_DEVICE_H */
