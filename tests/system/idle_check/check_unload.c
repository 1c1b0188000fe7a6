// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_unload.c - the module cannot be unloaded while something of it is in use
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "idle_check.h"
#include "idle_map.h"

#define MODULE_NAME "kvm_idle"

static int unload(void)
{
	return syscall(SYS_delete_module, MODULE_NAME, O_NONBLOCK) ? -errno : 0;
}

static bool unload_while_open(void)
{
	int fd = idle_map_open(getpid());

	EXPECT(fd >= 0);
	EXPECT(unload() == -EWOULDBLOCK);
	close(fd);
	return true;
}

/* A listing of /proc/self that stops in the kernel until its buffer is given a page. */
struct stopped_listing {
	uint8_t *buffer;
	long length; /* of what it returned */
};

static void *list_proc_self(void *argument)
{
	struct stopped_listing *listing = argument;
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY);

	listing->length = syscall(SYS_getdents64, fd, listing->buffer, IDLE_PAGE_SIZE);
	close(fd);
	return NULL;
}

static int new_userfault(void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)page, IDLE_PAGE_SIZE },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		return -errno;
	return fd;
}

/*
 * getdents() that sleeps in the middle of our table holds the module; when it goes on it finds the table
 * intact.
 */
static bool unload_while_listed(void)
{
	struct stopped_listing listing = { 0 };
	struct uffdio_zeropage zero;
	struct uffd_msg message;
	pthread_t thread;
	int userfault;

	listing.buffer =
		mmap(NULL, IDLE_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(listing.buffer != MAP_FAILED);
	userfault = new_userfault(listing.buffer);
	EXPECT(userfault >= 0, "userfaultfd: %s", strerror(-userfault));
	EXPECT(!pthread_create(&thread, NULL, list_proc_self, &listing));
	EXPECT(read(userfault, &message, sizeof(message)) == sizeof(message));
	EXPECT(unload() == -EWOULDBLOCK);

	zero = (struct uffdio_zeropage){ .range = { (uintptr_t)listing.buffer, IDLE_PAGE_SIZE } };
	EXPECT(!ioctl(userfault, UFFDIO_ZEROPAGE, &zero));
	pthread_join(thread, NULL);
	EXPECT(listing.length > 0);
	EXPECT(memmem(listing.buffer, listing.length, "idle_bitmap", sizeof("idle_bitmap")));
	close(userfault);
	return true;
}

const struct check unload_checks[] = {
	{ "unload-while-open", unload_while_open },
	{ "unload-while-listed", unload_while_listed },
	{ NULL, NULL },
};
