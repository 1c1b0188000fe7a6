/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_moves_linux.c - what page moves need of the kernel, from the kernel that runs
 */
#define _GNU_SOURCE /* process_madvise(), process_vm_readv() */
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <numaif.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/uio.h>
#include <unistd.h>
#include "numa_balancing.h"
#include "page_moves.h"

/* In an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): a page is mapped; its frame. */
#define PAGEMAP_PRESENT	   (G_GUINT64_CONSTANT(1) << 63)
#define PAGEMAP_FRAME_MASK ((G_GUINT64_CONSTANT(1) << 55) - 1)

/* Pages read at once, at most IOV_MAX. */
#define READ_BATCH 1024u

/*
 * MADV_COLD of a part of a huge page splits it first (mm/madvise.c). For the page itself it says what is
 * true: it was not used of late. Whatever fails here shows in the moves that follow.
 */
static void split_huge_page(int pid, void *address)
{
	const struct iovec page = { .iov_base = address, .iov_len = PAGE_MAP_PAGE_SIZE };
	int process = pidfd_open(pid, 0);

	if (process < 0)
		return;
	(void)process_madvise(process, &page, 1, MADV_COLD, 0);
	close(process);
}

/* Read a byte at each of @addresses, at most READ_BATCH; this fault gives a page its access rights back. */
static void read_bytes(int pid, const struct iovec *addresses, guint count)
{
	guint8 bytes[READ_BATCH];
	guint done = 0;

	while (done < count) {
		const struct iovec local = { .iov_base = bytes, .iov_len = count - done };
		ssize_t got = process_vm_readv(pid, &local, 1, addresses + done, count - done, 0);

		/* It stops at a page that went away meanwhile, which is passed over. */
		done += got > 0 ? (guint)got : 1;
	}
}

/* Whether a page of its own is mapped at @address: the zero page is nobody's, and cannot be moved. */
static gboolean is_mapped(int pagemap, int kpageflags, const void *address)
{
	off_t vpn = (off_t)((uintptr_t)address / PAGE_MAP_PAGE_SIZE);
	guint64 entry, flags;
	off_t frame;

	if (pread(pagemap, &entry, sizeof(entry), vpn * (off_t)sizeof(entry)) != sizeof(entry) ||
	    (entry & PAGEMAP_PRESENT) == 0)
		return FALSE;
	frame = (off_t)(entry & PAGEMAP_FRAME_MASK);
	return pread(kpageflags, &flags, sizeof(flags), frame * (off_t)sizeof(flags)) == sizeof(flags) &&
	       (flags >> KPF_ZERO_PAGE & 1) == 0;
}

static void find_mapped(int pid, void *const *addresses, guint count, gboolean reveal, gboolean *mapped)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/pagemap", pid);
	int pagemap = open(path, O_RDONLY | O_CLOEXEC);
	int kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	struct iovec hidden[READ_BATCH];
	guint found = 0;

	reveal = reveal && !numa_balancing_is_on();
	for (guint i = 0; i < count; i++) {
		mapped[i] = is_mapped(pagemap, kpageflags, addresses[i]);
		if (mapped[i])
			hidden[found++] = (struct iovec){ .iov_base = addresses[i], .iov_len = 1 };
		if (found == READ_BATCH || i == count - 1) {
			if (reveal)
				read_bytes(pid, hidden, found);
			found = 0;
		}
	}
	if (pagemap >= 0)
		close(pagemap);
	if (kpageflags >= 0)
		close(kpageflags);
}

const struct page_moves_kernel page_moves_linux = {
	.move_pages = move_pages,
	.split = split_huge_page,
	.find_mapped = find_mapped,
};
