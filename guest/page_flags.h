/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_flags.h - what kind of page a guest frame holds, by /proc/kpageflags
 */
#ifndef VMHEAT_GUEST_PAGE_FLAGS_H
#define VMHEAT_GUEST_PAGE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

/** page_is_tail() - whether a page with these KPF_ bits is part of a larger one, but not its head. */
bool page_is_tail(uint64_t flags);

/** Turns flags into page bytes, page by page in rising order; zero it where a range of frames begins. */
struct page_classifier {
	uint8_t head; /* page byte of the compound page that the last page belongs to */
};

/**
 * page_classify() - the page byte (guest_protocol.h) of the next page
 * @flags:	its KPF_ bits
 * @idle_known: whether @idle is an answer of page_idle, for a window that has begun
 * @idle:	its bit in the page_idle bitmap
 */
uint8_t page_classify(struct page_classifier *classifier, uint64_t flags, bool idle_known, bool idle);

#endif /* VMHEAT_GUEST_PAGE_FLAGS_H */
