// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_vm.c - KVM guests: what the guest and its VMM touch is what idle_bitmap says
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
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "kvm_stat.h"
#include "page_scan.h"
#include "rounds.h"
#include "vmm_client.h"

#define SLOT	   0
#define PAGES	   2048
#define LEAF_PAGES 512
#define ROUNDS	   200

/* A VMM with one slot, and its idle_bitmap. */
struct vm_test {
	struct vmm_client vmm;
	uintptr_t address;
	int fd;
};

static void vm_test_start(struct vm_test *test, size_t pages, enum backing backing, size_t skew)
{
	vmm_start(&test->vmm);
	test->address = vmm_slot_add(&test->vmm, SLOT, pages, backing, skew);
	test->fd = idle_map_open(test->vmm.pid);
}

static void vm_test_end(struct vm_test *test, bool killed)
{
	close(test->fd);
	vmm_end(&test->vmm, killed);
}

/* The ways: the guest touches; the VMM does. */
static void touch_vm(void *context, unsigned int way, char mode, bool *set, size_t pages)
{
	struct vm_test *test = context;

	vmm_touch(&test->vmm, way ? "host" : "touch", mode, SLOT, set, pages);
}

/* @vcpu: that touches the pages; @paths: that scans must name, or 0 */
static bool run_rounds(const char *vcpu, bool merged, size_t skew, bool mapped, unsigned int paths)
{
	struct vm_test test;
	bool right;

	vm_test_start(&test, PAGES, BACKING_SMALL, skew);
	vmm_command(&test.vmm, "vcpu %s", vcpu);
	right = rounds_run(&(struct rounds){ .pid = test.vmm.pid,
					     .address = test.address,
					     .pages = PAGES,
					     .leaf = 1,
					     .zeroes = true,
					     .mapped = mapped,
					     .paths = paths,
					     .ways = { { "rwx", true }, { merged ? "rw" : NULL, false } },
					     .touch = touch_vm,
					     .context = &test },
			   ROUNDS);
	vm_test_end(&test, false);
	return right;
}

static bool vm_rounds(void)
{
	return run_rounds("guest", false, 0, false, 0);
}

/* A guest's guest, which nobody else touches pages for. */
static bool vm_nested(void)
{
	return run_rounds("nested-paging", false, 0, false, 0);
}

/* A guest that writes to its page tables after it has touched pages, so that KVM makes the shadow pages anew. */
static bool vm_paging(void)
{
	return run_rounds("paging", false, 0, false, 0);
}

/* Guest and VMM in turn: a page is idle only if neither touched it. */
static bool vm_merged(void)
{
	return run_rounds("guest", true, 0, false, 0);
}

/* The same, with nothing left that KVM could map for the guest in advance, as shadow paging does. */
static bool vm_mapped(void)
{
	return run_rounds("guest", true, 0, true, 0);
}

/* To be run where KVM has no TDP MMU: scans say that they asked KVM. */
static bool vm_aging(void)
{
	return run_rounds("guest", false, 0, false, VMHEAT_IDLE_PATH_HOST | VMHEAT_IDLE_PATH_KVM_AGING);
}

/* Guest frames and host pages are not congruent: a block lies in two last-level tables. */
static bool vm_skewed(void)
{
	return run_rounds("guest", false, 77, false, 0);
}

/*
 * While the guest touches a set in a tight loop, with hot TLBs, that set is never idle and the rest always
 * is. Emulated processors flush more than real ones, so KVM itself is asked whether each mark made it flush.
 */
