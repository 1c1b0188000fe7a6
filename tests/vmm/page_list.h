/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_list.h - lists of pages, as commands name them
 */
#ifndef VMM_PAGE_LIST_H
#define VMM_PAGE_LIST_H

#include <stdint.h>
#include "guest.h"

/** struct page_list - page numbers */
struct page_list {
	uint32_t count;
	uint32_t page[GUEST_MAX_TOUCHES];
};

/**
 * page_list_parse() - read a list: FIRST[-LAST[/STEP]], several separated by commas
 * @text:  is written to
 * @limit: that all pages must be below
 *
 * Return: 0, -EINVAL, -ERANGE, or -E2BIG
 */
int page_list_parse(struct page_list *list, char *text, uint32_t limit);

#endif /* VMM_PAGE_LIST_H */
