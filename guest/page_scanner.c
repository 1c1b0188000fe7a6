/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_scanner.c - what happened to the guest's pages since the last scan, see page_scanner.h
 */
#include "page_scanner.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "counters.h"
#include "lru_gen.h"
#include "page_flags.h"
#include "page_idle.h"
#include "page_words.h"

#define PAGE_SHIFT 12
#define TICK_MS	   10 /* of the kernel's clock, at its coarsest: it rounds the age of a generation up */

void page_scanner_open(struct page_scanner *scanner, const struct guest_paths *paths)
{
	scanner->paths = paths;
	scanner->page_idle_fd = page_idle_open(paths->page_idle_bitmap);
	scanner->page_flags_fd = page_words_open(paths->page_flags);
	scanner->page_counts_fd = page_words_open(paths->page_counts);
	scanner->page_cgroups_fd = page_words_open(paths->page_cgroups);
	scanner->lru_gen = scanner->page_idle_fd < 0 && lru_gen_is_on(paths->lru_gen, paths->lru_gen_enabled);
	scanner->marked_ns = 0;
	scanner->aged_ns = 0;
}

void page_scanner_close(struct page_scanner *scanner)
{
	const int fds[] = { scanner->page_idle_fd, scanner->page_flags_fd, scanner->page_counts_fd,
			    scanner->page_cgroups_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool has_page_idle(const struct page_scanner *scanner)
{
	return scanner->page_flags_fd >= 0 && scanner->page_idle_fd >= 0;
}

/* By single pages; lru_gen does without. */
static bool has_cgroups(const struct page_scanner *scanner)
{
	return has_page_idle(scanner) && scanner->page_cgroups_fd >= 0 && scanner->page_counts_fd >= 0;
}

void page_scanner_hello(struct page_scanner *scanner, struct vmheat_hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	if (scanner->page_flags_fd >= 0)
		hello->capabilities |= VMHEAT_GUEST_HAS_PAGE_FLAGS;
	if (has_page_idle(scanner))
		hello->capabilities |= VMHEAT_GUEST_HAS_PAGE_IDLE;
	if (has_cgroups(scanner))
		hello->capabilities |= VMHEAT_GUEST_HAS_CGROUPS;
	if (scanner->lru_gen)
		hello->capabilities |= VMHEAT_GUEST_HAS_LRU_GEN | VMHEAT_GUEST_HAS_CGROUPS;
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
	result = page_words_read(scanner->page_flags_fd, gfn, scanner->flags, count);
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

/* Read to whom the pages of the chunk are charged. Like their flags it may change under the reader. */
static int read_cgroups(struct page_scanner *scanner, uint64_t gfn, size_t count, const char **failed)
{
	ssize_t result;

	memset(scanner->cgroup_ids, 0, sizeof(scanner->cgroup_ids));
	*failed = "reading kpagecgroup";
	result = page_words_read(scanner->page_cgroups_fd, gfn, scanner->cgroup_ids, count);
	if (result < 0)
		return (int)result;
	memset(scanner->counts, 0, sizeof(scanner->counts));
	*failed = "reading kpagecount";
	result = page_words_read(scanner->page_counts_fd, gfn, scanner->counts, count);
	return result < 0 ? (int)result : 0;
}

/* Count the chunk's pages from @first up to @end. A tail belongs to whom its head belongs. */
static void count_cgroups(struct page_scanner *scanner, size_t first, size_t end)
{
	uint64_t head = 0;

	for (size_t i = first; i < end; i++) {
		if (!page_is_tail(scanner->flags[i]))
			head = scanner->cgroup_ids[i];
		if (head != 0)
			cgroup_table_add(&scanner->cgroups, head, scanner->pages[i], scanner->counts[i] != 0);
	}
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
		if (has_cgroups(scanner)) {
			error = read_cgroups(scanner, chunk, end, failed);
			if (error)
				return error;
			count_cgroups(scanner, first, end);
		}
		*failed = NULL;
		error = run_encoder_add(encoder, chunk + first, scanner->pages + first, end - first);
		if (error)
			return error;
	}
	return 0;
}

/* Age all cgroups, and count what was accessed since the last time. */
static int scan_generations(struct page_scanner *scanner, const char **failed)
{
	const char *path = scanner->paths->lru_gen;
	uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
	uint64_t aged_ns = scanner->aged_ns;
	int error;

	scanner->aged_ns = 0;
	*failed = "aging by lru_gen";
	error = lru_gen_age(path);
	if (error)
		return error;
	*failed = "reading lru_gen";
	error = lru_gen_count(path, aged_ns ? (clock_ns(CLOCK_MONOTONIC) - aged_ns) / 1000000 + TICK_MS : 0,
			      &scanner->cgroups);
	if (!error)
		scanner->aged_ns = start_ns;
	return error;
}

int page_scanner_run(struct page_scanner *scanner, struct run_encoder *encoder, struct vmheat_scan_end *end,
		     const char **failed)
{
	uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
	uint64_t marked_ns = scanner->marked_ns;
	int error;

	memset(end, 0, sizeof(*end));
	cgroup_table_clear(&scanner->cgroups);
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
	if (scanner->lru_gen) {
		error = scan_generations(scanner, failed);
		if (error)
			return error;
	}
	scanner->marked_ns = clock_ns(CLOCK_MONOTONIC);

	*failed = NULL;
	error = run_encoder_finish(encoder);
	counters_read(end, scanner->paths);
	end->flags = has_page_idle(scanner) ? 0 : VMHEAT_SCAN_NO_PAGE_IDLE;
	end->window_ns = marked_ns ? start_ns - marked_ns : 0;
	end->scan_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
	return error;
}

size_t page_scanner_cgroups(struct page_scanner *scanner, const struct vmheat_cgroup **cgroups)
{
	size_t count = cgroup_table_largest(&scanner->cgroups, VMHEAT_CGROUPS_MAX, cgroups);

	if (scanner->lru_gen)
		(void)lru_gen_names(scanner->paths->lru_gen, &scanner->names, *cgroups, count);
	else
		cgroup_names_search(&scanner->names, scanner->paths->cgroup_root,
				    cgroup_names_renew(&scanner->names, *cgroups, count));
	return count;
}
