// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ram_layout.c - which host address of QEMU's is which guest page, see ram_layout.h
 */
#include "ram_layout.h"
#include <stdlib.h>
#include <string.h>

void ram_layout_clear(struct ram_layout *layout)
{
	/* With the padding, so that layouts can be copied as words. */
	memset(layout, 0, sizeof(*layout));
	layout->complete = true;
}

/* The segment that a part of @block with this distance to the guest's addresses belongs to. */
static struct ram_segment *find_segment(struct ram_layout *layout, const void *block, uint64_t distance)
{
	for (size_t i = 0; i < layout->count; i++) {
		struct ram_segment *segment = &layout->segments[i];

		if (segment->block == block && segment->host - (segment->gfn << GUEST_PAGE_SHIFT) == distance)
			return segment;
	}
	return NULL;
}

void ram_layout_add(struct ram_layout *layout, const void *block, uint64_t host, uint64_t guest,
		    uint64_t bytes)
{
	uint64_t cut = -guest & (GUEST_PAGE_SIZE - 1), pages;
	struct ram_segment *segment;

	if (bytes < cut || ((host + cut) & (GUEST_PAGE_SIZE - 1)) != 0)
		return;
	host += cut;
	guest += cut;
	pages = (bytes - cut) >> GUEST_PAGE_SHIFT;
	if (pages == 0)
		return;
	segment = find_segment(layout, block, host - guest);
	if (segment != NULL) {
		uint64_t start = host < segment->host ? host : segment->host;
		uint64_t end = segment->host + (segment->pages << GUEST_PAGE_SHIFT);

		if (host + (pages << GUEST_PAGE_SHIFT) > end)
			end = host + (pages << GUEST_PAGE_SHIFT);
		segment->gfn -= (segment->host - start) >> GUEST_PAGE_SHIFT;
		segment->host = start;
		segment->pages = (end - start) >> GUEST_PAGE_SHIFT;
	} else if (layout->count == RAM_LAYOUT_SEGMENTS_MAX) {
		layout->complete = false;
	} else {
		layout->segments[layout->count++] = (struct ram_segment){
			.host = host, .gfn = guest >> GUEST_PAGE_SHIFT, .pages = pages, .block = block
		};
	}
}

static int compare_segments(const void *a, const void *b)
{
	const struct ram_segment *x = (const struct ram_segment *)a, *y = (const struct ram_segment *)b;

	if (x->pages != y->pages)
		return x->pages > y->pages ? -1 : 1;
	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

void ram_layout_sort(struct ram_layout *layout)
{
	qsort(layout->segments, layout->count, sizeof(layout->segments[0]), compare_segments);
}

bool ram_layout_equal(const struct ram_layout *a, const struct ram_layout *b)
{
	if (a->count != b->count || a->complete != b->complete)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct ram_segment *x = &a->segments[i], *y = &b->segments[i];

		if (x->host != y->host || x->gfn != y->gfn || x->pages != y->pages || x->block != y->block)
			return false;
	}
	return true;
}

bool ram_layout_find(const struct ram_layout *layout, uint64_t host, uint64_t *gfn)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct ram_segment *segment = &layout->segments[i];
		uint64_t page = (host - segment->host) >> GUEST_PAGE_SHIFT;

		if (host >= segment->host && page < segment->pages) {
			*gfn = segment->gfn + page;
			return true;
		}
	}
	return false;
}
