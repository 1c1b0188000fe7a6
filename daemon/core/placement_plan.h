/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * placement_plan.h - which pages should lie near, which far
 *
 * Theory of operation
 *
 * A page idle for cold_age windows or more belongs on the far node, one accessed within hot_age windows on
 * the near one; between the two it stays where it is, so that a page at the edge does not travel back and
 * forth. What is moved is a leaf: the pages of a large leaf go far only when all of them are cold, and near
 * as soon as one is hot.
 *
 * Holes never move and have no say: a large leaf that has some (it was split or partly taken since the bit
 * was read) is judged by the pages that it still has, and only these are in the plan.
 *
 * The plan is a list of extents. Neighbours of one class are one extent, over any number of leaves, and never
 * over a hole; by the invariants of page_map.h an extent is contiguous in guest frames and in virtual pages.
 * Where pages lie now is the actuator's to find out.
 */
#ifndef VMHEAT_CORE_PLACEMENT_PLAN_H
#define VMHEAT_CORE_PLACEMENT_PLAN_H

#include <stddef.h>
#include <stdint.h>

enum placement_class {
	PLACEMENT_STAY,
	PLACEMENT_NEAR, /* hot */
	PLACEMENT_FAR,	/* cold */
	PLACEMENT_CLASSES
};

/** placement_class_name() - for logs and JSON; never NULL. */
const char *placement_class_name(enum placement_class class);

struct placement_policy {
	unsigned int hot_age;  /* in windows: ages up to this one are hot */
	unsigned int cold_age; /* in windows, above hot_age; above PAGE_AGE_UNTOUCHED: nothing is cold */
};

/** A run of indices of one class. */
struct placement_extent {
	uint64_t index;
	uint64_t pages;
	enum placement_class class;
};

/**
 * placement_classify() - the classes of all pages, as extents
 * @policy:  ages that count as hot and cold
 * @ages:    page_ages.h, one an index
 * @indices: how many; a multiple of 512
 * @large:   one bit for every aligned 512 indices: they are one large leaf; NULL: none is
 * @extents: where NEAR and FAR extents go, in rising order, at most @limit
 * @limit:   room in @extents; with 0 @extents may be NULL
 *
 * Return: the number of extents there are, which may exceed @limit (then only the first @limit were stored,
 * each of them whole).
 */
size_t placement_classify(const struct placement_policy *policy, const uint8_t *ages, uint64_t indices,
			  const uint64_t *large, struct placement_extent *extents, size_t limit);

#endif /* VMHEAT_CORE_PLACEMENT_PLAN_H */
