/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ram_ranges.c - which memslots are a guest's memory
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <linux/kvm.h>
#include <cmocka.h>
#include "page_map.h"
#include "process_maps.h"
#include "ram_ranges.h"
#include "vmheat/idle_bitmap.h"

#define MIB_PAGES G_GUINT64_CONSTANT(256)
#define GIB_PAGES (1024 * MIB_PAGES)

/* The mappings of a QEMU whose guest has 5000 MiB, a DIMM of 128 MiB, and 16 MiB of video memory. */
#define MAPS                                                                                                 \
	"7f0000000000-7f0138800000 rw-p 00000000 00:00 0 \n"                                                 \
	"7f0138801000-7f0140801000 rw-s 00000000 00:01 74                         /memfd:dimm (deleted)\n"   \
	"7f0150000000-7f0151000000 rw-p 00000000 00:00 0 \n"                                                 \
	"7f0152000000-7f0152040000 rw-p 00000000 00:00 0 \n"
#define RAM_HVA	  G_GUINT64_CONSTANT(0x7f0000000000)
#define DIMM_HVA  G_GUINT64_CONSTANT(0x7f0138801000)
#define VIDEO_HVA G_GUINT64_CONSTANT(0x7f0150000000)
#define BIOS_HVA  G_GUINT64_CONSTANT(0x7f0152000000)

static const guint64 sizes[] = { 5000 * MIB_PAGES, 128 * MIB_PAGES };

static GArray *find(const char *maps, const struct vmheat_idle_memslot *slots, guint count)
{
	g_autoptr(GArray) mappings = process_maps_parse(maps, NULL);
	g_autoptr(GArray) blocks = g_array_new(FALSE, FALSE, sizeof(guint64));
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct vmheat_idle_memslot));

	assert_non_null(mappings);
	g_array_append_vals(blocks, sizes, G_N_ELEMENTS(sizes));
	g_array_append_vals(all, slots, count);
	return ram_ranges_find(all, mappings, blocks);
}

static void assert_range(const GArray *ranges, guint number, guint64 gfn, guint64 hva, guint64 pages)
{
	const struct ram_range *range = &g_array_index(ranges, struct ram_range, number);

	assert_int_equal(range->gfn, gfn);
	assert_int_equal(range->vpn, hva / 4096);
	assert_int_equal(range->pages, pages);
}

/*
 * The slots of a q35 machine: RAM below and above 4 GiB and the DIMM are its memory, cut in two by the video window; the
 * part that the firmware has locked, the firmware, the video memory, and what System Management Mode sees are not.
 */
static void test_machine(void **state)
{
	static const struct vmheat_idle_memslot slots[] = {
		{ .gfn = 0, .hva = RAM_HVA, .pages = 0xa0 },
		{ .gfn = 0xc0, .hva = RAM_HVA + 0xc0000, .pages = 0x40, .flags = KVM_MEM_READONLY },
		{ .gfn = 0x100, .hva = RAM_HVA + 0x100000, .pages = 2 * GIB_PAGES - 0x100 },
		{ .gfn = 0xfd000,
		  .hva = VIDEO_HVA,
		  .pages = 16 * MIB_PAGES,
		  .flags = KVM_MEM_LOG_DIRTY_PAGES },
		{ .gfn = 0xfffc0, .hva = BIOS_HVA, .pages = 64, .flags = KVM_MEM_READONLY },
		{ .gfn = 4 * GIB_PAGES,
		  .hva = RAM_HVA + 0x80000000,
		  .pages = 5000 * MIB_PAGES - 2 * GIB_PAGES },
		{ .gfn = 8 * GIB_PAGES, .hva = DIMM_HVA, .pages = 128 * MIB_PAGES },
		{ .gfn = 0, .hva = RAM_HVA, .pages = 2 * GIB_PAGES, .address_space = 1 },
	};
	g_autoptr(GArray) ranges = find(MAPS, slots, G_N_ELEMENTS(slots));

	assert_int_equal(ranges->len, 4);
	assert_range(ranges, 0, 0, RAM_HVA, 0xa0);
	assert_range(ranges, 1, 0x100, RAM_HVA + 0x100000, 2 * GIB_PAGES - 0x100);
	assert_range(ranges, 2, 4 * GIB_PAGES, RAM_HVA + 0x80000000, 5000 * MIB_PAGES - 2 * GIB_PAGES);
	assert_range(ranges, 3, 8 * GIB_PAGES, DIMM_HVA, 128 * MIB_PAGES);
}

/* Of several VMs in the process, the one with the most memory is the guest; the others do not add to it. */
static void test_several_vms(void **state)
{
	static const struct vmheat_idle_memslot slots[] = {
		{ .gfn = 0, .hva = DIMM_HVA, .pages = 16, .vm = 0 },
		{ .gfn = 0, .hva = RAM_HVA, .pages = 1000, .vm = 1 },
		{ .gfn = 4096, .hva = RAM_HVA + 0x1000000, .pages = 1000, .vm = 1 },
		{ .gfn = 0, .hva = RAM_HVA, .pages = 1999, .vm = 2 },
		{ .gfn = 5000, .hva = VIDEO_HVA, .pages = 4096, .vm = 2 },
	};
	g_autoptr(GArray) ranges = find(MAPS, slots, G_N_ELEMENTS(slots));

	assert_int_equal(ranges->len, 2);
	assert_range(ranges, 0, 0, RAM_HVA, 1000);
	assert_range(ranges, 1, 4096, RAM_HVA + 0x1000000, 1000);
}

/* No slots, none in a mapping, and one that goes on behind the end of its mapping: no memory. */
static void test_nothing(void **state)
{
	static const struct vmheat_idle_memslot slots[] = {
		{ .gfn = 0, .hva = DIMM_HVA - 4096, .pages = 1 },
		{ .gfn = 16, .hva = DIMM_HVA + (128 << 20) - 4096, .pages = 2 },
		{ .gfn = 32, .hva = DIMM_HVA + (128 << 20), .pages = 1 },
	};
	g_autoptr(GArray) none = find(MAPS, NULL, 0), outside = find(MAPS, slots, G_N_ELEMENTS(slots));

	assert_int_equal(none->len, 0);
	assert_int_equal(outside->len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_several_vms),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
