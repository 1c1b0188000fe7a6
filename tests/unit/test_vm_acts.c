/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_acts.c - acts by way of the journal, on a guest that is played: killed at each state, on its way, gone
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "host_error.h"
#include "memory_actuator.h"
#include "vm_acts.h"

#define LIMIT 65536
#define FLOOR 100

G_DEFINE_QUARK(vmheat_host_error, host_error)

/*
 * The guest, and what its balloon and its virtio-mem devices, if it has any, are told. Sizes in pages; a block has 8, a
 * device 64.
 */
static struct {
	guint64 size, target;
	guint told;
	gboolean obeys, paused, libvirt_fails;
	guint virtio_mems;
	guint64 plugged[2], requested[2];
	guint virtio_mem_told;
} guest;

static const char *const aliases[] = { "virtiomem0", "virtiomem1" };

static gboolean libvirt_works(GError **error)
{
	if (guest.libvirt_fails)
		g_set_error(error, HOST_ERROR, HOST_ERROR_LIBVIRT, "libvirt has gone");
	return !guest.libvirt_fails;
}

static gboolean set_balloon(const struct domain *domain, const char *alias, guint64 pages, GError **error)
{
	assert_null(alias);
	if (!libvirt_works(error))
		return FALSE;
	guest.told++;
	guest.target = pages;
	return TRUE;
}

static gboolean set_virtio_mem(const struct domain *domain, const char *alias, guint64 pages, GError **error)
{
	if (!libvirt_works(error))
		return FALSE;
	assert_int_equal(pages % 8, 0);
	for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
		if (strcmp(alias, aliases[i]) == 0)
			guest.requested[i] = pages;
	guest.virtio_mem_told++;
	return TRUE;
}

const struct memory_actuator memory_actuator_balloon = { .set = set_balloon };
const struct memory_actuator memory_actuator_virtio_mem = { .set = set_virtio_mem };

gboolean domain_memory(const struct domain *domain, struct domain_memory *memory, GError **error)
{
	if (guest.obeys && !guest.paused)
		guest.size = guest.target;
	*memory =
		(struct domain_memory){ .balloon_pages = guest.size, .virtio_mem_count = guest.virtio_mems };
	for (guint i = 0; i < guest.virtio_mems; i++) {
		if (guest.obeys && !guest.paused)
			guest.plugged[i] = guest.requested[i];
		g_strlcpy(memory->virtio_mems[i].alias, aliases[i], VIRTIO_MEM_ALIAS_MAX);
		memory->virtio_mems[i].size = (struct virtio_mem_size){ .block_pages = 8,
									.size_pages = 64,
									.requested_pages = guest.requested[i],
									.current_pages = guest.plugged[i] };
	}
	return TRUE;
}

gboolean domain_is_paused(const struct domain *domain, gboolean *paused, GError **error)
{
	*paused = guest.paused;
	return TRUE;
}

static GLogWriterOutput drop_log(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
	return G_LOG_WRITER_HANDLED;
}

struct scene {
	char *folder;
	struct act_journal *journal;
	struct domain domain;
	struct vm_acts acts;
};

/* The daemon is killed, or starts: all that is left is the journal, and what the guest was told. */
static void restart(struct scene *scene)
{
	act_journal_free(scene->journal);
	scene->journal = act_journal_open(scene->folder, LIMIT, NULL);
	assert_non_null(scene->journal);
	scene->acts = (struct vm_acts){ .journal = scene->journal, .uuid = scene->domain.uuid };
}

static int open_scene(void **state)
{
	struct scene *scene = g_new0(struct scene, 1);

	memset(&guest, 0, sizeof(guest));
	guest.size = guest.target = 400;
	guest.obeys = TRUE;
	scene->folder = g_dir_make_tmp("vmheat-acts-XXXXXX", NULL);
	scene->domain = (struct domain){ .name = (char *)"lazy",
					 .uuid = (char *)"1-2-3",
					 .pid = 10,
					 .pid_start_time = 20,
					 .boot_pages = 400,
					 .has_balloon = TRUE };
	restart(scene);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	static const char *const names[] = { "lock", "acts.journal", "acts.journal.1" };
	struct scene *scene = *state;

	act_journal_free(scene->journal);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(scene->folder, names[i], NULL);

		g_unlink(path);
	}
	g_rmdir(scene->folder);
	g_free(scene->folder);
	g_free(scene);
	return 0;
}

