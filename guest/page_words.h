/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_words.h - the kernel's files with one word of 8 bytes for each guest frame: kpageflags, kpagecount, kpagecgroup
 */
#ifndef VMHEAT_GUEST_PAGE_WORDS_H
#define VMHEAT_GUEST_PAGE_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** page_words_open() - a file descriptor, or a negative errno: the kernel has no such file, or we are not root. */
int page_words_open(const char *path);

/**
 * page_words_read() - read the words of @count pages from @first_gfn on
 *
 * Return: pages read, fewer than @count at the end of memory; or a negative errno.
 */
ssize_t page_words_read(int fd, uint64_t first_gfn, uint64_t *words, size_t count);

#endif /* VMHEAT_GUEST_PAGE_WORDS_H */
