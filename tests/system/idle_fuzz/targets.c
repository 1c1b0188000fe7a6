// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * targets.c - the processes that random calls are about
 *
 * All but the VMM belong to an ordinary user. They end with the process that started them.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "targets.h"
#include "vmm_client.h"

#define KTHREADD   2
#define PAGE	   4096UL
#define SLOT_PAGES 2048
/* Slot 0 is always there and the guest uses it; the others come and go. */
#define MOVING_SLOTS 4

static struct {
	struct vmm_client vmm;
	bool moving[MOVING_SLOTS];
} targets;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Half of it in small pages. */
void playground_new(void)
{
	uint8_t *playground = mmap((void *)PLAYGROUND, PLAYGROUND_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	size_t offset;

	if (playground == MAP_FAILED)
		die("mmap");
	madvise(playground, PLAYGROUND_SIZE / 2, MADV_NOHUGEPAGE);
	madvise(playground + PLAYGROUND_SIZE / 2, PLAYGROUND_SIZE / 2, MADV_HUGEPAGE);
	for (offset = 0; offset < PLAYGROUND_SIZE; offset += 16 * PAGE)
		playground[offset] = 1;
}

void become_nobody(void)
{
	/* Changing the user makes a process undumpable, which its open of /proc/PID would be refused for. */
	if (setgid(NOBODY) || setuid(NOBODY) || prctl(PR_SET_DUMPABLE, 1))
		die("setuid");
}

/* Changing the user also forgets the signal that a parent's death sends. */
static void end_with_parent(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		die("prctl");
}

static void change_mapping(struct random *random)
{
	size_t pages = PLAYGROUND_SIZE / PAGE, first = random_below(random, pages);
	size_t size = (1 + random_size(random, pages - first)) * PAGE;
	uint8_t *start = (uint8_t *)PLAYGROUND + first * PAGE, *page;
	int status;
	pid_t pid;

	if (size > PLAYGROUND_SIZE - first * PAGE)
		size = PAGE;
	switch (random_below(random, 8)) {
	case 0:
		madvise(start, size, MADV_DONTNEED);
		break;
	case 1:
		mprotect(start, size, PROT_READ);
		mprotect(start, size, PROT_READ | PROT_WRITE);
		break;
	case 2:
		munmap(start, size);
		if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			 0) != start)
			die("mmap");
		break;
	case 3:
		madvise(start, size, random_one_in(random, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	case 4: /* copy on write */
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, &status, 0);
		break;
	default:
		for (page = start; page < start + size; page += PAGE)
			*page = 1;
	}
}

static void be_busy(struct random random)
{
	for (;;)
		change_mapping(&random);
}

static void be_dying(struct random random)
{
	usleep(random_below(&random, 20000));
	_exit(0);
}

void target_exec_again(void)
{
	end_with_parent();
	playground_new();
	usleep(3000);
	execl("/proc/self/exe", "idle_fuzz", TARGET_EXEC_ARGUMENT, (char *)NULL);
	die("execl");
	__builtin_unreachable();
}

static void be_execing(struct random random)
{
	target_exec_again();
}

static void start(struct world *world, struct random *random, enum target target, void (*be)(struct random))
{
	struct random own = { random_bits(random) };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		become_nobody();
		end_with_parent();
		be(own);
	}
	world->pid[target] = pid;
}

/* The guest writes every third page of slot 0 for ever. */
static void use_slot(struct world *world)
{
	world->vmm_slot = vmm_slot_add(&targets.vmm, 0, SLOT_PAGES, BACKING_HUGE, 0);
	vmm_command(&targets.vmm, "loop w 0 0-%d/3", SLOT_PAGES - 1);
}

static void stir_vmm(struct world *world, struct random *random)
{
	unsigned int slot = random_below(random, MOVING_SLOTS);

	if (random_one_in(random, 16)) {
		vmm_command(&targets.vmm, "reset");
		for (slot = 0; slot < MOVING_SLOTS; slot++)
			targets.moving[slot] = false;
		use_slot(world);
		return;
	}
	if (targets.moving[slot])
		vmm_command(&targets.vmm, "slot del %u", 1 + slot);
	else
		vmm_slot_add(&targets.vmm, 1 + slot, 1 + random_below(random, SLOT_PAGES),
			     BACKING_SMALL + random_below(random, BACKING_HUGETLB_2M),
			     random_below(random, 1000));
	targets.moving[slot] = !targets.moving[slot];
}

void targets_start(struct world *world, struct random *random)
{
	playground_new();
	start(world, random, TARGET_BUSY, be_busy);
	start(world, random, TARGET_DYING, be_dying);
	start(world, random, TARGET_EXECING, be_execing);
	vmm_start(&targets.vmm);
	use_slot(world);
	world->pid[TARGET_VMM] = targets.vmm.pid;
	world->pid[TARGET_KTHREAD] = KTHREADD;
}

void targets_stir(struct world *world, struct random *random)
{
	if (waitpid(world->pid[TARGET_DYING], NULL, WNOHANG) > 0)
		start(world, random, TARGET_DYING, be_dying);
	if (waitpid(world->pid[TARGET_BUSY], NULL, WNOHANG) > 0 ||
	    waitpid(world->pid[TARGET_EXECING], NULL, WNOHANG) > 0) {
		printf("a process that was only observed has died\n");
		exit(1);
	}
	stir_vmm(world, random);
}
