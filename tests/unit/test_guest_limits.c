/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_limits.c - what the agent may use, and how it is told
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arguments.h"
#include "budget.h"

#define S(seconds) ((uint64_t)((seconds)*1000000000.0))

/* 100 units a second: 1000 are saved at first. 1500 at once is 500 of debt, which takes 5 s to pay. */
static void test_debt(void **state)
{
	struct budget budget = { .rate = 100.0 };

	assert_true(budget_allows(&budget, S(1000)));
	budget_spend(&budget, 1500.0);
	assert_false(budget_allows(&budget, S(1000)));
	assert_false(budget_allows(&budget, S(1004.9)));
	assert_true(budget_allows(&budget, S(1005.1)));
}

/* However long the rest, no more than ten seconds' worth is saved. */
static void test_saved(void **state)
{
	struct budget budget = { .rate = 100.0 };

	assert_true(budget_allows(&budget, S(1)));
	assert_true(budget_allows(&budget, S(100000)));
	budget_spend(&budget, 1000.5);
	assert_false(budget_allows(&budget, S(100000)));
	assert_true(budget_allows(&budget, S(100000.1)));
}

/* Used at every chance, it comes to its rate: each use costs 30 units, a try a second, 100 s, 10 units a second. */
static void test_long_run(void **state)
{
	struct budget budget = { .rate = 10.0 };
	int uses = 0;

	for (int second = 1; second <= 100; second++) {
		if (budget_allows(&budget, S(second))) {
			budget_spend(&budget, 30.0);
			uses++;
		}
	}
	/* 1000 flowed in, 100 were saved, and the last use may be in debt. */
	assert_in_range(uses, 990 / 30, 1100 / 30 + 1);
}

static void test_no_limit(void **state)
{
	struct budget budget = { .rate = 0.0 };

	budget_spend(&budget, 1e30);
	assert_true(budget_allows(&budget, S(1)));
}

static const char *parse(struct arguments *arguments, const char *first, const char *second)
{
	char *argv[] = { "vmheat-guest", (char *)first, (char *)second, NULL };

	return arguments_parse(arguments, second ? 3 : first ? 2 : 1, argv);
}

static void test_arguments(void **state)
{
	struct arguments arguments;

	assert_null(parse(&arguments, NULL, NULL));
	assert_string_equal(arguments.port, "/dev/virtio-ports/org.vmheat.guest.0");
	assert_true(arguments.limits.cpu == 0.1);
	assert_true(arguments.limits.bytes == 4.0 * 1024 * 1024);
	assert_null(parse(&arguments, "--cpu=2.5%", "vsock"));
	assert_string_equal(arguments.port, "vsock");
	assert_true(arguments.limits.cpu == 0.025);
	assert_null(parse(&arguments, "/dev/vport0p1", "--traffic=64KiB"));
	assert_true(arguments.limits.bytes == 65536.0);
	assert_null(parse(&arguments, "--traffic=0", "--cpu=0%"));
	assert_true(arguments.limits.bytes == 0.0);
	assert_true(arguments.limits.cpu == 0.0);
	assert_null(parse(&arguments, "--help", NULL));
	assert_true(arguments.show_help);
}

/* A bare number, another unit, a sign, nothing at all, two ports: each is named. */
static void test_wrong_arguments(void **state)
{
	static const char *const wrong[] = { "--cpu=10",
					     "--cpu=",
					     "--cpu",
					     "--cpu=-5%",
					     "--cpu=inf%",
					     "--cpu=0x10%",
					     "--cpu=5MiB",
					     "--traffic=1000",
					     "--traffic=1GB",
					     "--traffic=1e20MiB",
					     "--nosuch",
					     "-h",
					     "" };
	struct arguments arguments;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_ptr_equal(parse(&arguments, wrong[i], NULL), wrong[i]);
	assert_string_equal(parse(&arguments, "/dev/a", "/dev/b"), "/dev/b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debt),	  cmocka_unit_test(test_saved),
		cmocka_unit_test(test_long_run),  cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_arguments), cmocka_unit_test(test_wrong_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
