/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.c - one verdict a page, see merge.h
 *
 * Theory of operation
 *
 * The tables of merge.h are evaluated for the 512 pages of a leaf at once, in boolean algebra over vectors
 * (leaf_bits.h); the guest's word comes in that form already (guest_pages.h). It is compiled for each kind of
 * processor, the two with vectors of their own once more for scans without guest data.
 */
#include <stdbool.h>
#include "merge.h"

static const char *const class_names[] = {
	[PAGE_CLASS_HOT] = "hot",
	[PAGE_CLASS_FREE] = "free",
	[PAGE_CLASS_FILE_CLEAN] = "cold-file-clean",
	[PAGE_CLASS_FILE_DIRTY] = "cold-file-dirty",
	[PAGE_CLASS_ANON] = "cold-anon",
	[PAGE_CLASS_KERNEL] = "kernel",
	[PAGE_CLASS_UNKNOWN] = "unknown",
};
_Static_assert(sizeof(class_names) / sizeof(class_names[0]) == PAGE_CLASSES, "every class has a name");

const char *page_class_name(enum page_class page_class)
{
	return (unsigned int)page_class < PAGE_CLASSES ? class_names[page_class] : "?";
}

/* Sums of merge_pages(), lane by lane; and what is counted by the leaf. */
struct lanes {
	leaf_vector present, touched, accessed;
	leaf_vector free_idle, kernel_idle, anon_idle;
	leaf_vector but_free, but_idle, but_accessed;
	uint64_t large_accessed, large_sparse, large_unexplained;
};

/* The contradictions, which are seldom there. */
static VMHEAT_ALWAYS_INLINE void count_contradictions(const leaf_vector *fine, const leaf_vector *idle,
						      const struct guest_states *says, struct lanes *sum)
{
	const leaf_vector but_free = *fine & says->free, but_idle = *fine & says->idle;
	const leaf_vector but_accessed = *idle & says->accessed, any = but_free | but_idle | but_accessed;

	if (!leaf_any(&any))
		return;
	leaf_add_count(&sum->but_free, &but_free);
	leaf_add_count(&sum->but_idle, &but_idle);
	leaf_add_count(&sum->but_accessed, &but_accessed);
}

/* A run of 512 pages of which a large leaf was accessed. */
static VMHEAT_ALWAYS_INLINE void count_large(const leaf_vector *accessed, struct lanes *sum)
{
	leaf_vector lanes = { 0 };
	uint64_t hot;

	leaf_add_count(&lanes, accessed);
	hot = leaf_sum(&lanes);
	sum->large_accessed++;
	sum->large_sparse += hot <= MERGE_SPARSE_PAGES;
	sum->large_unexplained += hot == 0;
}

/* Returns whether a large leaf was accessed. */
static VMHEAT_ALWAYS_INLINE bool merge_leaf(const struct host_view *host, size_t leaf,
					    const struct guest_leaf *guest, uint64_t *accessed,
					    struct lanes *sum)
{
	size_t word = leaf * LEAF_VECTOR_WORDS;
	const leaf_vector none = { 0 };
	const leaf_vector present = leaf_at(host->present + word);
	const leaf_vector coarse = host->coarse ? leaf_at(host->coarse + word) : none;
	const leaf_vector idle = leaf_at(host->idle + word) & present, touched = present & ~idle;
	const leaf_vector fine = touched & ~coarse, large = touched & coarse;
	leaf_vector verdict = touched, rest;
	struct guest_states says;

	leaf_add_count(&sum->present, &present);
	leaf_add_count(&sum->touched, &touched);
	if (guest) {
		guest_leaf_states(&guest[leaf], &says);
		/* Some page of an accessed large leaf was touched, but none that the guest says was not. */
		verdict &= ~(coarse & (says.idle | says.free));
		rest = present & ~verdict & says.free;
		leaf_add_count(&sum->free_idle, &rest);
		rest = present & ~verdict & ~says.free & ~says.evictable;
		leaf_add_count(&sum->kernel_idle, &rest);
		rest = present & ~verdict & says.anon;
		leaf_add_count(&sum->anon_idle, &rest);
		if (host->coarse)
			leaf_add_count(&sum->accessed, &verdict);
		count_contradictions(&fine, &idle, &says, sum);
	}
	*(leaf_vector *)(accessed + word) = verdict;
	if (!host->coarse || !leaf_any(&large))
		return false;
	count_large(&verdict, sum);
	return true;
}

static VMHEAT_ALWAYS_INLINE void merge_all(const struct host_view *host, const struct guest_leaf *guest,
					   size_t leaves, uint64_t *accessed, uint8_t *large,
					   struct merge_counts *counts)
{
	struct lanes sum = { 0 };
	uint64_t present, touched, hot;

	for (size_t leaf = 0; leaf < leaves; leaf++) {
		LEAF_PREFETCH(host->present + leaf * LEAF_VECTOR_WORDS);
		LEAF_PREFETCH(host->idle + leaf * LEAF_VECTOR_WORDS);
		if (host->coarse)
			LEAF_PREFETCH(host->coarse + leaf * LEAF_VECTOR_WORDS);
		if (guest) {
			LEAF_PREFETCH(&guest[leaf].low);
			LEAF_PREFETCH(&guest[leaf].high);
			LEAF_PREFETCH(&guest[leaf].kind_low);
			LEAF_PREFETCH(&guest[leaf].kind_high);
		}
		large[leaf] = merge_leaf(host, leaf, guest, accessed, &sum);
	}
	present = leaf_sum(&sum.present);
	touched = leaf_sum(&sum.touched);
	hot = guest && host->coarse ? leaf_sum(&sum.accessed) : touched;
	counts->holes += leaves * LEAF_VECTOR_PAGES - present;
	counts->accessed += hot;
	counts->idle += present - hot;
	counts->host_accessed += touched;
	counts->free_idle += leaf_sum(&sum.free_idle);
	counts->kernel_idle += leaf_sum(&sum.kernel_idle);
	counts->anon_idle += leaf_sum(&sum.anon_idle);
	counts->accessed_but_guest_free += leaf_sum(&sum.but_free);
	counts->accessed_but_guest_idle += leaf_sum(&sum.but_idle);
	counts->idle_but_guest_accessed += leaf_sum(&sum.but_accessed);
	counts->large_accessed += sum.large_accessed;
	counts->large_sparse += sum.large_sparse;
	counts->large_unexplained += sum.large_unexplained;
}

