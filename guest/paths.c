/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paths.c - where the running kernel shows what the agent needs
 */
#include "paths.h"

const struct guest_paths guest_paths_of_kernel = {
	.page_idle_bitmap = "/sys/kernel/mm/page_idle/bitmap",
	.page_flags = "/proc/kpageflags",
	.physical_memory = "/proc/iomem",
	.vmstat = "/proc/vmstat",
	.memory_pressure = "/proc/pressure/memory",
	.meminfo = "/proc/meminfo",
};