static bool hot_round(struct vm_test *test, unsigned int round)
{
	bool hot[PAGES], found[PAGES], expected[PAGES];
	unsigned int pass;
	long flushes;
	size_t i;

	while (!random_set(hot, PAGES))
		;
	for (i = 0; i < PAGES; i++)
		expected[i] = !hot[i];
	vmm_touch(&test->vmm, "loop", "rwx"[random_below(3)], SLOT, hot, PAGES);
	for (pass = 0; pass < 4; pass++) {
		flushes = kvm_tlb_flushes();
		EXPECT(!idle_map_mark(test->fd, test->address, PAGES, NULL));
		vmm_loop_wait(&test->vmm);
		EXPECT(flushes >= 0 && kvm_tlb_flushes() > flushes);
		EXPECT(!idle_map_read(test->fd, test->address, PAGES, found));
		if (!sets_equal("hot loop", found, expected, PAGES)) {
			printf("round %u, pass %u\n", round, pass);
			return false;
		}
	}
	vmm_command(&test->vmm, "stop");
	return true;
}

static bool vm_hot(void)
{
	struct vm_test test;
	bool all[PAGES], right = true;
	unsigned int round;

	vm_test_start(&test, PAGES, BACKING_SMALL, 0);
	fill_set(all, PAGES, 0, PAGES - 1);
	vmm_touch(&test.vmm, "touch", 'w', SLOT, all, PAGES);
	for (round = 0; right && round < 25; round++)
		right = hot_round(&test, round);
	vm_test_end(&test, !right);
	return right;
}

/*
 * One page touched by the guest, the others of the slot marked too: the touched ones are idle, the rest are
 * holes.
 */
static bool vm_holes(void)
{
	bool set[PAGES], found[PAGES];
	struct vm_test test;
	bool right;

	vm_test_start(&test, PAGES, BACKING_SMALL, 0);
	fill_set(set, PAGES, 100, 199);
	vmm_touch(&test.vmm, "touch", 'w', SLOT, set, PAGES);
	right = !idle_map_mark(test.fd, test.address, PAGES, NULL) &&
		!idle_map_read(test.fd, test.address, PAGES, found) &&
		sets_equal("100 to 199 written, all marked", found, set, PAGES);
	vm_test_end(&test, false);
	return right;
}

static bool huge_with(struct vm_test *test)
{
	bool set[LEAF_PAGES], found[LEAF_PAGES], expected[LEAF_PAGES];

	fill_set(set, LEAF_PAGES, 0, 0);
	vmm_touch(&test->vmm, "touch", 'w', SLOT, set, LEAF_PAGES);
	EXPECT(!idle_map_mark(test->fd, test->address, LEAF_PAGES, NULL));
	EXPECT(!idle_map_read(test->fd, test->address, LEAF_PAGES, found));
	fill_set(expected, LEAF_PAGES, 0, 511);
	if (!sets_equal("one page written, all marked", found, expected, LEAF_PAGES))
		return false;

	fill_set(set, LEAF_PAGES, 5, 5);
	vmm_touch(&test->vmm, "touch", 'r', SLOT, set, LEAF_PAGES);
	fill_set(set, LEAF_PAGES, 7, 7);
	EXPECT(!idle_map_mark(test->fd, test->address, LEAF_PAGES, set));
	EXPECT(!idle_map_read(test->fd, test->address, LEAF_PAGES, found));
	if (!sets_equal("page 5 read, page 7 marked", found, set, LEAF_PAGES))
		return false;

	fill_set(set, LEAF_PAGES, 9, 9);
	vmm_touch(&test->vmm, "host", 'r', SLOT, set, LEAF_PAGES);
	EXPECT(!idle_map_read(test->fd, test->address, LEAF_PAGES, found));
	fill_set(expected, LEAF_PAGES, 1, 0);
	return sets_equal("page 9 read by the VMM", found, expected, LEAF_PAGES);
}

/* A 2 MiB leaf of the second-level tables, under one of the VMM's own. */
static bool vm_huge(void)
{
	struct vm_test test;
	bool right;

	vm_test_start(&test, LEAF_PAGES, BACKING_HUGE, 0);
	right = huge_with(&test);
	vm_test_end(&test, false);
	return right;
}

/*
 * A scanner in a process of its own, that marks, reads and scans without pause until it is told that the
 * process is gone.
 */
