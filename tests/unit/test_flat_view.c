/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_flat_view.c - where QEMU put a guest's memory, from what QEMU 7.2 really prints
 *
 * The fixtures are replies to `info mtree -f` through QMP's human-monitor-command, CR LF and all, of machines
 * that had run their firmware.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "flat_view.h"
#include "host_error.h"

#define FIXTURES "tests/unit/fixtures/"
#define KIB	 G_GUINT64_CONSTANT(1024)
#define MIB	 (1024 * KIB)

/* A range as people would write it: in bytes. */
struct expected {
	guint64 gpa, bytes, offset;
	const char *block;
};

static GArray *parse_fixture(const char *file, const char *const *blocks)
{
	g_autofree char *path = g_strconcat(FIXTURES, file, NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	GArray *view;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	view = flat_view_parse(text, blocks, &error);
	if (view == NULL)
		fail_msg("%s: %s", file, error->message);
	return view;
}

static void assert_view(const GArray *view, const struct expected *expected, guint count)
{
	assert_int_equal(view->len, count);
	for (guint i = 0; i < count; i++) {
		const struct flat_range *range = &g_array_index(view, struct flat_range, i);

		assert_int_equal(range->gfn * 4096, expected[i].gpa);
		assert_int_equal(range->pages * 4096, expected[i].bytes);
		assert_int_equal(range->offset, expected[i].offset);
		assert_string_equal(range->block, expected[i].block);
	}
}

static void assert_refused(const char *text, const char *const *blocks, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(flat_view_parse(text, blocks, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_DATA));
	assert_non_null(strstr(error->message, message));
}

static const char *const pc_ram[] = { "pc.ram", NULL };

/* q35 with 384 MiB and two video adapters: RAM below and above the VGA window, no video memory, no firmware.
 */
static void test_q35_with_video(void **state)
{
	static const struct expected expected[] = {
		{ 0, 640 * KIB, 0, "pc.ram" },
		{ 768 * KIB, 384 * MIB - 768 * KIB, 768 * KIB, "pc.ram" },
	};
	g_autoptr(GArray) view = parse_fixture("mtree-q35-vga.txt", pc_ram);

	assert_view(view, expected, 2);
}

/* 6 GiB: the part that does not fit below 4 GiB goes on above; the view of SMRAM, printed first, is not
 * taken. */
static void test_memory_above_4g(void **state)
{
	static const struct expected expected[] = {
		{ 0, 640 * KIB, 0, "pc.ram" },
		{ 768 * KIB, 2048 * MIB - 768 * KIB, 768 * KIB, "pc.ram" },
		{ 4096 * MIB, 4096 * MIB, 2048 * MIB, "pc.ram" },
	};
	g_autoptr(GArray) view = parse_fixture("mtree-q35-6g.txt", pc_ram);

	assert_view(view, expected, 3);
}

/* Cell memory, a DIMM and virtio-mem count; shared memory of an ivshmem device looks like them and does not.
 */
static void test_memory_devices(void **state)
{
	static const char *const blocks[] = { "pc.ram", "ram-node0", "memdimm0", "memvirtiomem0", NULL };
	static const struct expected expected[] = {
		{ 0, 256 * MIB, 0, "ram-node0" },
		{ 4096 * MIB, 128 * MIB, 0, "memdimm0" },
		{ 4224 * MIB, 256 * MIB, 0, "memvirtiomem0" },
	};
	g_autoptr(GArray) view = parse_fixture("mtree-numa-devices.txt", blocks);

	assert_view(view, expected, 3);
}

/* Under KVM, as libvirt starts it: memslots carry one more word, and one cell's memory begins where the other
 * ends. */
static void test_kvm(void **state)
{
	static const char *const blocks[] = { "ram-node0", "ram-node1", "memdimm0", "memvirtiomem0", NULL };
	static const struct expected expected[] = {
		{ 0, 640 * KIB, 0, "ram-node0" },
		{ 768 * KIB, 192 * MIB - 768 * KIB, 768 * KIB, "ram-node0" },
		{ 192 * MIB, 64 * MIB, 0, "ram-node1" },
		{ 4096 * MIB, 256 * MIB, 0, "memvirtiomem0" },
		{ 4352 * MIB, 128 * MIB, 0, "memdimm0" },
	};
	g_autoptr(GArray) view = parse_fixture("mtree-kvm-devices.txt", blocks);

	assert_view(view, expected, 5);
}

/* Machine types up to 3.1 name backends by path; cells that touch stay apart, as their blocks do. */
static void test_old_machine_type(void **state)
{
	static const char *const blocks[] = { "ram-node0", "ram-node1", NULL };
	static const struct expected expected[] = {
		{ 0, 256 * MIB, 0, "ram-node0" },
		{ 256 * MIB, 128 * MIB, 0, "ram-node1" },
	};
	g_autoptr(GArray) view = parse_fixture("mtree-old-machine.txt", blocks);

	assert_view(view, expected, 2);
}

#define VIEW(lines)	  "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n" lines "\n"
#define LINE(range, name) "  " range " (prio 0, ram): " name "\n"

/* The word that KVM adds to its memslots, a rom range, an unknown word: none hides RAM. */
static void test_trailing_words(void **state)
{
	static const struct expected expected[] = { { 0, 12288, 0, "pc.ram" } };
	g_autoptr(GArray) view = flat_view_parse(
		VIEW("  0000000000000000-0000000000000fff (prio -1, ram): pc.ram KVM\n"
		     "  0000000000001000-0000000000001fff (prio 0, rom): pc.ram @0000000000001000 KVM\n"
		     "  0000000000002000-0000000000002fff (prio 0, ram): pc.ram @0000000000002000 new\n"),
		pc_ram, NULL);

	assert_non_null(view);
	assert_view(view, expected, 1);
}

/*
 * A range that begins and ends within pages gives its whole pages: of 0x1800 to 0x47ff remain 0x2000 to
 * 0x3fff. If its offset in the block lies otherwise within a page, no page of it can be mapped.
 */
static void test_partial_pages(void **state)
{
	static const struct expected expected[] = { { 0x2000, 0x2000, 0x6000, "pc.ram" } };
	g_autoptr(GArray) view = flat_view_parse(
		VIEW(LINE("0000000000001800-00000000000047ff", "pc.ram @0000000000005800")), pc_ram, NULL);

	assert_non_null(view);
	assert_view(view, expected, 1);
	assert_refused(VIEW(LINE("0000000000001800-00000000000047ff", "pc.ram @0000000000005000")), pc_ram,
		       "none of the guest's RAM");
}

/* Ranges that touch in the guest but not in the block stay two. */
static void test_not_joined(void **state)
{
	static const struct expected expected[] = { { 0, 4096, 0, "pc.ram" },
						    { 4096, 4096, 8192, "pc.ram" } };
	g_autoptr(GArray) view =
		flat_view_parse(VIEW(LINE("0000000000000000-0000000000000fff", "pc.ram") LINE(
					"0000000000001000-0000000000001fff", "pc.ram @0000000000002000")),
				pc_ram, NULL);

	assert_non_null(view);
	assert_view(view, expected, 2);
}

/* A region whose name only begins like a block, an offset of 17 digits, another kind: none is RAM. */
static void test_not_ram(void **state)
{
	static const char text[] = VIEW(
		LINE("0000000000000000-0000000000000fff", "pc.ram2")
			LINE("0000000000001000-0000000000001fff", "pc.ram @00000000000000000")
				LINE("0000000000002000-0000000000002fff",
				     "pc") "  0000000000003000-0000000000003fff (prio 0, i/o): pc.ram\n");

	assert_refused(text, pc_ram, "none of the guest's RAM");
}

/* What makes no sense is refused, not guessed at. */
static void test_nonsense(void **state)
{
	assert_refused("", pc_ram, "does not show the address space");
	assert_refused("unknown command: 'info mtree -f'\r\n", pc_ram, "does not show the address space");
	assert_refused("FlatView #0\n AS \"memory\", root: other\n", pc_ram,
		       "does not show the address space");
	assert_refused(VIEW(""), pc_ram, "none of the guest's RAM");
	assert_refused(VIEW(LINE("0000000000002000-0000000000000fff", "pc.ram")), pc_ram,
		       "absurd range at 0x2000");
	assert_refused(VIEW(LINE("0000000000000000-ffffffffffffffff", "pc.ram")), pc_ram,
		       "absurd range at 0x0");
	assert_refused(VIEW(LINE("0000000000000000-0000000000000fff", "pc.ram @fffffffffffff000")), pc_ram,
		       "absurd range");
	assert_refused(VIEW(LINE("0000000000001000-0000000000002fff", "pc.ram")
				    LINE("0000000000002000-0000000000003fff", "pc.ram")),
		       pc_ram, "goes back at 0x2000");
}

/* Ranges of the next view do not count, even if QEMU left out the empty line between them. */
static void test_next_view(void **state)
{
	static const struct expected expected[] = { { 0, 4096, 0, "pc.ram" } };
	g_autoptr(GArray) view = flat_view_parse(
		VIEW(LINE("0000000000000000-0000000000000fff",
			  "pc.ram") "FlatView #1\n AS \"I/O\", root: io\n" LINE("0000000000001000-"
										"0000000000001fff",
										"pc.ram")),
		pc_ram, NULL);

	assert_non_null(view);
	assert_view(view, expected, 1);
}

static void assert_hva_refused(const char *text)
{
	g_autoptr(GError) error = NULL;
	guint64 hva;

	assert_false(flat_view_parse_hva(text, 0x100000, "pc.ram", &hva, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_DATA));
	assert_non_null(strstr(error->message, "pc.ram at 0x100000"));
}

/* Replies to gpa2hva as QEMU gives them, of both ways to name a block. */
static void test_hva(void **state)
{
	guint64 hva = 0;

	assert_true(flat_view_parse_hva("Host virtual address for 0x100000 (pc.ram) is 0x7f1403f00000\r\n",
					0x100000, "pc.ram", &hva, NULL));
	assert_int_equal(hva, 0x7f1403f00000);
	assert_true(
		flat_view_parse_hva("Host virtual address for 0x0 (/objects/ram-node0) is 0x7f3b0bfff000\r\n",
				    0, "ram-node0", &hva, NULL));
	assert_int_equal(hva, 0x7f3b0bfff000);
}

/* QEMU's errors, another address, another block, an address that is none: the layout changed, or worse. */
static void test_hva_refused(void **state)
{
	assert_hva_refused("Memory at address 0x100000 is not RAM\r\n");
	assert_hva_refused("No memory is mapped at address 0x100000\r\n");
	assert_hva_refused("Host virtual address for 0x101000 (pc.ram) is 0x7f1403f00000\r\n");
	assert_hva_refused("Host virtual address for 0x100000 (vga.vram) is 0x7f1403f00000\r\n");
	assert_hva_refused("Host virtual address for 0x100000 (pc.ram2) is 0x7f1403f00000\r\n");
	assert_hva_refused("Host virtual address for 0x100000 (pc.ram) is (nil)\r\n");
	assert_hva_refused("Host virtual address for 0x100000 (pc.ram) is 0x0\r\n");
	assert_hva_refused("Host virtual address for 0x100000 (pc.ram) is 0x7f1403f00010\r\n");
	assert_hva_refused("Host virtual address for 0x100000 (pc.ram) is 0x7f1403f00000 or so\r\n");
	assert_hva_refused("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_q35_with_video),
		cmocka_unit_test(test_memory_above_4g),
		cmocka_unit_test(test_memory_devices),
		cmocka_unit_test(test_old_machine_type),
		cmocka_unit_test(test_kvm),
		cmocka_unit_test(test_trailing_words),
		cmocka_unit_test(test_partial_pages),
		cmocka_unit_test(test_not_joined),
		cmocka_unit_test(test_not_ram),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_next_view),
		cmocka_unit_test(test_hva),
		cmocka_unit_test(test_hva_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
