/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render_vm.c - the service's answers as text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../daemon/ctl/render_vm.h"

/* A variant in GVariant's text form. */
static GVariant *variant(const char *text)
{
	GError *error = NULL;
	GVariant *value = g_variant_parse(NULL, text, NULL, NULL, &error);

	if (value == NULL)
		fail_msg("%s", error->message);
	return value;
}

/* A VM with data and one that waits: what is not known is "-", and the reason stands under the table. */
static void test_list(void **state)
{
	GVariant *vms = variant("[{'name': <'lazy'>, 'state': <'tracking'>, 'mode': <'act'>,"
				"  'size': <uint64 268435456>, 'maximum': <uint64 402653184>,"
				"  'resident': <uint64 314572800>, 'working-set': <uint64 68157440>,"
				"  'working-set-host-only': <uint64 75497472>,"
				"  'working-set-estimate': <uint64 71303168>, 'guest-data': <true>},"
				" {'name': <'new'>, 'state': <'waiting'>, 'mode': <'dry-run'>,"
				"  'state-reason': <'is kvm_idle loaded?'>}]");
	char *text = render_vm_list(vms);

	assert_string_equal(
		text, "NAME  STATE     MODE          SIZE    MAXIMUM   RESIDENT  WORKING SET  HOST ALONE  "
		      "ESTIMATE  DATA\n"
		      "lazy  tracking  act      256.0 MiB  384.0 MiB  300.0 MiB     65.0 MiB    72.0 MiB  "
		      "68.0 MiB  host + guest\n"
		      "new   waiting   dry-run          -          -          -            -           -     "
		      "    -  -\n"
		      "new: is kvm_idle loaded?\n");
	g_free(text);
	g_variant_unref(vms);
}

/* A VM of which nothing is known yet shows no figure at all, least of all a zero. */
static void test_nothing_known(void **state)
{
	GVariant *vm = variant("{'name': <'new'>, 'state': <'first-window'>, 'mode': <'dry-run'>,"
			       " 'uuid': <'11111111-2222-3333-4444-555555555555'>,"
			       " 'quality': <'no data yet: the first window runs'>}");
	char *text = render_vm(vm);

	assert_string_equal(text, "new: first-window\n"
				  "  uuid             11111111-2222-3333-4444-555555555555\n"
				  "  mode             dry-run\n"
				  "  size             - of -, resident on the host -\n"
				  "  quality          no data yet: the first window runs\n");
	g_free(text);
	g_variant_unref(vm);
}

/* The histogram: steps after the last with memory are left out, bars are relative, and little is not nothing.
 */
static void test_histogram(void **state)
{
	GVariant *vm = variant("{'name': <'a'>, 'holes': <uint64 1048576>,"
			       " 'histogram': <[(0.0, uint64 31457280), (1.0, 0), (2.0, 4096), (4.0, 0)]>}");
	char *text = render_vm(vm);

	assert_non_null(strstr(text, "ages\n"
				     "  below 1 s           30.0 MiB  ##############################\n"
				     "  below 2 s                  0\n"
				     "  below 4 s            4.0 KiB  #\n"
				     "  not mapped           1.0 MiB  #\n"));
	g_free(text);
	g_variant_unref(vm);
}

/* Classes in their order, relative to the largest, and what was never touched. */
static void test_classes(void **state)
{
	GVariant *vm =
		variant("{'name': <'a'>, 'untouched': <uint64 8192>,"
			" 'classes': <{'hot': <uint64 31457280>, 'free': <uint64 0>,"
			" 'cold-file-clean': <uint64 15728640>, 'cold-file-dirty': <uint64 4096>,"
			" 'cold-anon': <uint64 1048576>, 'kernel': <uint64 0>, 'unknown': <uint64 0>}>}");
	char *text = render_vm(vm);

	assert_non_null(strstr(
		text, "classes\n"
		      "  hot                 30.0 MiB  ##############################\n"
		      "  free                       0\n"
		      "  cold-file-clean     15.0 MiB  ###############\n"
		      "  cold-file-dirty      4.0 KiB  #\n"
		      "  cold-anon            1.0 MiB  #\n"
		      "  kernel                     0\n"
		      "  unknown                    0\n"
		      "  untouched        8.0 KiB mapped and never accessed since the first window\n"));
	g_free(text);
	g_variant_unref(vm);
}

/* The agent's report names what was dropped. */
static void test_agent(void **state)
{
	GVariant *vm = variant("{'name': <'a'>, 'agent': <{'channel': <true>, 'frames': <uint64 7>,"
			       " 'bad-frames': <uint64 3>, 'skipped-bytes': <uint64 4000>}>}");
	char *text = render_vm(vm);

	assert_non_null(
		strstr(text, "agent            has a channel; 7 frames taken, dropped: 3 bad, 0 stale, 4000 "
			     "bytes of garbage, 0 foreign pages, 0 excess cgroups\n"));
	/* It has not answered yet. */
	assert_null(strstr(text, "it tells"));
	g_free(text);
	g_variant_unref(vm);
}

