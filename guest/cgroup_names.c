/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_names.c - the paths of the guest's cgroups by their inodes, see cgroup_names.h
 */
#include "cgroup_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A search under way. */
struct search {
	struct cgroup_names *names;
	size_t missing; /* names that are not known yet */
	size_t folders; /* that may still be looked at */
	char path[PATH_MAX];
};

/* Where @id stands; VMHEAT_CGROUPS_MAX: nowhere, as is 0, which no cgroup has. */
static size_t index_of(const struct cgroup_names *names, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < VMHEAT_CGROUPS_MAX; i++)
		if (names->names[i].id == id)
			return i;
	return VMHEAT_CGROUPS_MAX;
}

bool cgroup_names_set(struct cgroup_names *names, uint64_t id, const char *path)
{
	size_t index = index_of(names, id);
	size_t length = strlen(path);
	size_t cut = length > VMHEAT_CGROUP_PATH_MAX ? length - VMHEAT_CGROUP_PATH_MAX : 0;

	/* One that is wanted has an entry with an empty path. */
	if (index == VMHEAT_CGROUPS_MAX || names->names[index].path[0] != '\0')
		return false;
	memcpy(names->names[index].path, path + cut, length - cut + 1);
	return true;
}

static void found(struct search *search, uint64_t id)
{
	search->missing -= cgroup_names_set(search->names, id, search->path);
}

static void search_folder(struct search *search, int parent, const char *name, size_t length, int depth);

/* Look at one entry of the folder @fd, whose path is @length bytes long. */
static void search_entry(struct search *search, int fd, const struct dirent *entry, size_t length, int depth)
{
	size_t size = strlen(entry->d_name);

	if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return;
	if (length + 1 + size >= sizeof(search->path))
		return;
	search->folders--;
	search->path[length] = '/';
	memcpy(search->path + length + 1, entry->d_name, size + 1);
	/* The file system shows in its folders the numbers that its inodes have: no stat() is needed. */
	found(search, entry->d_ino);
	if (depth < CGROUP_NAMES_DEPTH_MAX)
		search_folder(search, fd, entry->d_name, length + 1 + size, depth + 1);
	search->path[length] = '\0';
}

static void search_folder(struct search *search, int parent, const char *name, size_t length, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (folder == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (search->missing && search->folders && (entry = readdir(folder)) != NULL)
		search_entry(search, fd, entry, length, depth);
	(void)closedir(folder);
}

size_t cgroup_names_renew(struct cgroup_names *names, const struct vmheat_cgroup *cgroups, size_t count)
{
	struct cgroup_names old = *names;
	size_t missing = 0;

	memset(names, 0, sizeof(*names));
	for (size_t i = 0; i < count; i++) {
		size_t known = index_of(&old, cgroups[i].id);

		if (known < VMHEAT_CGROUPS_MAX)
			names->names[i] = old.names[known];
		names->names[i].id = cgroups[i].id;
		missing += cgroups[i].id != 0 && names->names[i].path[0] == '\0';
	}
	return missing;
}

void cgroup_names_search(struct cgroup_names *names, const char *root, size_t missing)
{
	struct search search = {
		.names = names, .missing = missing, .folders = CGROUP_NAMES_FOLDERS_MAX, .path = "/"
	};
	struct stat status;

	if (missing == 0)
		return;
	if (stat(root, &status) == 0)
		found(&search, status.st_ino);
	search_folder(&search, AT_FDCWD, root, 0, 0);
}

const char *cgroup_names_find(const struct cgroup_names *names, uint64_t id)
{
	size_t index = index_of(names, id);

	return index < VMHEAT_CGROUPS_MAX ? names->names[index].path : "";
}
