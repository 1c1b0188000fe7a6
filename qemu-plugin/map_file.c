// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map_file.c - the file of vmheat/plugin_map.h, as the plugin makes it, see map_file.h
 */
#define _GNU_SOURCE
#include "map_file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that others make and remove meanwhile. */
#define ATTEMPTS_MAX 10

static int lock_for_qemu(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = VMHEAT_PLUGIN_MAP_LOCK_QEMU, .l_len = 1
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* Whether @fd is a file that a plugin run by this user could have made. */
static bool is_ours(int fd, const struct stat *status)
{
	uint64_t magic;

	if (!S_ISREG(status->st_mode) || status->st_uid != geteuid() || status->st_nlink > 1)
		return false;
	/* Who was killed early has not written the magic yet. */
	return status->st_size == 0 || (pread(fd, &magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
					(magic == VMHEAT_PLUGIN_MAP_MAGIC || magic == 0) &&
					status->st_size == (off_t)VMHEAT_PLUGIN_MAP_FILE_BYTES);
}

/* Whether the name @path still stands for the file @status. */
static bool is_at(const char *path, const struct stat *status)
{
	struct stat now;

	return lstat(path, &now) == 0 && now.st_dev == status->st_dev && now.st_ino == status->st_ino;
}

/*
 * Make the new file at @path where there is none. Return: its descriptor, locked; -EEXIST if there is one.
 */
static int create_new(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	int error;

	if (fd < 0)
		return -errno;
	/*
	 * One who has not seen the lock yet may hold it for the moment that takes to find that this is not old.
	 */
	error = lock_for_qemu(fd);
	if (error != 0) {
		close(fd);
		return error;
	}
	return fd;
}

/*
 * Put a new file in the place of the one at @path. Return: as create_new(); -EAGAIN if it has gone meanwhile.
 */
static int replace_old(const char *path)
{
	int old = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), fd;
	struct stat status;

	if (old < 0)
		return errno == ENOENT ? -EAGAIN : errno == ELOOP ? -EEXIST : -errno;
	if (fstat(old, &status) != 0) {
		fd = -errno;
	} else if (!S_ISREG(status.st_mode)) {
		fd = -EEXIST;
	} else if ((fd = lock_for_qemu(old)) == 0) {
		if (!is_at(path, &status))
			fd = -EAGAIN;
		else if (!is_ours(old, &status))
			fd = -EEXIST;
		else if (unlink(path) != 0)
			fd = -errno;
		else
			fd = create_new(path);
	}
	close(old);
	return fd;
}

static int create_or_replace(const char *path)
{
	int fd = -EBUSY;

	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		fd = create_new(path);
		if (fd != -EEXIST)
			return fd;
		fd = replace_old(path);
		if (fd != -EAGAIN)
			return fd;
	}
	return fd == -EAGAIN ? -EBUSY : fd;
}

/* The mode is not the umask's to change. */
static int set_up(struct map_file *file)
{
	void *map;

	if (fchmod(file->fd, S_IRUSR | S_IWUSR) != 0 ||
	    ftruncate(file->fd, (off_t)VMHEAT_PLUGIN_MAP_FILE_BYTES) != 0)
		return -errno;
	if (fallocate(file->fd, 0, 0, (off_t)VMHEAT_PLUGIN_MAP_HEADER_BYTES) != 0)
		return -errno;
	map = mmap(NULL, VMHEAT_PLUGIN_MAP_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	file->map = (struct vmheat_plugin_map *)map;
	file->map->version = VMHEAT_PLUGIN_MAP_VERSION;
	__atomic_store_n(&file->map->magic, VMHEAT_PLUGIN_MAP_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

int map_file_create(struct map_file *file, const char *path)
{
	int error;

	file->fd = create_or_replace(path);
	if (file->fd < 0)
		return file->fd;
	error = set_up(file);
	if (error != 0) {
		unlink(path);
		close(file->fd);
	}
	return error;
}

uint64_t *map_file_bitmap(const struct map_file *file, unsigned int place)
{
	return (uint64_t *)(void *)((char *)file->map + VMHEAT_PLUGIN_MAP_BITMAP_OFFSET(place));
}

int map_file_reserve(const struct map_file *file, unsigned int place, uint64_t chunk)
{
	const uint64_t bytes = (UINT64_C(1) << MAP_FILE_CHUNK_SHIFT) / 8;

	return fallocate(file->fd, 0, (off_t)(VMHEAT_PLUGIN_MAP_BITMAP_OFFSET(place) + chunk * bytes),
			 (off_t)bytes) == 0
		       ? 0
		       : -errno;
}

bool map_file_has_observer(const struct map_file *file, unsigned int place)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = VMHEAT_PLUGIN_MAP_LOCK_OBSERVERS + (off_t)place,
			      .l_len = 1 };

	/* Who cannot tell does not take an observer for dead. */
	return fcntl(file->fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
