/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_words.c - the kernel's files with words of 8 bytes, see page_words.h
 */
#include "page_words.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define WORD_SIZE sizeof(uint64_t)

int page_words_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t page_words_read(int fd, uint64_t first, uint64_t *words, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t size = pread(fd, words + done, (count - done) * WORD_SIZE,
				     (off_t)((first + done) * WORD_SIZE));

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		if (size < (ssize_t)WORD_SIZE)
			break;
		done += (size_t)size / WORD_SIZE;
	}
	return (ssize_t)done;
}
