/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * touch_area.c - anonymous memory whose every page is known, see touch_area.h
 */
#include "touch_area.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE_WORDS     (TOUCH_AREA_PAGE_SIZE / sizeof(uint64_t))
#define AREA_PAGES_MAX ((size_t)TOUCH_AREA_MIB_MAX * TOUCH_AREA_MIB_PAGES)

uint64_t touch_area_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Word 0 of a page: an odd multiple of its number, so no two are equal. */
static uint64_t first_word(size_t page)
{
	return (page + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* The word after @word: a linear congruential step (Knuth's MMIX), cheap under emulation and not to be
 * compressed. */
static uint64_t next_word(uint64_t word)
{
	return word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

static volatile uint64_t *page_words(const struct touch_area *area, size_t page)
{
	return (volatile uint64_t *)(area->base + page * TOUCH_AREA_PAGE_SIZE);
}

bool touch_area_open(struct touch_area *area)
{
	size_t size = AREA_PAGES_MAX * TOUCH_AREA_PAGE_SIZE;
	void *base =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED || madvise(base, size, MADV_NOHUGEPAGE) != 0)
		return false;
	memset(area, 0, sizeof(*area));
	area->base = base;
	return true;
}

bool touch_area_grow(struct touch_area *area, size_t pages)
{
	if (pages > AREA_PAGES_MAX)
		return false;
	for (; area->touched_pages < pages; area->touched_pages++) {
		volatile uint64_t *words = page_words(area, area->touched_pages);
		uint64_t word = first_word(area->touched_pages);

		for (size_t i = 0; i < PAGE_WORDS; i++, word = next_word(word))
			words[i] = word;
	}
	return true;
}

bool touch_area_shrink(struct touch_area *area, size_t pages)
{
	if (pages >= area->touched_pages)
		return true;
	if (area->page_count && area->first_page + (area->page_count - 1) * area->stride >= pages)
		return false;
	if (madvise(area->base + pages * TOUCH_AREA_PAGE_SIZE,
		    (area->touched_pages - pages) * TOUCH_AREA_PAGE_SIZE, MADV_DONTNEED) != 0)
		return false;
	area->touched_pages = pages;
	return true;
}

bool touch_area_set_hot(struct touch_area *area, size_t first_page, size_t page_count, bool spread)
{
	if (page_count && !touch_area_grow(area, first_page + page_count))
		return false;
	area->first_page = first_page;
	area->page_count = page_count;
	area->stride = spread && page_count ? (area->touched_pages - first_page) / page_count : 1;
	area->rounds = 0;
	area->last_round_pages = 0;
	area->last_round_ns = 0;
	return true;
}

void touch_area_run_round(struct touch_area *area)
{
	uint64_t start_ns = touch_area_now_ns();
	bool write = area->rounds % 2;
	size_t page = area->first_page;
	size_t touched = 0;

	for (; touched < area->page_count; touched++, page += area->stride) {
		volatile uint64_t *words = page_words(area, page);
		uint64_t word = words[0];

		if (word != first_word(page))
			area->corrupt++;
		if (write)
			words[0] = word;
	}
	area->last_round_pages = touched;
	area->last_round_ns = touch_area_now_ns() - start_ns;
	area->rounds++;
	area->work_pages += touched;
	area->work_ns += area->last_round_ns;
}

void touch_area_check(struct touch_area *area)
{
	for (size_t page = 0; page < area->touched_pages; page++) {
		volatile uint64_t *words = page_words(area, page);
		uint64_t word = first_word(page);
		bool right = true;

		for (size_t i = 0; i < PAGE_WORDS; i++, word = next_word(word))
			right &= words[i] == word;
		area->corrupt += !right;
	}
}