/* What the guest's kernel lets it tell, and what the last scan cost, or why there was none. */
static void test_agent_data(void **state)
{
	GVariant *vm = variant("{'name': <'a'>, 'agent': <{'channel': <true>, 'data': <'lru_gen'>,"
			       " 'over-budget': <false>, 'cpu-time': <0.25>}>}");
	char *text = render_vm(vm);

	assert_non_null(
		strstr(text, "  it tells         idle memory by cgroup alone, by the multi-generational LRU\n"
			     "  its last scan    0.25 s of processor time\n"));
	g_free(text);
	g_variant_unref(vm);
	vm = variant("{'name': <'a'>, 'agent': <{'channel': <true>, 'data': <'page_idle'>,"
		     " 'over-budget': <true>, 'cpu-time': <0.0>}>}");
	text = render_vm(vm);
	assert_non_null(strstr(text, "  its last scan    left out: it has used what it may\n"));
	g_free(text);
	g_variant_unref(vm);
}

/* The guest's cgroups: ten of them, and how many more there are. */
static void test_cgroups(void **state)
{
	GString *source = g_string_new("{'name': <'a'>, 'cgroups': <[");
	GVariant *vm;
	char *text;

	for (guint i = 0; i < 12; i++)
		g_string_append_printf(source,
				       "%s{'path': <'/c%u'>, 'idle': <uint64 3145728>,"
				       " 'idle-anon': <uint64 1048576>, 'idle-file': <uint64 2097152>,"
				       " 'idle-unmapped': <uint64 0>, 'accessed-anon': <uint64 4096>,"
				       " 'accessed-file': <uint64 0>}",
				       i > 0 ? ", " : "", i);
	g_string_append(source, "]>}");
	vm = variant(source->str);
	text = render_vm(vm);
	assert_non_null(strstr(text,
			       "cgroups of the guest, the most idle first\n"
			       "   IDLE  ANONYMOUS  PAGE CACHE  UNMAPPED  ACC. ANON  ACC. FILE  CGROUP\n"
			       "3.0 MiB    1.0 MiB     2.0 MiB         0    4.0 KiB          0  /c0\n"));
	assert_non_null(strstr(text, "  /c9\nand 2 more: --json\n"));
	g_free(text);
	g_variant_unref(vm);
	g_string_free(source, TRUE);
}

/* A guest's virtio-mem devices, one a line, and what free page reporting has already given to the host. */
static void test_devices(void **state)
{
	GVariant *vm = variant("{'name': <'lazy'>, 'size': <uint64 402653184>, 'maximum': <uint64 536870912>,"
			       " 'balloon': <uint64 268435456>, 'resident': <uint64 104857600>,"
			       " 'free-page-reporting': <true>, 'not-on-host': <uint64 67108864>,"
			       " 'virtio-mem': <[{'alias': <'virtiomem0'>, 'node': <uint32 1>,"
			       " 'block': <uint64 2097152>, 'maximum': <uint64 268435456>,"
			       " 'requested': <uint64 134217728>, 'plugged': <uint64 130023424>}]>}");
	char *text = render_vm(vm);

	assert_non_null(strstr(text,
			       "  size             384.0 MiB of 512.0 MiB, resident on the host 100.0 MiB\n"
			       "  balloon          leaves 256.0 MiB of its boot memory\n"
			       "  virtio-mem       124.0 MiB plugged, 128.0 MiB requested, of 256.0 MiB in "
			       "blocks of 2.0 MiB; "
			       "virtiomem0, node 1\n"
			       "  free pages       reported, and holes on the host; of its size 64.0 MiB are "
			       "not on the host: "
			       "that, shrinking cannot give to it\n"));
	g_free(text);
	g_variant_unref(vm);
}

/* What an act did: a resize, moves with their failures by reason, and what failed. */
static void test_act(void **state)
{
	GVariant *done =
		variant("{'device': <'balloon'>, 'from': <uint64 402653184>, 'to': <uint64 335544320>,"
			" 'cold': <uint64 1048576>, 'cold-far': <uint64 524288>, 'hot': <uint64 0>,"
			" 'hot-near': <uint64 0>, 'wanted': <uint64 1048576>, 'moved': <uint64 524288>,"
			" 'busy': <uint64 524288>, 'refused': <uint64 0>, 'failure': <'node 1 is full'>}");
	char *text = render_act(done);

	assert_string_equal(text,
			    "  size             the balloon was told to go from 384.0 MiB to 320.0 MiB\n"
			    "  cold pages       1.0 MiB, of it on the far node 512.0 KiB\n"
			    "  hot pages        0, of it on the near node 0\n"
			    "  to be moved      1.0 MiB, moved 512.0 KiB\n"
			    "  busy             512.0 KiB\n"
			    "  failed           node 1 is full\n");
	g_free(text);
	g_variant_unref(done);
}

/* An act that found nothing to do says so. */
static void test_idle_act(void **state)
{
	GVariant *done = variant("@a{sv} {}");
	char *text = render_act(done);

	assert_string_equal(text, "  size             left as it is\n");
	g_free(text);
	g_variant_unref(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),	   cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_histogram),  cmocka_unit_test(test_classes),
		cmocka_unit_test(test_agent),	   cmocka_unit_test(test_act),
		cmocka_unit_test(test_devices),	   cmocka_unit_test(test_idle_act),
		cmocka_unit_test(test_agent_data), cmocka_unit_test(test_cgroups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
