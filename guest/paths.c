/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paths.c - where the running kernel shows what the agent needs
 */
#include "paths.h"

const struct guest_paths guest_paths_of_kernel = {
	.page_idle_bitmap = "/sys/kernel/mm/page_idle/bitmap",
	.page_flags = "/proc/kpageflags",
	.page_counts = "/proc/kpagecount",
	.page_cgroups = "/proc/kpagecgroup",
	.cgroup_root = "/sys/fs/cgroup",
	.lru_gen = "/sys/kernel/debug/lru_gen",
	.lru_gen_enabled = "/sys/kernel/mm/lru_gen/enabled",
	.physical_memory = "/proc/iomem",
	.vmstat = "/proc/vmstat",
	.memory_pressure = "/proc/pressure/memory",
	.meminfo = "/proc/meminfo",
};
