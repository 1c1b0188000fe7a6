// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - idle_soak: long scanning of /proc/PID/idle_bitmap, while much else happens to the memory
 *
 *   idle_soak process|vm SECONDS   a subject of its own, of which it knows what must come out; exit status 0 if so
 *   idle_soak scan PID SECONDS     any process, to the end of the time or of the process
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "disturb.h"
#include "observe.h"
#include "scan_all.h"

#define DISTURB_US 5000

static bool soak(const struct subject_kind *kind, unsigned long seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	struct subject subject = { .kind = kind };
	struct disturbances done = { 0 };
	struct observer reader, scanner;
	unsigned int random = 1;
	bool right;

	kind->start(&subject);
	observer_start_reading(&reader, &subject);
	observer_start_scanning(&scanner, &subject);
	while (time(NULL) < end && !reader.wrong && !scanner.wrong) {
		random = random * 1103515245 + 12345;
		disturb(&subject, random >> 8, &done);
		usleep(DISTURB_US);
	}
	right = observer_end(&reader);
	right = observer_end(&scanner) && right;
	right = kind->end(&subject) && right;
	printf("%s: read %lu times, %lu pages were idle\n", kind->name, reader.scans, reader.idle);
	printf("%s: scanned %lu times, %lu pages were idle\n", kind->name, scanner.scans, scanner.idle);
	printf("moved %lu times, aged %lu, paged out %lu, collapsed %lu\n", done.moved, done.aged,
	       done.paged_out, done.collapsed);
	/* Whether a block can be collapsed depends on what the kernel has just done to it. */
	return right && reader.idle && scanner.idle && done.moved && done.aged && done.paged_out;
}

int main(int argc, char **argv)
{
	unsigned long seconds = argc > 2 ? strtoul(argv[argc - 1], NULL, 10) : 0;

	if (argc == 3 && seconds && !strcmp(argv[1], "process"))
		return soak(&subject_process, seconds) ? 0 : 1;
	if (argc == 3 && seconds && !strcmp(argv[1], "vm"))
		return soak(&subject_vm, seconds) ? 0 : 1;
	if (argc == 4 && seconds && !strcmp(argv[1], "scan"))
		return scan_all((pid_t)strtol(argv[2], NULL, 10), seconds) ? 0 : 1;
	fprintf(stderr, "usage: idle_soak process|vm SECONDS\n       idle_soak scan PID SECONDS\n");
	return 2;
}
