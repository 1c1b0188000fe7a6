// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * page_list.c - lists of pages, as commands name them
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "page_list.h"

static int parse_range(struct page_list *list, const char *text, uint32_t limit)
{
	unsigned long first, last, step = 1;
	char *end;

	first = last = strtoul(text, &end, 10);
	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	if (*end == '/')
		step = strtoul(end + 1, &end, 10);
	if (end == text || *end || last < first || !step)
		return -EINVAL;
	if (last >= limit)
		return -ERANGE;
	for (; first <= last; first += step) {
		if (list->count == GUEST_MAX_TOUCHES)
			return -E2BIG;
		list->page[list->count++] = first;
	}
	return 0;
}

int page_list_parse(struct page_list *list, char *text, uint32_t limit)
{
	char *save, *range;
	int error = 0;

	list->count = 0;
	for (range = strtok_r(text, ",", &save); range && !error; range = strtok_r(NULL, ",", &save))
		error = parse_range(list, range, limit);
	return error;
}