static pid_t start_scanner(const struct vm_test *test)
{
	static bool found[PAGES];
	pid_t pid;
	int ret;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	do {
		ret = idle_map_mark(test->fd, test->address, PAGES, NULL);
		if (!ret)
			ret = idle_map_read(test->fd, test->address, PAGES, found);
		if (!ret)
			ret = page_scan(test->fd, test->address, PAGES, 0, found, NULL, NULL, NULL);
	} while (ret >= 0);
	_exit(ret == -ESRCH ? 0 : 1);
}

/* The VMM is killed while it is scanned: each scanner is told, and none hangs. */
static bool vm_killed(void)
{
	bool set[PAGES];
	unsigned int round;

	fill_set(set, PAGES, 0, PAGES - 1);
	for (round = 0; round < 10; round++) {
		struct vm_test test;
		pid_t scanner;
		int status;

		vm_test_start(&test, PAGES, BACKING_SMALL, 0);
		vmm_touch(&test.vmm, "touch", 'w', SLOT, set, PAGES);
		scanner = start_scanner(&test);
		usleep(random_below(50000));
		vm_test_end(&test, true);
		EXPECT(waitpid(scanner, &status, 0) == scanner);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "round %u: status %x", round, status);
	}
	return true;
}

/* VM and slots are destroyed and made anew while they are scanned. */
static bool vm_torn_down(void)
{
	struct vm_test test;
	bool set[PAGES];
	unsigned int round;
	pid_t scanner;
	int status;

	fill_set(set, PAGES, 0, PAGES - 1);
	vm_test_start(&test, PAGES, BACKING_SMALL, 0);
	vmm_touch(&test.vmm, "touch", 'w', SLOT, set, PAGES);
	scanner = start_scanner(&test);
	for (round = 0; round < 30; round++) {
		vmm_command(&test.vmm, round % 2 ? "reset" : "slot del %d", SLOT);
		vmm_slot_add(&test.vmm, SLOT, PAGES, BACKING_SMALL, 0);
		vmm_touch(&test.vmm, "loop", 'w', SLOT, set, PAGES);
		usleep(random_below(20000));
		vmm_command(&test.vmm, "stop");
	}
	vm_test_end(&test, true);
	EXPECT(waitpid(scanner, &status, 0) == scanner);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	return true;
}

/* However often the file was opened and used, and although it is still open: a VM ends with its process. */
static bool vm_references(void)
{
	struct vm_test test;
	bool set[PAGES];
	unsigned int waited;
	int fd[50];
	size_t i;

	fill_set(set, PAGES, 0, PAGES - 1);
	vm_test_start(&test, PAGES, BACKING_SMALL, 0);
	vmm_touch(&test.vmm, "touch", 'w', SLOT, set, PAGES);
	for (i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		fd[i] = idle_map_open(test.vmm.pid);
		EXPECT(!idle_map_mark(fd[i], test.address, PAGES, NULL));
		EXPECT(page_scan(fd[i], test.address, PAGES, 0, NULL, NULL, NULL, NULL) > 0);
	}
	EXPECT(kvm_vm_exists(test.vmm.pid));
	vm_test_end(&test, false);
	for (waited = 0; waited < 50 && kvm_vm_exists(test.vmm.pid); waited++)
		usleep(100000);
	EXPECT(!kvm_vm_exists(test.vmm.pid));
	for (i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		close(fd[i]);
	return true;
}

const struct check vm_checks[] = {
	{ "vm-rounds", vm_rounds },	    { "vm-nested", vm_nested },
	{ "vm-paging", vm_paging },	    { "vm-merged", vm_merged },
	{ "vm-mapped", vm_mapped },	    { "vm-aging", vm_aging },
	{ "vm-skewed", vm_skewed },	    { "vm-hot", vm_hot },
	{ "vm-holes", vm_holes },	    { "vm-huge", vm_huge },
	{ "vm-killed", vm_killed },	    { "vm-torn-down", vm_torn_down },
	{ "vm-references", vm_references }, { NULL, NULL },
};
