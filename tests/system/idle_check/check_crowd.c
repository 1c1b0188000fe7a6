// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_crowd.c - many observers at once: what one of them takes, all others are told
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "page_scan.h"
#include "rounds.h"
#include "vmm_client.h"

#define SLOT   0
#define PAGES  2048
#define ROUNDS 200
#define OTHERS 3
/* Where the slot can be, and a slot that keeps the memory while it is not there. */
#define PLACES 11
#define KEEPER 11

/* A VMM with one slot, and processes that observe it without pause. */
struct crowd {
	struct vmm_client vmm;
	uintptr_t address;
	pid_t others[OTHERS];
	unsigned int place; /* of the slot */
};

/* Scan, and read; and mark if @marks. Ends with the check, or with a failure. */
static void observe(const struct crowd *crowd, unsigned int number, bool marks)
{
	static bool set[PAGES];
	int fd = idle_map_open(crowd->vmm.pid);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (random_below(1 + number))
		; /* so that the others choose other sets */
	while (page_scan(fd, crowd->address, PAGES, random_below(2), NULL, NULL, NULL, NULL) > 0 &&
	       !idle_map_read(fd, crowd->address, PAGES, set)) {
		random_set(set, PAGES);
		if (marks && idle_map_mark(fd, crowd->address, PAGES, set))
			break;
	}
	_exit(1);
}

static void crowd_start(struct crowd *crowd, bool marks)
{
	unsigned int i;

	crowd->place = SLOT;
	vmm_start(&crowd->vmm);
	crowd->address = vmm_slot_add(&crowd->vmm, SLOT, PAGES, BACKING_SMALL, 0);
	fflush(stdout);
	for (i = 0; i < OTHERS; i++) {
		crowd->others[i] = fork();
		if (crowd->others[i] == 0)
			observe(crowd, i, marks);
	}
}

/* Return: whether all were still at it */
static bool crowd_end(struct crowd *crowd)
{
	bool alive = true;
	unsigned int i;

	for (i = 0; i < OTHERS; i++) {
		int status;

		kill(crowd->others[i], SIGKILL);
		EXPECT(waitpid(crowd->others[i], &status, 0) == crowd->others[i]);
		alive = alive && WIFSIGNALED(status);
	}
	vmm_end(&crowd->vmm, false);
	EXPECT(alive, "an observer has failed");
	return true;
}

static void touch(void *context, unsigned int way, char mode, bool *set, size_t pages)
{
	struct crowd *crowd = context;

	vmm_touch(&crowd->vmm, way ? "host" : "touch", mode, SLOT, set, pages);
}

/* The slot goes, comes back, and moves. */
static void change(void *context)
{
	struct crowd *crowd = context;

	crowd->place = (crowd->place + 1 + random_below(PLACES - 1)) % PLACES;
	vmm_command(&crowd->vmm, "slot show %u 0 %u 0 %u", KEEPER, SLOT, PAGES);
	vmm_command(&crowd->vmm, "slot del %u", SLOT);
	vmm_command(&crowd->vmm, "slot show %u 0 %u 0 %u", SLOT, KEEPER, PAGES);
	vmm_command(&crowd->vmm, "slot del %u", KEEPER);
	vmm_command(&crowd->vmm, "slot move %u %u", SLOT, crowd->place);
}

static bool run_crowd(bool marks, bool changes)
{
	struct crowd crowd;
	struct rounds rounds = {
		.pages = PAGES,
		.leaf = 1,
		.zeroes = true,
		.crowded = marks,
		.paths = VMHEAT_IDLE_PATH_HOST | VMHEAT_IDLE_PATH_TDP,
		.ways = { { "rwx", true }, { "rwu", false } },
		.touch = touch,
		.change = changes ? change : NULL,
		.context = &crowd,
	};
	bool right;

	crowd_start(&crowd, marks);
	rounds.pid = crowd.vmm.pid;
	rounds.address = crowd.address;
	right = rounds_run(&rounds, ROUNDS);
	return crowd_end(&crowd) && right;
}

/* Others scan and read meanwhile: none of the observers misses anything. */
static bool crowd_scans(void)
{
	return run_crowd(false, false);
}

/* Others mark, too: those who scan miss nothing. */
static bool crowd_marks(void)
{
	return run_crowd(true, false);
}

/* Others scan and read while the slot goes, comes and moves: none of the observers misses anything. */
static bool crowd_moving(void)
{
	return run_crowd(false, true);
}

const struct check crowd_checks[] = {
	{ "crowd-scans", crowd_scans },
	{ "crowd-marks", crowd_marks },
	{ "crowd-moving", crowd_moving },
	{ NULL, NULL },
};
