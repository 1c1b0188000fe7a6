/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paths.h - the kernel's files that the agent reads, in one place, so that tests can point it to others
 */
#ifndef VMHEAT_GUEST_PATHS_H
#define VMHEAT_GUEST_PATHS_H

/** Where the guest's kernel shows what the agent needs. */
struct guest_paths {
	const char *page_idle_bitmap; /* Documentation/admin-guide/mm/idle_page_tracking.rst */
	const char *page_flags;	      /* Documentation/admin-guide/mm/pagemap.rst */
	const char *page_counts;      /* likewise */
	const char *page_cgroups;     /* likewise */
	const char *cgroup_root;      /* where cgroups of version 2 are */
	const char *lru_gen;	      /* Documentation/admin-guide/mm/multigen_lru.rst */
	const char *lru_gen_enabled;
	const char *physical_memory;
	const char *vmstat;
	const char *memory_pressure;
	const char *meminfo;
};

/** The running kernel's own. */
extern const struct guest_paths guest_paths_of_kernel;

#endif /* VMHEAT_GUEST_PATHS_H */
