/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_idle.h - read and mark the guest's page_idle bitmap
 */
#ifndef VMHEAT_GUEST_PAGE_IDLE_H
#define VMHEAT_GUEST_PAGE_IDLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Pages that one word of the bitmap describes. */
#define PAGE_IDLE_WORD_PAGES 64

/** page_idle_open() - a file descriptor, or a negative errno: the kernel has no page_idle, or we are not
 * root. */
int page_idle_open(const char *path);

/**
 * page_idle_read() - read the words of @count * 64 pages from @first_gfn, a multiple of 64, on
 *
 * A bit is set if its page is on an LRU list and was not accessed since it was marked. The kernel gives no
 * word that reaches beyond its highest page, not even in part (mm/page_idle.c).
 *
 * Return: words read, fewer than @count at the end of memory; or a negative errno.
 */
ssize_t page_idle_read(int fd, uint64_t first_gfn, uint64_t *words, size_t count);

/** page_idle_mark() - mark every page idle whose bit is set, likewise. Return: 0, or a negative errno. */
int page_idle_mark(int fd, uint64_t first_gfn, const uint64_t *words, size_t count);

#endif /* VMHEAT_GUEST_PAGE_IDLE_H */