static guint64 settle(struct scene *scene)
{
	g_autoptr(GError) error = NULL;
	guint64 stands;

	if (!vm_acts_settle(&scene->acts, &scene->domain, FLOOR, &stands, &error))
		fail_msg("%s", error->message);
	return stands;
}

static gboolean is_open(struct scene *scene, enum act_kind kind)
{
	struct act_record record;

	if (!act_journal_find_open(scene->journal, scene->domain.uuid, kind, &record))
		return FALSE;
	act_record_clear(&record);
	return TRUE;
}

/* The states of all acts, oldest first: "rolled-back verified". */
static char *states(struct scene *scene)
{
	g_autoptr(GArray) history = act_journal_history(scene->journal, NULL, NULL);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < history->len; i++)
		g_string_append_printf(text, "%s%s", i == 0 ? "" : " ",
				       act_state_name(g_array_index(history, struct act_record, i).state));
	return g_string_free(text, FALSE);
}

static void assert_states(struct scene *scene, const char *wanted)
{
	g_autofree char *found = states(scene);

	assert_string_equal(found, wanted);
}

static gboolean try_resize(struct scene *scene, guint64 from, guint64 to, GError **error)
{
	const struct resize_step step = { .device = RESIZE_BALLOON, .from_pages = from, .to_pages = to };

	return vm_acts_resize(&scene->acts, &scene->domain, &step, NULL, "for a test", error);
}

static void resize(struct scene *scene, guint64 from, guint64 to)
{
	assert_true(try_resize(scene, from, to, NULL));
}

/* The same of the second of the guest's two virtio-mem devices. */
static gboolean try_plug(struct scene *scene, guint64 from, guint64 to)
{
	const struct resize_step step = {
		.device = RESIZE_VIRTIO_MEM, .index = 1, .from_pages = from, .to_pages = to
	};

	return vm_acts_resize(&scene->acts, &scene->domain, &step, aliases[1], "for a test", NULL);
}

/* Both have 48 of 64 pages plugged. */
static void have_virtio_mems(void)
{
	guest.virtio_mems = 2;
	for (guint i = 0; i < 2; i++)
		guest.plugged[i] = guest.requested[i] = 48;
}

/* The record alone, as if the daemon had died between it and the balloon. */
static void only_propose(struct scene *scene, guint64 from, guint64 to)
{
	guest.libvirt_fails = TRUE;
	assert_false(try_resize(scene, from, to, NULL));
	guest.libvirt_fails = FALSE;
}

/* Proposed, applied, and verified once the guest has arrived; nothing is told twice. */
static void test_arrives(void **state)
{
	struct scene *scene = *state;

	guest.obeys = FALSE;
	resize(scene, 400, 300);
	assert_states(scene, "applied");
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "applied");
	guest.obeys = TRUE;
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "verified");
	assert_int_equal(guest.told, 1);
}

/* Killed before the balloon was told of a shrink: it goes back to where it was, and is verified there. */
static void test_killed_proposed(void **state)
{
	struct scene *scene = *state;

	only_propose(scene, 400, 300);
	restart(scene);
	assert_int_equal(settle(scene), 400);
	assert_int_equal(guest.target, 400);
	settle(scene);
	assert_states(scene, "rolled-back verified");
	assert_int_equal(guest.size, 400);
}

