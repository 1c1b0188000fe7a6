/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_flags.c - what /proc/kpageflags and page_idle say together becomes the right page byte
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <linux/kernel-page-flags.h>
#include "page_flags.h"
#include "vmheat/guest_protocol.h"

#define KPF(flag) (UINT64_C(1) << KPF_##flag)
#define ANON_PAGE (KPF(LRU) | KPF(ANON) | KPF(MMAP) | KPF(SWAPBACKED) | KPF(UPTODATE))

/* A single page, in a window that page_idle knows. */
static uint8_t classify(uint64_t flags, bool idle)
{
	struct page_classifier classifier = { 0 };

	return page_classify(&classifier, flags, true, idle);
}

/* In the buddy allocator, in the balloon and unplugged by virtio-mem: free, whatever the idle bit. */
static void test_free_pages(void **state)
{
	assert_int_equal(classify(KPF(BUDDY), false), VMHEAT_PAGE_FREE);
	assert_int_equal(classify(KPF(OFFLINE), false), VMHEAT_PAGE_FREE);
	assert_int_equal(classify(KPF(OFFLINE), true), VMHEAT_PAGE_FREE);
}

/* Kernel memory, holes and pages that just left the buddy allocator: unknown, and of no kind. */
static void test_unknown(void **state)
{
	assert_int_equal(classify(0, false), VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(classify(KPF(SLAB), false), VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(classify(KPF(PGTABLE), false), VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(classify(KPF(NOPAGE), false), VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(classify(KPF(WRITEBACK) | KPF(DIRTY), false), VMHEAT_PAGE_UNKNOWN);
}

/* Anonymous memory on an LRU list is idle or accessed; its dirty bit is of no interest. */
static void test_anonymous(void **state)
{
	assert_int_equal(classify(ANON_PAGE, true), VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON);
	assert_int_equal(classify(ANON_PAGE | KPF(DIRTY), false), VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON);
}

/* Anonymous memory taken off its list for the moment keeps its kind, but page_idle's bit says nothing of it.
 */
static void test_isolated(void **state)
{
	assert_int_equal(classify(ANON_PAGE & ~KPF(LRU), false), VMHEAT_PAGE_UNKNOWN | VMHEAT_PAGE_ANON);
}

/* Page cache: clean, dirty, being written back; and shmem, which can only be swapped, counts as dirty. */
static void test_page_cache(void **state)
{
	assert_int_equal(classify(KPF(LRU), true), VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE);
	assert_int_equal(classify(KPF(LRU) | KPF(DIRTY), true),
			 VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY);
	assert_int_equal(classify(KPF(LRU) | KPF(WRITEBACK), true),
			 VMHEAT_PAGE_IDLE | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY);
	assert_int_equal(classify(KPF(LRU) | KPF(SWAPBACKED), false),
			 VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_FILE | VMHEAT_PAGE_DIRTY);
}

/* Locked memory stays an LRU page for page_idle, and is marked. */
static void test_unevictable(void **state)
{
	assert_int_equal(classify(ANON_PAGE | KPF(UNEVICTABLE), true),
			 VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON | VMHEAT_PAGE_UNEVICTABLE);
}

/* The tails of a huge page are what its head is, though neither list nor idle bit is theirs; the page behind
 * is not. */
static void test_huge_page(void **state)
{
	struct page_classifier classifier = { 0 };
	uint64_t head = ANON_PAGE | KPF(COMPOUND_HEAD) | KPF(THP);
	uint64_t tail = KPF(COMPOUND_TAIL) | KPF(THP) | KPF(ANON);
	uint8_t huge = VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON | VMHEAT_PAGE_HUGE;

	assert_int_equal(page_classify(&classifier, head, true, true), huge);
	for (int i = 1; i < 512; i++)
		assert_int_equal(page_classify(&classifier, tail, true, false), huge);
	assert_int_equal(page_classify(&classifier, ANON_PAGE, true, false),
			 VMHEAT_PAGE_ACCESSED | VMHEAT_PAGE_ANON);
	/* A tail without head, such as a compound page torn apart in mid-scan leaves, is unknown. */
	assert_int_equal(page_classify(&classifier, tail, true, false), VMHEAT_PAGE_UNKNOWN);
}

/* A page of hugetlbfs is on no LRU list: its kind is known, its state is not. */
static void test_hugetlb(void **state)
{
	struct page_classifier classifier = { 0 };

	assert_int_equal(page_classify(&classifier, KPF(HUGE) | KPF(COMPOUND_HEAD), true, false),
			 VMHEAT_PAGE_HUGE);
	assert_int_equal(page_classify(&classifier, KPF(HUGE) | KPF(COMPOUND_TAIL), true, false),
			 VMHEAT_PAGE_HUGE);
}

/* Slab pages may be compound too; their tails stay unknown. */
static void test_compound_kernel_memory(void **state)
{
	struct page_classifier classifier = { .head = VMHEAT_PAGE_ACCESSED };

	assert_int_equal(page_classify(&classifier, KPF(SLAB) | KPF(COMPOUND_HEAD), true, false),
			 VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(page_classify(&classifier, KPF(SLAB) | KPF(COMPOUND_TAIL), true, false),
			 VMHEAT_PAGE_UNKNOWN);
}

/* Without page_idle, or before the first window, kinds are known and states are not; free is free all the
 * same. */
static void test_no_window(void **state)
{
	struct page_classifier classifier = { 0 };

	assert_int_equal(page_classify(&classifier, ANON_PAGE, false, true),
			 VMHEAT_PAGE_UNKNOWN | VMHEAT_PAGE_ANON);
	assert_int_equal(page_classify(&classifier, KPF(BUDDY), false, false), VMHEAT_PAGE_FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_pages),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_page_cache),
		cmocka_unit_test(test_unevictable),
		cmocka_unit_test(test_huge_page),
		cmocka_unit_test(test_hugetlb),
		cmocka_unit_test(test_compound_kernel_memory),
		cmocka_unit_test(test_no_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
