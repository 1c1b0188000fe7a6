/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_words.h - the kernel's files with words of 8 bytes: kpageflags, kpagecount and kpagecgroup with one
 *                for each guest frame, page_idle/bitmap with one for 64
 */
#ifndef VMHEAT_GUEST_PAGE_WORDS_H
#define VMHEAT_GUEST_PAGE_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** page_words_open() - a file descriptor, or a negative errno: the kernel has no such file, or we are not root. */
int page_words_open(const char *path);

/**
 * page_words_read() - read @count words from number @first on
 *
 * Return: words read, fewer than @count at the end of memory; or a negative errno.
 */
ssize_t page_words_read(int fd, uint64_t first, uint64_t *words, size_t count);

#endif /* VMHEAT_GUEST_PAGE_WORDS_H */
