/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_idle.c - read and mark the guest's page_idle bitmap
 *
 * The idle state is the kernel's, one for the whole guest: whoever else marks pages there disturbs the agent.
 */
#include "page_idle.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "page_words.h"

#define WORD_SIZE sizeof(uint64_t)

int page_idle_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t page_idle_read(int fd, uint64_t first_gfn, uint64_t *words, size_t count)
{
	return page_words_read(fd, first_gfn / PAGE_IDLE_WORD_PAGES, words, count);
}

int page_idle_mark(int fd, uint64_t first_gfn, const uint64_t *words, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t size = pwrite(fd, words + done, (count - done) * WORD_SIZE,
				      (off_t)((first_gfn / PAGE_IDLE_WORD_PAGES + done) * WORD_SIZE));

		if (size < 0 && errno == EINTR)
			continue;
		/* The end of memory: a word that reaches beyond it is obeyed, but not counted as written. */
		if (size < 0 && errno == ENXIO)
			break;
		if (size < 0)
			return -errno;
		if (size < (ssize_t)WORD_SIZE)
			break;
		done += (size_t)size / WORD_SIZE;
	}
	return 0;
}
