/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_text.c - the agent reads /proc/iomem, vmstat, meminfo and pressure as Linux 6.1 writes them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "counters.h"
#include "physical_memory.h"

static struct physical_memory memory;
static struct vmheat_scan_end end;

static int set_up(void **state)
{
	memset(&memory, 0, sizeof(memory));
	memset(&end, 0, sizeof(end));
	return 0;
}

/* Let @add have every line of @text. */
#define add_lines(add, to, text)                                                                             \
	do {                                                                                                 \
		char lines[] = text;                                                                         \
		for (char *rest, *line = strtok_r(lines, "\n", &rest); line;                                 \
		     line = strtok_r(NULL, "\n", &rest))                                                     \
			add(to, line);                                                                       \
	} while (0)

static void assert_range(size_t number, uint64_t first_gfn, uint64_t end_gfn)
{
	assert_true(number < memory.count);
	assert_int_equal(memory.ranges[number].first_gfn, first_gfn);
	assert_int_equal(memory.ranges[number].end_gfn, end_gfn);
}

/*
 * A q35 guest of 384 MiB: pages 1-0x9e (the last, 0x9f, is RAM only up to 0x9fbff), then 0x100-0x17fdd; not
 * its children, nor anything that only has RAM in its name.
 */
static void test_physical_memory(void **state)
{
	add_lines(physical_memory_add_line, &memory,
		  "00000000-00000fff : Reserved\n"
		  "00001000-0009fbff : System RAM\n"
		  "0009fc00-0009ffff : Reserved\n"
		  "000f0000-000fffff : System ROM\n"
		  "00100000-17fddfff : System RAM\n"
		  "  01000000-01c01b29 : Kernel code\n"
		  "17fde000-17ffffff : Reserved\n"
		  "b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]\n");
	assert_int_equal(memory.count, 2);
	assert_range(0, 0x1, 0x9f);
	assert_range(1, 0x100, 0x17fde);
	assert_int_equal(physical_memory_end(&memory), 0x17fde);
}

/* Plugged memory stands below its device; ranges that touch become one. */
static void test_plugged_memory(void **state)
{
	add_lines(physical_memory_add_line, &memory,
		  "100000000-23fffffff : virtio0\n"
		  "  100000000-107ffffff : System RAM (virtio_mem)\n"
		  "  108000000-10fffffff : System RAM (virtio_mem)\n"
		  "  140000000-147ffffff : System RAM (virtio_mem)\n");
	assert_int_equal(memory.count, 2);
	assert_range(0, 0x100000, 0x110000);
	assert_range(1, 0x140000, 0x148000);
}

/* Who may not see addresses sees zeros: no memory at all, rather than one page at 0. */
static void test_hidden_addresses(void **state)
{
	add_lines(physical_memory_add_line, &memory,
		  "00000000-00000000 : System RAM\n"
		  "00000000-00000000 : System RAM\n");
	assert_int_equal(memory.count, 0);
	assert_int_equal(physical_memory_end(&memory), 0);
}

/* Ranges that go back, overlap, end before they begin or hold no whole page are left out, and so is what is
 * no range. */
static void test_senseless_lines(void **state)
{
	add_lines(physical_memory_add_line, &memory,
		  "00100000-001fffff : System RAM\n"
		  "00000000-0000ffff : System RAM\n"
		  "00180000-002fffff : System RAM\n"
		  "00500000-004fffff : System RAM\n"
		  "00600001-00600ffe : System RAM\n"
		  "00700000-ffffffffffffffff : System RAM\n"
		  "System RAM\n"
		  "00800000 : System RAM\n");
	assert_int_equal(memory.count, 1);
	assert_range(0, 0x100, 0x200);
}

/* More ranges than there is room for: the first 256 are kept. */
static void test_too_many_ranges(void **state)
{
	char line[64];

	for (unsigned int i = 0; i < PHYSICAL_MEMORY_RANGES_MAX + 10; i++) {
		snprintf(line, sizeof(line), "%x-%x : System RAM", i * 0x10000, i * 0x10000 + 0x1fff);
		physical_memory_add_line(&memory, line);
	}
	assert_int_equal(memory.count, PHYSICAL_MEMORY_RANGES_MAX);
	assert_range(255, 0xff0, 0xff2);
}

/* Of vmstat exactly the counters named are taken (not pswpin_zero, not oom_kill_disable); both refaults are
 * added up. */
static void test_vmstat(void **state)
{
	add_lines(counters_add_vmstat_line, &end,
		  "nr_free_pages 79391\n"
		  "workingset_refault_anon 3\n"
		  "workingset_refault_file 40\n"
		  "workingset_restore_anon 999\n"
		  "pgmajfault 102\n"
		  "pswpin 11\n"
		  "pswpin_zero 888\n"
		  "pswpout 22\n"
		  "oom_kill 1\n"
		  "oom_kill_disable 777\n");
	assert_int_equal(end.refault_pages, 43);
	assert_int_equal(end.major_faults, 102);
	assert_int_equal(end.swap_in_pages, 11);
	assert_int_equal(end.swap_out_pages, 22);
	assert_int_equal(end.oom_kills, 1);
}

/* meminfo is in KiB already. */
static void test_meminfo(void **state)
{
	add_lines(counters_add_meminfo_line, &end,
		  "MemTotal:         303600 kB\n"
		  "MemFree:          200100 kB\n"
		  "MemAvailable:     250000 kB\n"
		  "SwapFree:         120000 kB\n"
		  "SwapTotal:             5 kB\n");
	assert_int_equal(end.memory_total_kib, 303600);
	assert_int_equal(end.memory_free_kib, 200100);
	assert_int_equal(end.memory_usable_kib, 250000);
	assert_int_equal(end.swap_free_kib, 120000);
}

/* Of the pressure file the total of "some" counts, not of "full". */
static void test_pressure(void **state)
{
	add_lines(counters_add_pressure_line, &end,
		  "some avg10=0.00 avg60=1.20 avg300=0.00 total=123456\n"
		  "full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n");
	assert_int_equal(end.memory_stall_us, 123456);
}

/* A kernel without the files leaves zeros. */
static void test_no_files(void **state)
{
	const struct guest_paths nowhere = { .vmstat = "/nonexistent",
					     .memory_pressure = "/nonexistent",
					     .meminfo = "/nonexistent" };
	const struct vmheat_scan_end zeros = { 0 };

	counters_read(&end, &nowhere);
	assert_memory_equal(&end, &zeros, sizeof(end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_physical_memory, set_up),
		cmocka_unit_test_setup(test_plugged_memory, set_up),
		cmocka_unit_test_setup(test_hidden_addresses, set_up),
		cmocka_unit_test_setup(test_senseless_lines, set_up),
		cmocka_unit_test_setup(test_too_many_ranges, set_up),
		cmocka_unit_test_setup(test_vmstat, set_up),
		cmocka_unit_test_setup(test_meminfo, set_up),
		cmocka_unit_test_setup(test_pressure, set_up),
		cmocka_unit_test_setup(test_no_files, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
