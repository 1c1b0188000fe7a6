// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - idle_fuzz: random calls on /proc/PID/idle_bitmap get no other answers than documented
 *
 *   idle_fuzz SECONDS [SEED]   exit status 0 if all was right
 *
 * Workers make the calls (worker.c), about processes that live, change and die (targets.c). A worker is killed at a
 * random moment, in the midst of its calls, and the next one takes its place. The seed that is printed at the
 * beginning repeats every worker's sequence of calls; what else happens at that moment is up to the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "random.h"
#include "targets.h"
#include "worker.h"
#include "world.h"

#define WORKERS	 3
#define TICK_US	 5000
#define LIFE_MAX 2000 /* ticks */
/* No call takes as long, even under emulation: whoever does not die by then never will. */
#define DEATH_SECONDS 60

/**
 * struct worker - a worker and those who take its place
 * @root:   else an ordinary user
 * @random: from which they have their seeds, however long each of them lives
 * @pid:    the one that is there
 * @life:   for how many ticks
 */
struct worker {
	bool root;
	struct random random;
	pid_t pid;
	uint64_t life;
};

static void start_worker(struct worker *worker, struct world *world)
{
	uint64_t seed = random_bits(&worker->random);

	worker->life = 1 + random_size(&worker->random, LIFE_MAX);
	fflush(stdout);
	worker->pid = fork();
	if (worker->pid == 0)
		worker_run(world, seed, worker->root);
	if (worker->pid < 0) {
		perror("fork");
		exit(2);
	}
}

/* Kill a worker. Return: whether it was alive until then, and dies. */
static bool end_worker(struct worker *worker)
{
	time_t end = time(NULL) + DEATH_SECONDS;
	pid_t dead;
	int status;

	kill(worker->pid, SIGKILL);
	while (!(dead = waitpid(worker->pid, &status, WNOHANG)) && time(NULL) < end)
		usleep(TICK_US);
	if (!dead) {
		printf("process %d does not die\n", (int)worker->pid);
		return false;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	printf("a worker ended by itself, status %x\n", status);
	return false;
}

static bool tick(struct worker *workers, struct world *world, struct random *random)
{
	unsigned int i;
	siginfo_t ended;

	targets_stir(world, random);
	for (i = 0; i < WORKERS; i++) {
		ended.si_pid = 0;
		if (waitid(P_PID, workers[i].pid, &ended, WEXITED | WNOHANG | WNOWAIT) || ended.si_pid ||
		    !workers[i].life--) {
			if (!end_worker(&workers[i]))
				return false;
			start_worker(&workers[i], world);
		}
	}
	return true;
}

static bool run(struct world *world, struct random *random, unsigned long seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	struct worker workers[WORKERS];
	bool right = true;
	unsigned int i;

	targets_start(world, random);
	for (i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .root = i > 0, .random = { random_bits(random) } };
		start_worker(&workers[i], world);
	}
	while (right && time(NULL) < end) {
		usleep(TICK_US);
		right = tick(workers, world, random);
	}
	for (i = 0; i < WORKERS; i++)
		right = end_worker(&workers[i]) && right;
	return right;
}

/* Print how often each operation ended in each way. */
static void report(const struct world *world)
{
	unsigned int operation, error;

	for (operation = 0; operation < OPERATION_COUNT; operation++) {
		printf("%s:", operation_name(operation));
		for (error = 0; error < ERRORS_MAX; error++) {
			if (world->results[operation][error])
				printf(" %llu %s", (unsigned long long)world->results[operation][error],
				       error ? strerrorname_np((int)error) : "ok");
		}
		putchar('\n');
	}
	printf("idle pages were read %llu times, accessed pages scanned %llu times\n",
	       (unsigned long long)world->idle, (unsigned long long)world->accessed);
}

/* Whether the calls have come everywhere: a fuzzer that only meets errors shows nothing. */
static bool has_covered(const struct world *world)
{
	static const struct {
		enum operation operation;
		int error;
	} outcomes[] = {
		{ OPERATION_OPEN, 0 },		{ OPERATION_OPEN, EACCES },
		{ OPERATION_OPEN, ENOENT },	{ OPERATION_READ, 0 },
		{ OPERATION_READ, EINVAL },	{ OPERATION_READ, ESRCH },
		{ OPERATION_READ, EFAULT },	{ OPERATION_WRITE, 0 },
		{ OPERATION_WRITE, EINVAL },	{ OPERATION_WRITE, ESRCH },
		{ OPERATION_WRITE, EFAULT },	{ OPERATION_WRITE, ENXIO },
		{ OPERATION_SCAN, 0 },		{ OPERATION_SCAN, EINVAL },
		{ OPERATION_SCAN, ESRCH },	{ OPERATION_SCAN, EFAULT },
		{ OPERATION_SCAN, E2BIG },	{ OPERATION_MEMSLOTS, 0 },
		{ OPERATION_MEMSLOTS, EINVAL }, { OPERATION_OTHER_IOCTL, ENOTTY },
	};
	bool all = world->idle && world->accessed;
	size_t i;

	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (world->results[outcomes[i].operation][outcomes[i].error])
			continue;
		printf("never seen: %s: %s\n", operation_name(outcomes[i].operation),
		       strerror(outcomes[i].error));
		all = false;
	}
	return all;
}

int main(int argc, char **argv)
{
	struct world *world;
	struct random random;
	unsigned long seconds;
	uint64_t seed;
	bool right;

	if (argc == 2 && !strcmp(argv[1], TARGET_EXEC_ARGUMENT))
		target_exec_again();
	seconds = argc == 2 || argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	if (!seconds) {
		fprintf(stderr, "usage: idle_fuzz SECONDS [SEED]\n");
		return 2;
	}
	seed = argc == 3 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	printf("seed %llu\n", (unsigned long long)seed);
	random_start(&random, seed);
	world = world_new();
	right = run(world, &random, seconds);
	report(world);
	return right && has_covered(world) ? 0 : 1;
}
