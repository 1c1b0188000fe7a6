// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_shared.c - processes that share a page table
 *
 * hugetlb lets processes that map the same GiB of a file share the table of its 2 MiB leaves, and with it the
 * leaves' accessed bits.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "idle_check.h"
#include "idle_map.h"

#define GIB	   (1UL << 30)
#define LEAF_PAGES 512
/* Aligned to 1 GiB, and nothing else is ever mapped there. */
#define SHARED_ADDRESS 0x100000000000UL

/* Let the host have some 2 MiB pages to give away. */
static bool set_huge_pages(unsigned int count)
{
	FILE *setting = fopen("/proc/sys/vm/nr_hugepages", "w");
	bool written = setting && fprintf(setting, "%u\n", count) > 0;

	return setting && !fclose(setting) && written;
}

/* The other process: touches the first page and says so, once for each byte that it is sent. */
static void serve(const volatile char *page, int socket)
{
	char order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(socket, &order, 1) == 1) {
		(void)*page;
		if (write(socket, &order, 1) != 1)
			break;
	}
	_exit(0);
}

static bool touch_by_other(int socket)
{
	char order = 't';

	return write(socket, &order, 1) == 1 && read(socket, &order, 1) == 1;
}

/* What the other process touched after its page was marked is not idle, however often we mark ours. */
static bool nothing_is_stolen(volatile char *page, pid_t other, int socket)
{
	int ours = idle_map_open(getpid()), theirs = idle_map_open(other);
	bool idle[LEAF_PAGES];
	unsigned int round;

	EXPECT(ours >= 0 && theirs >= 0);
	*page = 1;
	EXPECT(touch_by_other(socket));
	for (round = 0; round < 20; round++) {
		EXPECT(!idle_map_mark(theirs, SHARED_ADDRESS, LEAF_PAGES, NULL));
		EXPECT(touch_by_other(socket));
		EXPECT(!idle_map_mark(ours, SHARED_ADDRESS, LEAF_PAGES, NULL));
		EXPECT(!idle_map_read(theirs, SHARED_ADDRESS, LEAF_PAGES, idle));
		EXPECT(!idle[0], "round %u: touched by the other process, but idle there", round);
	}
	close(ours);
	close(theirs);
	return true;
}

static bool shared_table(void)
{
	int file = memfd_create("shared", MFD_HUGETLB | MFD_CLOEXEC), sockets[2];
	bool right;
	char *page;
	pid_t other;

	EXPECT(set_huge_pages(4));
	EXPECT(file >= 0 && !ftruncate(file, GIB));
	page = mmap((void *)SHARED_ADDRESS, GIB, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, file, 0);
	EXPECT(page != MAP_FAILED);
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	fflush(stdout);
	other = fork();
	EXPECT(other >= 0);
	if (!other) {
		close(sockets[0]);
		serve(page, sockets[1]);
	}
	close(sockets[1]);
	right = nothing_is_stolen(page, other, sockets[0]);
	close(sockets[0]);
	waitpid(other, NULL, 0);
	munmap(page, GIB);
	close(file);
	return set_huge_pages(0) && right;
}

const struct check shared_checks[] = {
	{ "shared-table", shared_table },
	{ NULL, NULL },
};