/* Killed with the guest half way: likewise. Killed again in each step of that: likewise. */
static void test_killed_applied(void **state)
{
	struct scene *scene = *state;

	resize(scene, 400, 300);
	guest.size = 350;
	guest.obeys = FALSE;
	restart(scene);
	assert_int_equal(settle(scene), 400);
	restart(scene);
	assert_int_equal(settle(scene), 400); /* a growth: asked for again */
	restart(scene);
	only_propose(scene, 350, 330); /* and a new act cut off before it was told */
	restart(scene);
	assert_int_equal(settle(scene), 350);
	guest.obeys = TRUE;
	settle(scene);
	assert_states(scene, "rolled-back rolled-back rolled-back verified");
	assert_int_equal(guest.size, 350);
	assert_false(is_open(scene, ACT_KIND_BALLOON));
}

/* Killed when the guest had arrived: nothing is told, it is verified. */
static void test_killed_arrived(void **state)
{
	struct scene *scene = *state;

	resize(scene, 400, 300);
	guest.size = 300;
	restart(scene);
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "verified");
	assert_int_equal(guest.told, 1);
}

/* A growth that was cut off goes on. */
static void test_killed_growing(void **state)
{
	struct scene *scene = *state;

	guest.size = guest.target = 200;
	only_propose(scene, 200, 350);
	restart(scene);
	assert_int_equal(settle(scene), 350);
	settle(scene);
	assert_states(scene, "verified");
	assert_int_equal(guest.size, 350);
}

/* The VM was started anew while the daemon was away: its size is left alone. */
static void test_started_anew(void **state)
{
	struct scene *scene = *state;

	resize(scene, 400, 300);
	restart(scene);
	scene->domain.pid = 11;
	guest.size = 400;
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "rolled-back");
	assert_int_equal(guest.told, 1);
}

/* A balloon that stops half way is given up after RESIZE_ACT_WINDOWS; while the guest is paused they do not count. */
static void test_stops_half_way(void **state)
{
	struct scene *scene = *state;

	guest.obeys = FALSE;
	resize(scene, 400, 300);
	guest.size = 350;
	guest.paused = TRUE;
	for (guint i = 0; i < 3 * RESIZE_ACT_WINDOWS; i++)
		assert_int_equal(settle(scene), 0);
	guest.paused = FALSE;
	for (guint i = 0; i < RESIZE_ACT_WINDOWS; i++)
		assert_int_equal(settle(scene), 0);
	assert_int_equal(settle(scene), 400);
	assert_int_equal(guest.target, 400);
	/* It does not take that either: it may, and that is all there is to do. */
	for (guint i = 0; i < RESIZE_ACT_WINDOWS; i++)
		settle(scene);
	assert_states(scene, "rolled-back applied");
	settle(scene);
	assert_states(scene, "rolled-back verified");
	assert_int_equal(guest.target, 400);
}

/* Libvirt does not say what became of the call: the next tick asks where the guest is. */
static void test_libvirt_fails(void **state)
{
	struct scene *scene = *state;
	g_autoptr(GError) error = NULL;
	guint64 stands;

	only_propose(scene, 400, 300);
	assert_states(scene, "proposed");
	guest.libvirt_fails = TRUE;
	assert_false(vm_acts_settle(&scene->acts, &scene->domain, FLOOR, &stands, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_LIBVIRT));
	guest.libvirt_fails = FALSE;
	settle(scene);
	settle(scene);
	assert_states(scene, "rolled-back verified");
	assert_int_equal(guest.size, 400);
}

/* No journal, no act. */
static void test_no_journal(void **state)
{
	struct scene *scene = *state;
	g_autofree char *nowhere = g_build_filename(scene->folder, "acts.journal", "sub", NULL);
	struct vm_acts acts = { .uuid = scene->domain.uuid };
	const struct resize_step step = { .from_pages = 400, .to_pages = 300 };
	g_autoptr(GError) error = NULL;
	struct vm_acts_moves moves = { .acts = &acts, .domain = &scene->domain, .limit = 1, .why = "test" };

	acts.journal = act_journal_open(nowhere, LIMIT, NULL);
	assert_false(vm_acts_resize(&acts, &scene->domain, &step, NULL, "for a test", &error));
	assert_true(g_error_matches(error, ACT_JOURNAL_ERROR, ACT_JOURNAL_ERROR_DISK));
	assert_int_equal(guest.told, 0);
	assert_false(vm_acts_begin_moves(&moves, NULL));
	act_journal_free(acts.journal);
}

