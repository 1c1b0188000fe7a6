/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize_device.c - by which device a guest is resized, see resize_device.h
 */
#include "resize_device.h"

static const char *const device_names[] = {
	[RESIZE_BALLOON] = "balloon",
	[RESIZE_VIRTIO_MEM] = "virtio-mem",
};
_Static_assert(sizeof(device_names) / sizeof(device_names[0]) == RESIZE_DEVICES, "every device has a name");

const char *resize_device_name(enum resize_device device)
{
	return (unsigned int)device < RESIZE_DEVICES ? device_names[device] : "unknown";
}

static uint64_t minimum(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** @a - @b, at least 0. */
static uint64_t beyond(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t whole_blocks(uint64_t pages, uint64_t block)
{
	return pages - pages % block;
}

/** @pages rounded up to blocks, but at most @most, which is whole blocks. */
static uint64_t blocks_for(uint64_t pages, uint64_t block, uint64_t most)
{
	return pages >= most ? most : pages % block == 0 ? pages : whole_blocks(pages, block) + block;
}

/** What is to change. */
struct change {
	uint64_t size; /* of the guest */
	uint64_t distance;
	bool up;
	uint64_t room; /* up to the ceiling */
};

/** How far the balloon can go. */
static uint64_t balloon_reach(const struct resize_devices *devices, const struct change *change)
{
	uint64_t most = change->up ? beyond(devices->boot_pages, devices->balloon_pages)
				   : beyond(devices->balloon_pages, devices->least_pages);

	return devices->balloon_usable ? minimum(change->distance, most) : 0;
}

/** How far a virtio-mem device can go, in whole blocks. */
static uint64_t virtio_mem_reach(const struct virtio_mem_size *size, const struct change *change)
{
	if (!change->up)
		return whole_blocks(minimum(change->distance, size->current_pages), size->block_pages);
	return minimum(blocks_for(change->distance, size->block_pages,
				  beyond(size->size_pages, size->current_pages)),
		       whole_blocks(change->room, size->block_pages));
}

static uint64_t step_size(const struct change *change, uint64_t from, uint64_t reach)
{
	return change->up ? from + reach : from - reach;
}

static bool tell_balloon(const struct resize_devices *devices, const struct change *change, uint64_t reach,
			 struct resize_step *step)
{
	*step = (struct resize_step){ .device = RESIZE_BALLOON,
				      .from_pages = devices->balloon_pages,
				      .to_pages = step_size(change, devices->balloon_pages, reach),
				      .guest_pages = step_size(change, change->size, reach) };
	return devices->balloon_usable;
}

static bool tell_virtio_mem(const struct resize_devices *devices, const struct change *change, size_t index,
			    uint64_t reach, struct resize_step *step)
{
	uint64_t from = devices->virtio_mems[index].current_pages;

	*step = (struct resize_step){ .device = RESIZE_VIRTIO_MEM,
				      .index = index,
				      .from_pages = from,
				      .to_pages = step_size(change, from, reach),
				      .guest_pages = step_size(change, change->size, reach) };
	return devices->virtio_mem_usable;
}

/** Have a virtio-mem device go with the change that may be on its way elsewhere. What is finer than a block is the balloon's,
 * in the next window. */
static bool turn_virtio_mem(const struct resize_devices *devices, const struct change *change, size_t index,
			    struct resize_step *step)
{
	const struct virtio_mem_size *size = &devices->virtio_mems[index];
	uint64_t reach = virtio_mem_reach(size, change);

	if (change->distance < size->block_pages && balloon_reach(devices, change) > 0)
		reach = 0;
	return tell_virtio_mem(devices, change, index, reach, step);
}

/** A device is on its way: tell it, as far as it comes. */
static bool tell_moving(const struct resize_devices *devices, const struct change *change,
			struct resize_step *step)
{
	if (devices->moving_device == RESIZE_BALLOON)
		return tell_balloon(devices, change, balloon_reach(devices, change), step);
	return devices->moving_index < devices->virtio_mem_count &&
	       turn_virtio_mem(devices, change, devices->moving_index, step);
}

/** The device on its way is one of virtio-mem that may plug all it has, and the guest needs more. */
static bool moving_is_exhausted(const struct resize_devices *devices, const struct change *change)
{
	const struct virtio_mem_size *size;

	if (!change->up || devices->moving_device != RESIZE_VIRTIO_MEM ||
	    devices->moving_index >= devices->virtio_mem_count)
		return false;
	size = &devices->virtio_mems[devices->moving_index];
	return size->requested_pages >= size->size_pages &&
	       change->distance > size->size_pages - size->current_pages;
}

/** The first virtio-mem device that has leave to move against the change, or at all, if there is none. */
static size_t find_opposed(const struct resize_devices *devices, const struct change *change)
{
	for (size_t i = 0; i < devices->virtio_mem_count; i++) {
		const struct virtio_mem_size *size = &devices->virtio_mems[i];

		if (change->distance == 0 ? size->requested_pages != size->current_pages
		    : change->up	  ? size->requested_pages < size->current_pages
					  : size->requested_pages > size->current_pages)
			return i;
	}
	return SIZE_MAX;
}

/** The virtio-mem device that gets furthest. */
static size_t find_furthest(const struct resize_devices *devices, const struct change *change,
			    uint64_t *reach)
{
	size_t best = SIZE_MAX;

	*reach = 0;
	for (size_t i = 0; devices->virtio_mem_usable && i < devices->virtio_mem_count; i++) {
		uint64_t its = virtio_mem_reach(&devices->virtio_mems[i], change);

		if (its > *reach) {
			*reach = its;
			best = i;
		}
	}
	return best;
}

uint64_t resize_devices_size(const struct resize_devices *devices)
{
	uint64_t size = devices->balloon_pages;

	for (size_t i = 0; i < devices->virtio_mem_count; i++)
		size += devices->virtio_mems[i].current_pages;
	return size;
}

/** Nothing is on its way: choose by reach. */
static bool tell_best(const struct resize_devices *devices, const struct change *change,
		      struct resize_step *step)
{
	uint64_t balloon = balloon_reach(devices, change), reach, block;
	size_t best = find_furthest(devices, change, &reach);

	if (best != SIZE_MAX) {
		block = devices->virtio_mems[best].block_pages;
		/* Below a block only growth can be meant, and only if the balloon has nothing. */
		if (change->distance >= block ? reach + block > change->distance || reach >= balloon
					      : balloon == 0)
			return tell_virtio_mem(devices, change, best, reach, step);
	}
	return balloon > 0 && tell_balloon(devices, change, balloon, step);
}

bool resize_step_choose(const struct resize_devices *devices, uint64_t target_pages, struct resize_step *step)
{
	uint64_t size = resize_devices_size(devices);
	struct change change = { .size = size,
				 .distance = target_pages > size ? target_pages - size : size - target_pages,
				 .up = target_pages > size,
				 .room = beyond(devices->ceiling_pages, size) };
	size_t opposed;

	if (devices->moving) {
		if (!moving_is_exhausted(devices, &change))
			return tell_moving(devices, &change, step);
		return balloon_reach(devices, &change) > 0
			       ? tell_balloon(devices, &change, balloon_reach(devices, &change), step)
			       : tell_moving(devices, &change, step);
	}
	opposed = devices->virtio_mem_usable ? find_opposed(devices, &change) : SIZE_MAX;
	if (opposed != SIZE_MAX)
		return turn_virtio_mem(devices, &change, opposed, step);
	if (change.distance == 0)
		return tell_balloon(devices, &change, 0, step);
	return tell_best(devices, &change, step);
}

uint64_t virtio_mem_least(const struct virtio_mem_size *size, uint64_t others_pages, uint64_t floor_pages)
{
	return blocks_for(beyond(floor_pages, others_pages), size->block_pages, size->size_pages);
}
