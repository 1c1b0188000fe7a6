// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_map.c - /proc/PID/idle_bitmap as a checking program uses it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_map.h"

int idle_map_open(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/" VMHEAT_IDLE_BITMAP_NAME, (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The words that a range of pages lies in. */
struct words {
	uint64_t *word;
	size_t bytes;
	off_t offset;	/* in the file */
	unsigned first; /* the bit of the first page */
};

static int words_new(struct words *words, uintptr_t address, size_t pages)
{
	uint64_t page = address / IDLE_PAGE_SIZE;
	size_t count;

	words->first = page % VMHEAT_IDLE_BITMAP_WORD_PAGES;
	count = (words->first + pages + VMHEAT_IDLE_BITMAP_WORD_PAGES - 1) / VMHEAT_IDLE_BITMAP_WORD_PAGES;
	words->bytes = count * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	words->offset = page / VMHEAT_IDLE_BITMAP_WORD_PAGES * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	words->word = calloc(count, VMHEAT_IDLE_BITMAP_WORD_SIZE);
	return words->word ? 0 : -ENOMEM;
}

static int transfer_result(ssize_t done, size_t bytes)
{
	if (done < 0)
		return -errno;
	return (size_t)done == bytes ? 0 : -ENODATA;
}

int idle_map_mark(int fd, uintptr_t address, size_t pages, const bool *set)
{
	struct words words;
	size_t i;
	int ret = words_new(&words, address, pages);

	if (ret)
		return ret;
	for (i = 0; i < pages; i++) {
		if (!set || set[i])
			words.word[(words.first + i) / 64] |= 1ULL << (words.first + i) % 64;
	}
	ret = transfer_result(pwrite(fd, words.word, words.bytes, words.offset), words.bytes);
	free(words.word);
	return ret;
}

int idle_map_read(int fd, uintptr_t address, size_t pages, bool *idle)
{
	struct words words;
	size_t i;
	int ret = words_new(&words, address, pages);

	if (ret)
		return ret;
	ret = transfer_result(pread(fd, words.word, words.bytes, words.offset), words.bytes);
	for (i = 0; !ret && i < pages; i++)
		idle[i] = words.word[(words.first + i) / 64] >> (words.first + i) % 64 & 1;
	free(words.word);
	return ret;
}
