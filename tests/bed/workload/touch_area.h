/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * touch_area.h - anonymous memory whose every page is known: when it was touched, and what is in it
 *
 * Theory of operation
 *
 * The area is a large reservation that is touched from its beginning on, so "touched" is one number. Every
 * page has its own content, computed from its number: no two are the same, none compresses, and a page that
 * was lost or mixed up on the way through balloon, swap or a move is noticed when it is touched next. Huge
 * pages are turned off, so that one touched page is one page for the guest's kernel.
 */
#ifndef TESTS_BED_TOUCH_AREA_H
#define TESTS_BED_TOUCH_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOUCH_AREA_PAGE_SIZE 4096
#define TOUCH_AREA_MIB_PAGES 256u

/** Most that an area can hold, in MiB. */
#define TOUCH_AREA_MIB_MAX 65536u

/** Read it freely; the functions below change it. */
struct touch_area {
	uint8_t *base;
	size_t touched_pages; /* written at least once, from base on */
	uint64_t corrupt;     /* pages found with other content than they were given; each time counts */

	/* The hot set: every stride-th page from first_page on, page_count of them. */
	size_t first_page;
	size_t page_count;
	size_t stride;

	/* Measured, since the hot set was set. */
	uint64_t rounds;	 /* completed */
	size_t last_round_pages; /* touched in the last one */
	uint64_t last_round_ns;	 /* what that took */

	/* Measured, since the area was opened: the work done, whatever the hot set was. */
	uint64_t work_pages; /* touched by rounds */
	uint64_t work_ns;    /* what that took */
};

/** touch_area_open() - reserve address space. Whether that worked. */
bool touch_area_open(struct touch_area *area);

/** touch_area_grow() - write pages behind the touched ones until @pages are touched. Whether there is so much
 * room. */
bool touch_area_grow(struct touch_area *area, size_t pages);

/**
 * touch_area_shrink() - give the touched pages behind the first @pages back to the kernel
 *
 * Return: false if the hot set lies there. Shrinking to more pages than are touched changes nothing.
 */
bool touch_area_shrink(struct touch_area *area, size_t pages);

/**
 * touch_area_set_hot() - decide what a round touches; counts begin anew
 * @first_page, @page_count: the set; memory that was not touched yet is touched first. No pages: nothing is
 * hot.
 * @spread:		     not one page after the other, but evenly over all that is touched from
 * @first_page on
 *
 * Return: whether there is so much room.
 */
bool touch_area_set_hot(struct touch_area *area, size_t first_page, size_t page_count, bool spread);

/** touch_area_run_round() - touch the hot set once: read a word of every page and check it; write it every
 * other round. */
void touch_area_run_round(struct touch_area *area);

/** touch_area_check() - check every byte of every touched page. This touches them all. */
void touch_area_check(struct touch_area *area);

/** touch_area_now_ns() - CLOCK_MONOTONIC. */
uint64_t touch_area_now_ns(void);

#endif /* TESTS_BED_TOUCH_AREA_H */