VMHEAT_TARGET_AVX512
static void merge_avx512(const struct host_view *host, const struct guest_leaf *guest, size_t leaves,
			 uint64_t *accessed, uint8_t *large, struct merge_counts *counts)
{
	if (guest)
		merge_all(host, guest, leaves, accessed, large, counts);
	else
		merge_all(host, NULL, leaves, accessed, large, counts);
}

VMHEAT_TARGET_AVX2
static void merge_avx2(const struct host_view *host, const struct guest_leaf *guest, size_t leaves,
		       uint64_t *accessed, uint8_t *large, struct merge_counts *counts)
{
	if (guest)
		merge_all(host, guest, leaves, accessed, large, counts);
	else
		merge_all(host, NULL, leaves, accessed, large, counts);
}

void merge_pages_at(enum vector_level level, const struct host_view *host, const struct guest_leaf *guest,
		    size_t leaves, uint64_t *accessed, uint8_t *large, struct merge_counts *counts)
{
	if (level == VECTOR_AVX512)
		merge_avx512(host, guest, leaves, accessed, large, counts);
	else if (level == VECTOR_AVX2)
		merge_avx2(host, guest, leaves, accessed, large, counts);
	else
		merge_all(host, guest, leaves, accessed, large, counts);
}

void merge_pages(const struct host_view *host, const struct guest_leaf *guest, size_t leaves,
		 uint64_t *accessed, uint8_t *large, struct merge_counts *counts)
{
	merge_pages_at(vector_level_best(), host, guest, leaves, accessed, large, counts);
}

/* Sums of merge_classes(), lane by lane. */
struct class_lanes {
	leaf_vector pages[PAGE_CLASSES]; /* neither hot nor unknown ones */
};

static VMHEAT_ALWAYS_INLINE void classify_leaf(const leaf_vector *old, const struct guest_leaf *guest,
					       struct class_lanes *sum)
{
	struct guest_states says;
	leaf_vector in_class;

	guest_leaf_states(guest, &says);
	in_class = *old & says.free;
	leaf_add_count(&sum->pages[PAGE_CLASS_FREE], &in_class);
	in_class = *old & says.file_clean;
	leaf_add_count(&sum->pages[PAGE_CLASS_FILE_CLEAN], &in_class);
	in_class = *old & says.file_dirty;
	leaf_add_count(&sum->pages[PAGE_CLASS_FILE_DIRTY], &in_class);
	in_class = *old & says.anon;
	leaf_add_count(&sum->pages[PAGE_CLASS_ANON], &in_class);
	in_class = *old & ~says.free & ~says.evictable;
	leaf_add_count(&sum->pages[PAGE_CLASS_KERNEL], &in_class);
}

static VMHEAT_ALWAYS_INLINE void classify_all(const uint64_t *present, const uint64_t *young,
					      const struct guest_leaf *guest, size_t leaves,
					      struct class_counts *counts)
{
	struct class_lanes sum = { 0 };
	leaf_vector all_old = { 0 };
	uint64_t unknown;

	for (size_t leaf = 0; leaf < leaves; leaf++) {
		const leaf_vector old = leaf_at(present + leaf * LEAF_VECTOR_WORDS) &
					~leaf_at(young + leaf * LEAF_VECTOR_WORDS);

		leaf_add_count(&all_old, &old);
		if (leaf_any(&old))
			classify_leaf(&old, &guest[leaf], &sum);
	}
	/* Unknown is what the others leave. */
	unknown = leaf_sum(&all_old);
	for (unsigned int i = 0; i < PAGE_CLASSES; i++) {
		uint64_t pages = leaf_sum(&sum.pages[i]);

		counts->pages[i] += pages;
		unknown -= pages;
	}
	counts->pages[PAGE_CLASS_UNKNOWN] += unknown;
}

VMHEAT_TARGET_AVX512
static void classify_avx512(const uint64_t *present, const uint64_t *young, const struct guest_leaf *guest,
			    size_t leaves, struct class_counts *counts)
{
	classify_all(present, young, guest, leaves, counts);
}

VMHEAT_TARGET_AVX2
static void classify_avx2(const uint64_t *present, const uint64_t *young, const struct guest_leaf *guest,
			  size_t leaves, struct class_counts *counts)
{
	classify_all(present, young, guest, leaves, counts);
}

void merge_classes_at(enum vector_level level, const uint64_t *present, const uint64_t *young,
		      const struct guest_leaf *guest, size_t leaves, struct class_counts *counts)
{
	if (level == VECTOR_AVX512)
		classify_avx512(present, young, guest, leaves, counts);
	else if (level == VECTOR_AVX2)
		classify_avx2(present, young, guest, leaves, counts);
	else
		classify_all(present, young, guest, leaves, counts);
}

void merge_classes(const uint64_t *present, const uint64_t *young, const struct guest_leaf *guest,
		   size_t leaves, struct class_counts *counts)
{
	merge_classes_at(vector_level_best(), present, young, guest, leaves, counts);
}
