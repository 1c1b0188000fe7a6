/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_names.h - the paths of the guest's cgroups by their inodes
 *
 * The inode of a cgroup's folder never comes again and its name never changes, so what was found is kept: the file system
 * is only searched when a cgroup is new. A search looks at a bounded number of folders; what lies beyond stays nameless.
 */
#ifndef VMHEAT_GUEST_CGROUP_NAMES_H
#define VMHEAT_GUEST_CGROUP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmheat/guest_protocol.h"

/** Folders that one search looks at, and how deep. */
#define CGROUP_NAMES_FOLDERS_MAX 4096
#define CGROUP_NAMES_DEPTH_MAX	 16

/** One cgroup's name; id 0: unused. */
struct cgroup_name {
	uint64_t id;
	char path[VMHEAT_CGROUP_PATH_MAX + 1]; /* from the root of the hierarchy, "/" itself included */
};

/** Names of the last scan's cgroups; all zero is empty. 13 KiB. */
struct cgroup_names {
	struct cgroup_name names[VMHEAT_CGROUPS_MAX];
};

/**
 * cgroup_names_renew() - make room for the names of these cgroups, and forget those of all others
 * @cgroups: @count of them, at most VMHEAT_CGROUPS_MAX
 *
 * Return: how many have no name yet.
 */
size_t cgroup_names_renew(struct cgroup_names *names, const struct vmheat_cgroup *cgroups, size_t count);

/**
 * cgroup_names_set() - @id is called @path, of which the end is kept if it is too long
 *
 * Return: whether it is one for which there is room, and had no name.
 */
bool cgroup_names_set(struct cgroup_names *names, uint64_t id, const char *path);

/** cgroup_names_search() - find @missing names in the file system below @root, a hierarchy of cgroups. */
void cgroup_names_search(struct cgroup_names *names, const char *root, size_t missing);

/** cgroup_names_find() - the path of @id; "" if it is not known. */
const char *cgroup_names_find(const struct cgroup_names *names, uint64_t id);

#endif /* VMHEAT_GUEST_CGROUP_NAMES_H */
