/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * physical_memory.h - which guest frames are memory at all
 */
#ifndef VMHEAT_GUEST_PHYSICAL_MEMORY_H
#define VMHEAT_GUEST_PHYSICAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Guest frames with one number after the other. */
struct frame_range {
	uint64_t first_gfn;
	uint64_t end_gfn; /* one past the last; above first_gfn */
};

/** Ranges kept at most: every DIMM and every block that virtio-mem plugs may be one. */
#define PHYSICAL_MEMORY_RANGES_MAX 256

/** The guest's memory in rising order. */
struct physical_memory {
	size_t count;
	struct frame_range ranges[PHYSICAL_MEMORY_RANGES_MAX];
};

/**
 * physical_memory_add_line() - take one line of /proc/iomem
 *
 * Only whole pages of "System RAM" count. What touches the last range extends it; a range below it, which the
 * kernel does not write, and what finds no room are left out: of these pages nothing is known then.
 */
void physical_memory_add_line(struct physical_memory *memory, const char *line);

/** physical_memory_read() - read /proc/iomem at @path; no ranges for a reader without CAP_SYS_ADMIN. 0 or
 * -errno. */
int physical_memory_read(struct physical_memory *memory, const char *path);

/** physical_memory_end() - one past the highest gfn; 0 without ranges. */
uint64_t physical_memory_end(const struct physical_memory *memory);

#endif /* VMHEAT_GUEST_PHYSICAL_MEMORY_H */
