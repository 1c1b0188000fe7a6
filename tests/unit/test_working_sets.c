/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_working_sets.c - the working set at any age, from what the service says of a VM
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../daemon/ctl/working_sets.h"

/* A VM watched for 10 s: 1 MiB just accessed, 2 MiB idle for 5 s, 4 MiB for 10 s. */
static GVariant *watched_vm(void)
{
	return g_variant_parse(NULL,
			       "{'watched': <10.0>, 'ages': <[(0.0, uint64 1048576), (5.0, 2097152),"
			       " (10.0, 4194304)]>}",
			       NULL, NULL, NULL);
}

/* A page idle for exactly the time is out; beyond what was watched all that is mapped is in, and said to be no more. */
static void test_any_age(void **state)
{
	static const struct working_set_at wanted[] = {
		{ 0.5, 1 << 20, TRUE },	 { 5.0, 1 << 20, TRUE },   { 5.1, 3 << 20, TRUE },
		{ 10.0, 3 << 20, TRUE }, { 10.1, 7 << 20, FALSE },
	};
	GVariant *vm = watched_vm();

	for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
		struct working_set_at answer;

		assert_true(working_sets_at(vm, wanted[i].seconds, &answer));
		assert_int_equal(answer.bytes, wanted[i].bytes);
		assert_int_equal(answer.known, wanted[i].known);
	}
	g_variant_unref(vm);
}

/* A VM without data has no working set, not one of 0. */
static void test_no_data(void **state)
{
	GVariant *vm = g_variant_parse(NULL, "{'name': <'new'>}", NULL, NULL, NULL);
	struct working_set_at answer;

	assert_false(working_sets_at(vm, 1.0, &answer));
	g_variant_unref(vm);
}

static void test_text(void **state)
{
	const struct working_set_at answers[] = { { 5.0, 1 << 20, TRUE }, { 60.0, 7 << 20, FALSE } };
	char *text = working_sets_render(answers, 2);
	GVariant *data = g_variant_ref_sink(working_sets_data(answers, 2));
	GVariant *second = g_variant_get_child_value(data, 1);
	gboolean known;
	double age;
	guint64 bytes;

	assert_string_equal(text, "IDLE FOR LESS THAN  WORKING SET\n"
				  "             5.0 s      1.0 MiB\n"
				  "              60 s      7.0 MiB  at most: not watched for so long\n");
	assert_true(g_variant_lookup(second, "age", "d", &age) && age == 60.0);
	assert_true(g_variant_lookup(second, "bytes", "t", &bytes) && bytes == 7 << 20);
	assert_true(g_variant_lookup(second, "known", "b", &known) && !known);
	g_variant_unref(second);
	g_variant_unref(data);
	g_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_age),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
