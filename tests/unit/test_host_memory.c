/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_host_memory.c - what the kernel says of the host's memory
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "host_memory.h"

/* As a kernel prints it; names that contain others' names are not taken for them. */
static void test_meminfo(void **state)
{
	struct host_memory memory = { 0 };

	assert_true(host_memory_parse("MemTotal:        4013056 kB\nMemFree:          291444 kB\n"
				      "MemAvailable:    3101600 kB\nSwapTotal:             0 kB\n",
				      &memory));
	assert_int_equal(memory.total_kib, 4013056);
	assert_int_equal(memory.available_kib, 3101600);
	assert_false(host_memory_parse("NoMemTotal: 1 kB\nMemAvailable: 2 kB\n", &memory));
	assert_false(host_memory_parse("MemTotal: 1 kB\n", &memory));
	assert_false(host_memory_parse("MemTotal: -1 kB\nMemAvailable: 2 kB\n", &memory));
	assert_false(host_memory_parse("", &memory));
}

/*
 * 900 MB of anonymous memory on the lists, of which 600 are mapped by processes, 80 are shared memory and 20 swap
 * cache: 200 are left of huge pages, and can be had. Where all is mapped, or more than is listed, nothing.
 */
static void test_huge_pages(void **state)
{
	const struct {
		int mapped, available;
	} cases[] = { { 600000, 1200000 }, { 800000, 1000000 }, { 850000, 1000000 } };

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct host_memory memory = { 0 };
		g_autofree char *text = g_strdup_printf(
			"MemTotal: 4000000 kB\nMemAvailable: 1000000 kB\nSwapCached: 20000 kB\n"
			"Active(anon): 300000 kB\nInactive(anon): 600000 kB\nAnonPages: %d kB\n"
			"Shmem: 80000 kB\nAnonHugePages: 100000 kB\n",
			cases[i].mapped);

		assert_true(host_memory_parse(text, &memory));
		assert_int_equal(memory.available_kib, cases[i].available);
	}
}

/* The total of "some", not of "full". */
static void test_pressure(void **state)
{
	struct host_memory memory = { 0 };

	assert_true(host_memory_parse_pressure("some avg10=0.00 avg60=0.12 avg300=0.05 total=523177\n"
					       "full avg10=0.00 avg60=0.10 avg300=0.03 total=417340\n",
					       &memory));
	assert_int_equal(memory.stall_us, 523177);
	assert_false(host_memory_parse_pressure("full avg10=0.00 total=417340\n", &memory));
	assert_false(host_memory_parse_pressure("some avg10=0.00\n", &memory));
}

/* This machine's own: there is some memory, and not more available than there is. */
static void test_this_machine(void **state)
{
	struct host_memory memory;

	assert_true(host_memory_read(&memory, NULL));
	assert_true(memory.total_kib > 0);
	assert_true(memory.available_kib <= memory.total_kib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
