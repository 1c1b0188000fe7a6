/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render_explain.c - the sentences of `vmheatctl explain`
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "render_explain.h"

static char *explain(const char *vm_text, const char *acts_text)
{
	g_autoptr(GVariant) vm = g_variant_ref_sink(g_variant_new_parsed(vm_text));
	g_autoptr(GVariant) acts = g_variant_ref_sink(g_variant_new_parsed(acts_text));
	g_auto(GStrv) sentences = render_explain(vm, acts);

	return g_strjoinv("\n", sentences);
}

static void test_all(void **state)
{
	g_autofree char *text = explain(
		"{'state': <'tracking'>, 'mode': <'act'>, 'windows': <uint64 20>, 'quality': <'host data "
		"(module) alone'>,"
		" 'working-set': <uint64 41943040>, 'working-set-age': <6.0>,"
		" 'working-set-host-only': <uint64 50331648>, 'working-set-estimate': <uint64 44040192>,"
		" 'plan': <{'resize': <'shrink from 384 to 320 MiB: one step'>, 'placement': <'no page "
		"moves: moves = no'>}>,"
		" 'last-act': <{'failure': <'journal: no room'>}>}",
		"[{'act': <uint64 1>, 'state': <'verified'>}, {'act': <uint64 2>, 'state': <'rolled-back'>, "
		"'why': <'one step'>,"
		" 'note': <'act 3 took its place'>}]");

	assert_string_equal(text,
			    "state: tracking, 20 windows of data so far.\n"
			    "mode: act: what is planned is done.\n"
			    "data: host data (module) alone.\n"
			    "working set: 40.0 MiB were accessed in the last 6.0 s, 48.0 MiB by the host's "
			    "data alone; acts "
			    "are based on the estimate of 42.0 MiB, which rises at once and falls slowly.\n"
			    "size: shrink from 384 to 320 MiB: one step.\n"
			    "placement: no page moves: moves = no.\n"
			    "not done: journal: no room.\n"
			    "last act: act 2, rolled-back (act 3 took its place): one step.");
}

/* Nothing is known yet, or is of another type: it is left out. */
static void test_little(void **state)
{
	g_autofree char *text = explain(
		"{'state': <'waiting'>, 'state-reason': <'the guest is paused'>, 'working-set': <'x'>}",
		"@aa{sv} []");

	assert_string_equal(text, "state: waiting, because the guest is paused.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
