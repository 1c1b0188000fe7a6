/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * physical_memory.c - which guest frames are memory at all, by /proc/iomem
 *
 * A line is "  00100000-17fddfff : System RAM", indented by its depth, both addresses inclusive. Plugged
 * memory is called "System RAM (virtio_mem)" or "System RAM (kmem)" and lies below its device
 * (kernel/resource.c, mm/memory_hotplug.c). To a reader without CAP_SYS_ADMIN all addresses are 0.
 */
#include "physical_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "text_file.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)

void physical_memory_add_line(struct physical_memory *memory, const char *line)
{
	static const char name[] = " : System RAM";
	char *end;
	uint64_t first = strtoull(line, &end, 16);
	uint64_t last;

	if (*end != '-')
		return;
	last = strtoull(end + 1, &end, 16);
	if (strncmp(end, name, sizeof(name) - 1) != 0 || last <= first || last == UINT64_MAX)
		return;

	struct frame_range range = {
		.first_gfn = (first >> PAGE_SHIFT) + (first % PAGE_SIZE != 0),
		.end_gfn = (last + 1) >> PAGE_SHIFT,
	};
	uint64_t known_end = physical_memory_end(memory);

	if (range.end_gfn <= range.first_gfn || range.first_gfn < known_end)
		return;
	if (memory->count && range.first_gfn == known_end)
		memory->ranges[memory->count - 1].end_gfn = range.end_gfn;
	else if (memory->count < PHYSICAL_MEMORY_RANGES_MAX)
		memory->ranges[memory->count++] = range;
}

static void take_line(const char *line, void *context)
{
	physical_memory_add_line(context, line);
}

int physical_memory_read(struct physical_memory *memory, const char *path)
{
	memory->count = 0;
	return text_file_read(path, take_line, memory);
}

uint64_t physical_memory_end(const struct physical_memory *memory)
{
	return memory->count ? memory->ranges[memory->count - 1].end_gfn : 0;
}
