/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render_history.c - the journal from records to what a person reads
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "act_record.h"
#include "act_variant.h"
#include "render_history.h"

/* 1763654400 is 2025-11-20 16:00:00 UTC. */
static void test_rows(void **state)
{
	struct act_record records[] = {
		{ .number = 9,
		  .state = ACT_ROLLED_BACK,
		  .kind = ACT_KIND_BALLOON,
		  .begun_us = 1763654400000000,
		  .time_us = 1763654405500000,
		  .vm = (char *)"lazy",
		  .uuid = (char *)"1-2-3",
		  .from = 384u << 20,
		  .to = 320u << 20,
		  .why = (char *)"one step",
		  .note = (char *)"act 10 took its place" },
		{ .number = 10,
		  .state = ACT_VERIFIED,
		  .kind = ACT_KIND_MOVES,
		  .begun_us = 1763654401000000,
		  .vm = (char *)"busy",
		  .uuid = (char *)"4-5-6",
		  .limit = 64u << 20,
		  .moved = 12u << 20 },
		{ .number = 11,
		  .state = ACT_APPLIED,
		  .kind = ACT_KIND_VIRTIO_MEM,
		  .begun_us = 1763654402000000,
		  .vm = (char *)"lazy",
		  .uuid = (char *)"1-2-3",
		  .device = (char *)"virtiomem0",
		  .from = 128u << 20,
		  .to = 64u << 20,
		  .why = (char *)"one step" },
	};
	GArray *array = g_array_new(FALSE, FALSE, sizeof(struct act_record));
	g_autoptr(GVariant) acts = NULL;
	g_autofree char *text = NULL;

	g_array_append_vals(array, records, G_N_ELEMENTS(records));
	acts = g_variant_ref_sink(act_variant_history(array));
	g_array_unref(array);
	text = render_history(acts);
	assert_string_equal(
		text,
		"ACT  BEGUN                VM    WHAT                              STATE        WHY\n"
		"  9  2025-11-20 16:00:00  lazy  balloon 384.0 MiB -> 320.0 MiB    rolled-back  one step "
		"(act 10 took its place)\n"
		" 10  2025-11-20 16:00:01  busy  moved 12.0 MiB                    verified     -\n"
		" 11  2025-11-20 16:00:02  lazy  virtio-mem 128.0 MiB -> 64.0 MiB  applied      one step\n");
}

/* A service of another version may leave anything out, or give it another type. */
static void test_strange(void **state)
{
	g_autoptr(GVariant) acts =
		g_variant_ref_sink(g_variant_new_parsed("[{'act': <'x'>, 'begun': <1e300>}, @a{sv} {}]"));
	g_autofree char *text = render_history(acts);

	assert_non_null(strstr(text, "\n  -  -"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_strange),
	};

	g_setenv("TZ", "UTC", TRUE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
