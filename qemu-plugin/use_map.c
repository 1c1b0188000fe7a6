// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * use_map.c - the plugin's use "map": the guest's accessed pages, for whoever maps the file
 *
 * Theory of operation
 *
 * While nobody observes, only three callbacks are registered: for each translation, and when a virtual
 * processor halts or wakes. None costs anything while translated code runs. In them the plugin sees what
 * observers ask for, and changes of the machine's memory. To begin and to end recording it has QEMU drop all
 * callbacks and all translations (plugin_reset()); whatever is translated from then on records, or does not.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "guest_pages.h"
#include "machine_memory.h"
#include "map_recorder.h"
#include "plugin_use.h"

static struct map_recorder recorder;
static unsigned int published; /* machine_memory_refresh()'s count */
static time_t looked_for_dead; /* monotonic, in seconds */
static bool switching;

static void record(unsigned int vcpu, uint64_t gfn)
{
	map_recorder_record(&recorder, gfn);
}

static void lost(void)
{
	map_recorder_lost(&recorder);
}

static const struct guest_page_recorder page_recorder = { .record = record, .lost = lost };

/* One caller a second is told yes. */
static bool is_time_to_find_dead(void)
{
	time_t last = __atomic_load_n(&looked_for_dead, __ATOMIC_RELAXED);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec != last && __atomic_compare_exchange_n(&looked_for_dead, &last, now.tv_sec, false,
								 __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void publish_changes(void)
{
	unsigned int changes = machine_memory_refresh();
	struct ram_layout layout;

	if (__atomic_exchange_n(&published, changes, __ATOMIC_RELAXED) == changes)
		return;
	machine_memory_layout(&layout);
	map_recorder_publish(&recorder, &layout);
}

static void switched(void);

/* Whatever there is to be seen to, in a callback of a virtual processor. */
static void look(void)
{
	bool find_dead;

	publish_changes();
	find_dead = is_time_to_find_dead();
	if (!find_dead && !map_recorder_is_asked(&recorder))
		return;
	if (map_recorder_look(&recorder, find_dead) &&
	    !__atomic_exchange_n(&switching, true, __ATOMIC_ACQUIRE))
		plugin_reset(switched);
}

static void translate(struct qemu_plugin_tb *block)
{
	look();
	if (map_recorder_is_on(&recorder))
		guest_pages_watch(block);
}

static void vcpu_event(unsigned int vcpu)
{
	look();
}

static const struct plugin_callbacks callbacks = { .translate = translate,
						   .vcpu_idle = vcpu_event,
						   .vcpu_resume = vcpu_event };

/* No virtual processor runs now. */
static void switched(void)
{
	map_recorder_switch(&recorder);
	plugin_register(&callbacks);
	__atomic_store_n(&switching, false, __ATOMIC_RELEASE);
}

static int start(const char *value, const struct qemu_info_t *info)
{
	int error;

	if (guest_pages_start(&page_recorder) != 0)
		return -1;
	error = map_recorder_start(&recorder, value);
	if (error != 0) {
		plugin_complain("cannot make %s: %s", value,
				error == -EBUSY	   ? "a QEMU that runs uses it"
				: error == -EEXIST ? "something else has that name"
						   : strerror(-error));
		return -1;
	}
	plugin_register(&callbacks);
	return 0;
}

const struct plugin_use plugin_use_map = { .name = "map", .start = start };
