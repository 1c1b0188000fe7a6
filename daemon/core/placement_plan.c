/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * placement_plan.c - which pages should lie near, which far, see placement_plan.h
 */
#include <stdbool.h>
#include "page_ages.h"
#include "page_map.h"
#include "placement_plan.h"

static const char *const class_names[] = {
	[PLACEMENT_STAY] = "stay",
	[PLACEMENT_NEAR] = "near",
	[PLACEMENT_FAR] = "far",
};
_Static_assert(sizeof(class_names) / sizeof(class_names[0]) == PLACEMENT_CLASSES,
	       "every placement class has a name");

const char *placement_class_name(enum placement_class class)
{
	return (unsigned int)class < PLACEMENT_CLASSES ? class_names[class] : "unknown";
}

/** Where extents go: the one that is still growing, and the list of those that have ended. */
struct extent_list {
	struct placement_extent growing; /* none while it has no pages */
	struct placement_extent *extents;
	size_t limit;
	size_t count;
};

static void end_extent(struct extent_list *list)
{
	if (list->growing.pages == 0)
		return;
	if (list->count < list->limit)
		list->extents[list->count] = list->growing;
	list->count++;
	list->growing.pages = 0;
}

/** Add the page at @index, which is above all before. A page that stays ends the extent. */
static inline void add_page(struct extent_list *list, uint64_t index, enum placement_class class)
{
	if (list->growing.pages > 0 && list->growing.class == class) {
		list->growing.pages++;
		return;
	}
	end_extent(list);
	if (class != PLACEMENT_STAY)
		list->growing = (struct placement_extent){ .index = index, .pages = 1, .class = class };
}

/** The class that a large leaf moves as, from the @ages of its pages and the @classes of ages. */
static enum placement_class class_of_leaf(const uint8_t *ages, const enum placement_class classes[256])
{
	bool all_cold = true;

	for (size_t i = 0; i < PAGE_MAP_LEAF_PAGES; i++) {
		enum placement_class class = classes[ages[i]];

		if (class == PLACEMENT_NEAR)
			return PLACEMENT_NEAR;
		if (class != PLACEMENT_FAR && ages[i] != PAGE_AGE_HOLE)
			all_cold = false;
	}
	return all_cold ? PLACEMENT_FAR : PLACEMENT_STAY;
}

size_t placement_classify(const struct placement_policy *policy, const uint8_t *ages, uint64_t indices,
			  const uint64_t *large, struct placement_extent *extents, size_t limit)
{
	struct extent_list list = { .extents = extents, .limit = limit };
	enum placement_class classes[256] = { PLACEMENT_STAY };

	for (unsigned int age = 0; age < PAGE_AGE_HOLE; age++) {
		if (age <= policy->hot_age)
			classes[age] = PLACEMENT_NEAR;
		else if (age >= policy->cold_age)
			classes[age] = PLACEMENT_FAR;
	}
	for (uint64_t first = 0; first < indices; first += PAGE_MAP_LEAF_PAGES) {
		const uint8_t *leaf = ages + first;
		uint64_t number = first / PAGE_MAP_LEAF_PAGES;
		bool is_large = large && (large[number / 64] >> number % 64 & 1);
		enum placement_class leaf_class = is_large ? class_of_leaf(leaf, classes) : PLACEMENT_STAY;

		for (size_t i = 0; i < PAGE_MAP_LEAF_PAGES; i++) {
			bool follows_leaf = is_large && leaf[i] != PAGE_AGE_HOLE;

			add_page(&list, first + i, follows_leaf ? leaf_class : classes[leaf[i]]);
		}
	}
	end_extent(&list);
	return list.count;
}