/* Page moves: open while they run, verified at their end; one that was cut off is over. */
static void test_moves(void **state)
{
	struct scene *scene = *state;
	struct vm_acts_moves moves = {
		.acts = &scene->acts, .domain = &scene->domain, .limit = 64, .why = "for a test"
	};
	g_autoptr(GArray) history = NULL;

	vm_acts_end_moves(&scene->acts, 0, NULL); /* none had begun: no record */
	assert_states(scene, "");
	assert_true(vm_acts_begin_moves(&moves, NULL));
	assert_true(is_open(scene, ACT_KIND_MOVES));
	vm_acts_end_moves(&scene->acts, 3, NULL);
	assert_states(scene, "verified");
	assert_true(vm_acts_begin_moves(&moves, NULL));
	resize(scene, 400, 300); /* an act of another kind does not take its place */
	restart(scene);
	settle(scene);
	assert_states(scene, "verified verified verified");
	history = act_journal_history(scene->journal, "lazy", NULL);
	assert_int_equal(g_array_index(history, struct act_record, 0).moved, 3 * 4096);
	assert_int_equal(g_array_index(history, struct act_record, 1).limit, 64 * 4096);
}

/* The VM ends: nothing of it stays open. */
static void test_gone(void **state)
{
	struct scene *scene = *state;

	resize(scene, 400, 300);
	vm_acts_close(&scene->acts);
	assert_false(is_open(scene, ACT_KIND_BALLOON));
	assert_states(scene, "rolled-back");
}

/* A shrink by virtio-mem is verified when the device has unplugged, and the balloon is told nothing. */
static void test_virtio_mem_arrives(void **state)
{
	struct scene *scene = *state;
	struct act_record record;

	have_virtio_mems();
	guest.obeys = FALSE;
	assert_true(try_plug(scene, 48, 16));
	assert_true(act_journal_find_open(scene->journal, scene->domain.uuid, ACT_KIND_BALLOON, &record));
	assert_int_equal(record.kind, ACT_KIND_VIRTIO_MEM);
	assert_string_equal(record.device, "virtiomem1");
	act_record_clear(&record);
	guest.plugged[1] = 32;
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "applied");
	guest.obeys = TRUE;
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "verified");
	assert_int_equal(guest.plugged[0], 48);
	assert_int_equal(guest.told, 0);
	assert_int_equal(guest.virtio_mem_told, 1);
}

/*
 * Killed with the device half way, or before it was told: the next daemon finds the device in the journal, and has it plug
 * what it had. The guest is to have 400 + 48 + 48 = 496 then.
 */
static void test_virtio_mem_killed(void **state)
{
	struct scene *scene = *state;

	have_virtio_mems();
	assert_true(try_plug(scene, 48, 16));
	guest.obeys = FALSE;
	guest.plugged[1] = 32;
	restart(scene);
	assert_int_equal(settle(scene), 496);
	assert_int_equal(guest.requested[1], 48);
	restart(scene);
	assert_int_equal(settle(scene), 496); /* a growth: asked for again */
	guest.obeys = TRUE;
	settle(scene);
	assert_states(scene, "rolled-back verified");
	guest.libvirt_fails = TRUE;
	assert_false(try_plug(scene, 48, 16));
	guest.libvirt_fails = FALSE;
	restart(scene);
	assert_int_equal(settle(scene), 496);
	settle(scene);
	assert_states(scene, "rolled-back verified rolled-back verified");
	assert_int_equal(guest.plugged[1], 48);
	assert_int_equal(guest.requested[0], 48);
	assert_int_equal(guest.told, 0);
}

/* A guest that does not unplug is as a balloon that does not answer: rolled back by the same device. */
static void test_virtio_mem_stuck(void **state)
{
	struct scene *scene = *state;

	have_virtio_mems();
	guest.obeys = FALSE;
	assert_true(try_plug(scene, 48, 16));
	for (guint i = 0; i < RESIZE_ACT_WINDOWS; i++)
		assert_int_equal(settle(scene), 0);
	assert_int_equal(settle(scene), 496);
	assert_int_equal(guest.requested[1], 48);
	settle(scene);
	assert_states(scene, "rolled-back verified");
	assert_int_equal(guest.told, 0);
}

