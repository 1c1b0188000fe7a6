/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_plugin_layout.c - which host address is which guest page, and which accesses cross into another
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "ram_layout.h"

#define HOST UINT64_C(0x7f0000000000)
#define MIB  UINT64_C(0x100000)
#define GIB  UINT64_C(0x40000000)

static const char boot, other;

static void assert_page(const struct ram_layout *layout, uint64_t host, uint64_t gfn)
{
	uint64_t found = 0;

	assert_true(ram_layout_find(layout, host, &found));
	assert_int_equal(found, gfn);
}

static void assert_no_page(const struct ram_layout *layout, uint64_t host)
{
	uint64_t found;

	assert_false(ram_layout_find(layout, host, &found));
}

/*
 * 5 GiB of a q35 machine: 2 GiB low, in two parts around the video window at 640 KiB, and 3 GiB from 4 GiB on.
 * Two segments; what the window hides belongs to the low one.
 */
static void test_hole(void **state)
{
	struct ram_layout layout;

	ram_layout_clear(&layout);
	ram_layout_add(&layout, &boot, HOST + 0xc0000, 0xc0000, 2 * GIB - 0xc0000);
	ram_layout_add(&layout, &boot, HOST + 2 * GIB, 4 * GIB, 3 * GIB);
	ram_layout_add(&layout, &boot, HOST, 0, 0xa0000);
	ram_layout_sort(&layout);
	assert_int_equal(layout.count, 2);
	/* The larger one first. */
	assert_int_equal(layout.segments[0].gfn, 0x100000);
	assert_int_equal(layout.segments[0].pages, 0xc0000);
	assert_int_equal(layout.segments[1].gfn, 0);
	assert_int_equal(layout.segments[1].pages, 0x80000);
	assert_no_page(&layout, HOST - 1);
	assert_page(&layout, HOST, 0);
	assert_page(&layout, HOST + 0xa0fff, 0xa0);
	assert_page(&layout, HOST + 2 * GIB - 1, 0x7ffff);
	assert_page(&layout, HOST + 2 * GIB, 0x100000);
	assert_page(&layout, HOST + 5 * GIB - 1, 0x1bffff);
	assert_no_page(&layout, HOST + 5 * GIB);
}

/* Two blocks that lie side by side in QEMU and in the guest stay two: either may be unplugged. */
static void test_blocks(void **state)
{
	struct ram_layout layout;

	ram_layout_clear(&layout);
	ram_layout_add(&layout, &boot, HOST, 0, GIB);
	ram_layout_add(&layout, &other, HOST + GIB, GIB, 256 * MIB);
	ram_layout_sort(&layout);
	assert_int_equal(layout.count, 2);
	assert_page(&layout, HOST + GIB - 1, 0x3ffff);
	assert_page(&layout, HOST + GIB, 0x40000);
	assert_no_page(&layout, HOST + GIB + 256 * MIB);
}

/* From 0x1800 for 0x3000 bytes: whole pages are 2 and 3. Less than a page, or shifted within pages: nothing. */
static void test_parts_of_pages(void **state)
{
	struct ram_layout layout;

	ram_layout_clear(&layout);
	ram_layout_add(&layout, &boot, HOST + 0x800, 0x1800, 0x3000);
	assert_int_equal(layout.count, 1);
	assert_int_equal(layout.segments[0].gfn, 2);
	assert_int_equal(layout.segments[0].pages, 2);
	assert_int_equal(layout.segments[0].host, HOST + 0x1000);
	ram_layout_add(&layout, &other, HOST + 0x10800, 0x1800, 0x800);
	ram_layout_add(&layout, &other, HOST + 0x10800, 0x1800, 0x17ff);
	ram_layout_add(&layout, &other, HOST + 0x10004, 0x1000, 0x4000);
	assert_int_equal(layout.count, 1);
}

/* The 65th piece does not fit, and that is said. */
static void test_too_many(void **state)
{
	struct ram_layout layout;

	ram_layout_clear(&layout);
	for (uint64_t i = 0; i < RAM_LAYOUT_SEGMENTS_MAX; i++)
		ram_layout_add(&layout, &boot, HOST + i * MIB, i * 2 * MIB, MIB);
	assert_true(layout.complete);
	ram_layout_add(&layout, &boot, HOST + 100 * MIB, GIB, MIB);
	assert_false(layout.complete);
	assert_int_equal(layout.count, RAM_LAYOUT_SEGMENTS_MAX);
}

/* Layouts are equal whatever order they were told in, and differ if one page does. */
static void test_equal(void **state)
{
	struct ram_layout a, b;

	ram_layout_clear(&a);
	ram_layout_add(&a, &boot, HOST, 0, MIB);
	ram_layout_add(&a, &other, HOST + GIB, GIB, MIB);
	ram_layout_sort(&a);
	ram_layout_clear(&b);
	ram_layout_add(&b, &other, HOST + GIB, GIB, MIB);
	assert_false(ram_layout_equal(&a, &b));
	ram_layout_add(&b, &boot, HOST, 0, MIB);
	ram_layout_sort(&b);
	assert_true(ram_layout_equal(&a, &b));
	ram_layout_add(&b, &boot, HOST + MIB, MIB, 0x1000);
	ram_layout_sort(&b);
	assert_false(ram_layout_equal(&a, &b));
}

/* 8 bytes fit at 0xff8 and cross from 0xff9 on; one byte never crosses. */
static void test_crossing(void **state)
{
	assert_false(ends_on_next_page(0x7fff8, 8));
	assert_true(ends_on_next_page(0x7fff9, 8));
	assert_true(ends_on_next_page(0xfff, 2));
	assert_false(ends_on_next_page(0xfff, 1));
	assert_false(ends_on_next_page(0x1000, 64));
	assert_true(ends_on_next_page(0x1fc1, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hole),	       cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_parts_of_pages), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_equal),	       cmocka_unit_test(test_crossing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
