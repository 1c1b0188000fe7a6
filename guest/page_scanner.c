/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_scanner.c - what happened to the guest's pages since the last scan, see page_scanner.h
 */
#include "page_scanner.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "counters.h"
#include "page_flags.h"
#include "page_idle.h"

#define PAGE_SHIFT 12

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void page_scanner_open(struct page_scanner *scanner, const struct guest_paths *paths)
{
	scanner->paths = paths;
	scanner->page_idle_fd = page_idle_open(paths->page_idle_bitmap);
	scanner->page_flags_fd = page_flags_open(paths->page_flags);
	scanner->marked_ns = 0;
}

void page_scanner_close(struct page_scanner *scanner)
{
	if (scanner->page_idle_fd >= 0)
		close(scanner->page_idle_fd);
	if (scanner->page_flags_fd >= 0)
		close(scanner->page_flags_fd);
}

void page_scanner_hello(struct page_scanner *scanner, struct vmheat_hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	if (scanner->page_flags_fd >= 0)
		hello->capabilities |= VMHEAT_GUEST_HAS_PAGE_FLAGS;
	if (scanner->page_flags_fd >= 0 && scanner->page_idle_fd >= 0)
		hello->capabilities |= VMHEAT_GUEST_HAS_PAGE_IDLE;
	hello->page_shift = PAGE_SHIFT;
	(void)physical_memory_read(&scanner->memory, scanner->paths->physical_memory);
	hello->end_gfn = physical_memory_end(&scanner->memory);
}

/*
 * Fill in idle bits and flags of the chunk of @count pages from @gfn on, a word's first page, and mark again
 * what of it is not idle. Pages beside the guest's memory are of no interest to the kernel. Return: pages
 * whose idle bit the kernel told, or a negative errno.
 */
static ssize_t read_and_mark(struct page_scanner *scanner, uint64_t gfn, size_t count, const char **failed)
{
	size_t words = (count + PAGE_IDLE_WORD_PAGES - 1) / PAGE_IDLE_WORD_PAGES;
	ssize_t known_words = 0;
	ssize_t result;

	memset(scanner->idle, 0, sizeof(scanner->idle));
	if (scanner->page_idle_fd >= 0) {
		*failed = "reading page_idle";
		known_words = page_idle_read(scanner->page_idle_fd, gfn, scanner->idle, words);
		if (known_words < 0)
			return known_words;
	}

	*failed = "reading kpageflags";
	memset(scanner->flags, 0, sizeof(scanner->flags));
	result = page_flags_read(scanner->page_flags_fd, gfn, scanner->flags, count);
	if (result < 0)
		return result;

	if (scanner->page_idle_fd >= 0) {
		for (size_t i = 0; i < words; i++)
			scanner->not_idle[i] = ~scanner->idle[i];
		*failed = "marking in page_idle";
		result = page_idle_mark(scanner->page_idle_fd, gfn, scanner->not_idle, words);
		if (result < 0)
			return result;
	}
	return known_words * PAGE_IDLE_WORD_PAGES;
}

static int scan_range(struct page_scanner *scanner, const struct frame_range *range, bool window_known,
		      struct run_encoder *encoder, const char **failed)
{
	struct page_classifier classifier = { 0 };
	uint64_t chunk = range->first_gfn - range->first_gfn % PAGE_SCANNER_CHUNK_PAGES;

	for (; chunk < range->end_gfn; chunk += PAGE_SCANNER_CHUNK_PAGES) {
		uint64_t left = range->end_gfn - chunk;
		size_t end = left < PAGE_SCANNER_CHUNK_PAGES ? left : PAGE_SCANNER_CHUNK_PAGES;
		size_t first = chunk < range->first_gfn ? range->first_gfn - chunk : 0;
		ssize_t known = read_and_mark(scanner, chunk, end, failed);
		int error;

		if (known < 0)
			return (int)known;
		for (size_t i = first; i < end; i++) {
			bool idle = scanner->idle[i / PAGE_IDLE_WORD_PAGES] >> i % PAGE_IDLE_WORD_PAGES & 1;
			bool idle_known = window_known && i < (size_t)known;

			scanner->pages[i] = page_classify(&classifier, scanner->flags[i], idle_known, idle);
		}
		*failed = NULL;
		error = run_encoder_add(encoder, chunk + first, scanner->pages + first, end - first);
		if (error)
			return error;
	}
	return 0;
}

int page_scanner_run(struct page_scanner *scanner, struct run_encoder *encoder, struct vmheat_scan_end *end,
		     const char **failed)
{
	uint64_t start_ns = now_ns();
	uint64_t marked_ns = scanner->marked_ns;
	int error;

	memset(end, 0, sizeof(*end));
	scanner->marked_ns = 0;
	*failed = "reading iomem";
	error = physical_memory_read(&scanner->memory, scanner->paths->physical_memory);
	if (error)
		return error;
	if (scanner->page_flags_fd >= 0) {
		for (size_t i = 0; i < scanner->memory.count; i++) {
			error = scan_range(scanner, &scanner->memory.ranges[i], marked_ns != 0, encoder,
					   failed);
			if (error)
				return error;
		}
	}
	scanner->marked_ns = now_ns();

	*failed = NULL;
	error = run_encoder_finish(encoder);
	counters_read(end, scanner->paths);
	end->window_ns = marked_ns ? start_ns - marked_ns : 0;
	end->scan_ns = now_ns() - start_ns;
	return error;
}
