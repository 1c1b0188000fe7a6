/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_map.h - /proc/PID/idle_bitmap as a checking program uses it
 */
#ifndef IDLE_MAP_H
#define IDLE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IDLE_PAGE_SIZE 4096UL

/**
 * idle_map_open() - open /proc/PID/idle_bitmap for reading and writing. Return: a file descriptor, or a
 * negative errno.
 */
int idle_map_open(pid_t pid);

/**
 * idle_map_mark() - mark pages idle
 * @address: of the first page
 * @pages:   how many
 * @set:     which of them, one byte a page; NULL for all
 *
 * Return: 0 or a negative errno
 */
int idle_map_mark(int fd, uintptr_t address, size_t pages, const bool *set);

/**
 * idle_map_read() - read the idle bits of pages into one byte a page. Return: 0 or a negative errno;
 * -ENODATA at end of file.
 */
int idle_map_read(int fd, uintptr_t address, size_t pages, bool *idle);

#endif /* IDLE_MAP_H */
