// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker.c - a process that makes random calls until it is killed, from several threads at once, interrupted by signals
 *
 * Some files are open for all threads from beginning to end; each thread opens and closes others. The signals have a
 * handler, and do not restart what they interrupt: as only fatal ones may, none interrupts anything.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "call.h"
#include "targets.h"
#include "worker.h"

#define THREADS	     3
#define SHARED_FILES 6

static struct {
	struct file files[SHARED_FILES];
	unsigned int count;
	struct caller callers[THREADS];
	pthread_t threads[THREADS];
} worker;

static void on_signal(int number)
{
}

static void call_anything(struct caller *caller)
{
	static void (*const calls[])(struct caller *) = {
		call_read, call_read, call_read, call_write, call_write, call_write,	call_seek,
		call_map,  call_scan, call_scan, call_scan,  call_scan,	 call_memslots, call_other_ioctl,
	};

	calls[random_below(&caller->random, sizeof(calls) / sizeof(calls[0]))](caller);
}

/* A file of its own for some calls, then a shared one for some, and so on. */
static void *call_for_ever(void *argument)
{
	struct caller *caller = argument;
	unsigned int calls;

	for (;;) {
		enum target target = random_below(&caller->random, TARGET_COUNT);

		calls = (unsigned int)random_below(&caller->random, 64);
		if (call_open(caller, target, &caller->file)) {
			while (calls--)
				call_anything(caller);
			close(caller->file.fd);
		}
		if (!worker.count)
			continue;
		caller->file = worker.files[random_below(&caller->random, worker.count)];
		calls = (unsigned int)random_below(&caller->random, 64);
		while (calls--)
			call_anything(caller);
	}
	return NULL;
}

static void open_shared_files(struct caller *caller)
{
	unsigned int i;

	for (i = 0; i < SHARED_FILES; i++) {
		if (call_open(caller, i % TARGET_COUNT, &worker.files[worker.count]))
			worker.count++;
	}
}

static void interrupt_for_ever(struct random *random)
{
	for (;;) {
		usleep((unsigned int)random_below(random, 1000));
		pthread_kill(worker.threads[random_below(random, THREADS)], SIGUSR1);
	}
}

void worker_run(struct world *world, uint64_t seed, bool root)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct random random;
	char name[64];
	unsigned int i;

	snprintf(name, sizeof(name), "%llx (%s)", (unsigned long long)seed, root ? "root" : "nobody");
	random_start(&random, seed);
	if (!root)
		become_nobody();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || sigaction(SIGUSR1, &action, NULL))
		_exit(2);
	for (i = 0; i < THREADS; i++) {
		worker.callers[i] = (struct caller){ .name = name, .world = world, .root = root };
		random_start(&worker.callers[i].random, random_bits(&random));
		arena_new(&worker.callers[i].arena);
	}
	open_shared_files(&worker.callers[0]);
	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&worker.threads[i], NULL, call_for_ever, &worker.callers[i]))
			_exit(2);
	}
	interrupt_for_ever(&random);
	_exit(2);
}