/*
 * A device with 16 is told to have 8, and meanwhile the balloon takes all but 30, for what reason ever. With the other
 * device's 48 the guest has less than its floor of 100: the device goes to 24, three blocks, and the guest to 102.
 */
static void test_virtio_mem_floor(void **state)
{
	struct scene *scene = *state;

	have_virtio_mems();
	guest.plugged[1] = 16;
	assert_true(try_plug(scene, 16, 8));
	guest.size = guest.target = 30;
	for (guint i = 0; i < RESIZE_ACT_WINDOWS; i++)
		assert_int_equal(settle(scene), 0);
	assert_int_equal(settle(scene), 102);
	assert_int_equal(guest.requested[1], 24);
}

/* Begun at 44, when a device of this name had other blocks; now they have 8: it goes back to 48, which it can have. */
static void test_virtio_mem_other_blocks(void **state)
{
	struct scene *scene = *state;

	have_virtio_mems();
	guest.obeys = FALSE;
	assert_true(try_plug(scene, 44, 16));
	restart(scene);
	assert_int_equal(settle(scene), 496);
	assert_int_equal(guest.requested[1], 48);
}

/* Unplugged altogether while the daemon was away: nothing is left to undo, and nobody is told. */
static void test_virtio_mem_gone(void **state)
{
	struct scene *scene = *state;

	have_virtio_mems();
	assert_true(try_plug(scene, 48, 16));
	restart(scene);
	guest.virtio_mems = 1;
	assert_int_equal(settle(scene), 0);
	assert_states(scene, "rolled-back");
	assert_int_equal(guest.told + guest.virtio_mem_told, 1);
}

/* One device at a time: a resize by the one takes the place of a resize by the other. What is on its way is known. */
static void test_one_at_a_time(void **state)
{
	struct scene *scene = *state;
	struct domain_memory memory;
	struct resize_devices devices = { 0 };

	have_virtio_mems();
	guest.obeys = FALSE;
	assert_true(domain_memory(&scene->domain, &memory, NULL));
	vm_acts_find_moving(&scene->acts, &memory, &devices);
	assert_false(devices.moving);
	resize(scene, 400, 300);
	vm_acts_find_moving(&scene->acts, &memory, &devices);
	assert_true(devices.moving);
	assert_int_equal(devices.moving_device, RESIZE_BALLOON);
	assert_true(try_plug(scene, 48, 64));
	vm_acts_find_moving(&scene->acts, &memory, &devices);
	assert_int_equal(devices.moving_device, RESIZE_VIRTIO_MEM);
	assert_int_equal(devices.moving_index, 1);
	assert_states(scene, "rolled-back applied");
	memory.virtio_mem_count = 1;
	vm_acts_find_moving(&scene->acts, &memory, &devices);
	assert_int_equal(devices.moving_index, 1); /* not there any more */
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_arrives),
		IN_SCENE(test_killed_proposed),
		IN_SCENE(test_killed_applied),
		IN_SCENE(test_killed_arrived),
		IN_SCENE(test_killed_growing),
		IN_SCENE(test_started_anew),
		IN_SCENE(test_stops_half_way),
		IN_SCENE(test_libvirt_fails),
		IN_SCENE(test_no_journal),
		IN_SCENE(test_moves),
		IN_SCENE(test_gone),
		IN_SCENE(test_virtio_mem_arrives),
		IN_SCENE(test_virtio_mem_killed),
		IN_SCENE(test_virtio_mem_stuck),
		IN_SCENE(test_virtio_mem_floor),
		IN_SCENE(test_virtio_mem_gone),
		IN_SCENE(test_one_at_a_time),
		IN_SCENE(test_virtio_mem_other_blocks),
	};

	g_log_set_writer_func(drop_log, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
