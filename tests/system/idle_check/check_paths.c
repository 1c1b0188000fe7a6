// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_paths.c - each way by which a guest reaches memory, each kind of memory
 *
 * On each of them 200 random rounds: what was touched is what each observer is told, page for page, or leaf
 * for leaf where leaves are larger.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "kvm_stat.h"
#include "page_scan.h"
#include "rounds.h"
#include "vmm_client.h"

#define ROUNDS	   200
#define PAGES	   2048
#define HALF	   (PAGES / 2)
#define HUGE_LEAF  512UL
#define HUGE_PAGES (8 * HUGE_LEAF)
#define GIANT_LEAF 262144UL
#define GIANT_SLOT 3 /* at 1 GiB of guest-physical memory, so that its leaf can be as large */
/* path_moving(): where the slot can be, and which slot keeps the memory. */
#define PLACES	    12
#define KEEPER_VM   1
#define KEEPER_SLOT 11
/* The slots of the address space of System Management Mode are numbered from here on. */
#define SMM 65536

/**
 * struct way - by which pages of the tested memory are touched
 * @by:    a vCPU, or "host"
 * @vm:    of this VM
 * @slot:  by this slot, ...
 * @first: ... which shows the memory from this page on
 * @pages: how many it shows, or at least how many of them are touched by this way
 * @modes: see struct rounds_way
 */
struct way {
	const char *by;
	unsigned int vm;
	unsigned int slot;
	size_t first;
	size_t pages;
	const char *modes;
};

/**
 * struct path - what is tested
 * @backing:  the memory, which slot @slot of VM 0 shows
 * @slot:
 * @skew:     see vmm_slot_add()
 * @pages:    its size
 * @leaf:     how many pages a leaf has
 * @ready:    see struct rounds
 * @mapped:   the same
 * @aging:    KVM must be asked for some accesses
 * @changing: between rounds the slot of the first way moves
 * @commands: with what the VMM is prepared after that
 * @ways:     those without @by do not count
 */
struct path {
	enum backing backing;
	unsigned int slot;
	size_t skew;
	size_t pages;
	size_t leaf;
	bool ready;
	bool mapped;
	bool aging;
	bool changing;
	const char *commands[4];
	struct way ways[ROUNDS_MAX_WAYS];
};

/* A path under test. */
struct path_test {
	struct path path;
	struct vmm_client vmm;
	uintptr_t address;
	unsigned int place; /* of the slot that moves */
};

static void path_test_start(struct path_test *test, const struct path *path)
{
	size_t i;

	test->path = *path;
	test->place = path->slot;
	vmm_start(&test->vmm);
	test->address = vmm_slot_add(&test->vmm, path->slot, path->pages, path->backing, path->skew);
	for (i = 0; i < sizeof(path->commands) / sizeof(path->commands[0]) && path->commands[i]; i++)
		vmm_command(&test->vmm, "%s", path->commands[i]);
}

static void path_test_end(struct path_test *test)
{
	vmm_end(&test->vmm, false);
}

static bool by_host(const struct way *way)
{
	return !strcmp(way->by, "host");
}

static void choose(struct path_test *test, const struct way *way)
{
	vmm_command(&test->vmm, "vm %u", way->vm);
	if (!by_host(way))
		vmm_command(&test->vmm, "vcpu %s", way->by);
}

static void touch_path(void *context, unsigned int number, char mode, bool *set, size_t pages)
{
	struct path_test *test = context;
	const struct way *way = &test->path.ways[number];

	memset(set, false, way->first);
	memset(set + way->first + way->pages, false, pages - way->first - way->pages);
	choose(test, way);
	vmm_touch(&test->vmm, by_host(way) ? "host" : "touch", mode, way->slot, set + way->first, way->pages);
}

/* The slot of the first way is moved to another place, or made anew with other pages of the memory. */
static void change_path(void *context)
{
	struct path_test *test = context;
	struct way *way = &test->path.ways[0];

	choose(test, way);
	if (random_below(2)) {
		/* Where it is not yet: else KVM would have nothing to do. */
		test->place = (test->place + 1 + random_below(PLACES - 1)) % PLACES;
		vmm_command(&test->vmm, "slot move %u %u", way->slot, test->place);
		return;
	}
	test->place = way->slot;
	way->first = random_below(test->path.pages);
	way->pages = 1 + random_below(test->path.pages - way->first);
	vmm_command(&test->vmm, "slot del %u", way->slot);
	vmm_command(&test->vmm, "slot show %u %u %u %zu %zu", way->slot, KEEPER_VM, KEEPER_SLOT, way->first,
		    way->pages);
}

static bool run_path(const struct path *path)
{
	struct path_test test;
	struct rounds rounds = {
		.pages = path->pages,
		.leaf = path->leaf,
		.ready = path->ready,
		.zeroes = path->backing == BACKING_SMALL,
		.mapped = path->mapped,
		.paths = VMHEAT_IDLE_PATH_HOST | VMHEAT_IDLE_PATH_TDP |
			 (path->aging ? VMHEAT_IDLE_PATH_KVM_AGING : 0),
		.touch = touch_path,
		.change = path->changing ? change_path : NULL,
		.context = &test,
	};
	bool right;
	size_t i;

	path_test_start(&test, path);
	rounds.pid = test.vmm.pid;
	rounds.address = test.address;
	for (i = 0; i < ROUNDS_MAX_WAYS && path->ways[i].by; i++)
		rounds.ways[i] = (struct rounds_way){ .modes = path->ways[i].modes,
						      .guest = !by_host(&path->ways[i]) };
	right = rounds_run(&rounds, ROUNDS);
	path_test_end(&test);
	return right;
}

/* Small pages that the VMM takes from the guest, as a balloon does. */
static bool path_small(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.ways = { { "guest", 0, 0, 0, PAGES, "rwx" }, { "host", 0, 0, 0, PAGES, "rwu" } },
	});
}

/* Guest frames and host pages are not congruent: a block lies in two last-level tables. */
static bool path_skewed(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.skew = 77,
		.pages = PAGES,
		.leaf = 1,
		.ways = { { "guest", 0, 0, 0, PAGES, "rwx" }, { "host", 0, 0, 0, PAGES, "rwu" } },
	});
}

/* A slot that moves, or goes and comes back with another part of the memory. Another VM keeps the memory. */
static bool path_moving(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.changing = true,
		.commands = { "vm 1", "slot show 11 0 0 0 2048" },
		.ways = { { "guest", 0, 0, 0, PAGES, "rwx" }, { "host", 1, 11, 0, PAGES, "rw" } },
	});
}

static bool path_memfd(void)
{
	return run_path(&(struct path){
		.backing = BACKING_MEMFD,
		.pages = PAGES,
		.leaf = 1,
		.ways = { { "guest", 0, 0, 0, PAGES, "rwx" }, { "host", 0, 0, 0, PAGES, "rwu" } },
	});
}

/* A slot that the guest can only read, of a file that the VMM can only read. */
static bool path_file(void)
{
	return run_path(&(struct path){
		.backing = BACKING_FILE,
		.pages = PAGES,
		.leaf = 1,
		.ready = true,
		.ways = { { "guest", 0, 0, 0, PAGES, "rx" }, { "host", 0, 0, 0, PAGES, "r" } },
	});
}

/* They are all written first: a huge page that was only read so far is split by the first write. */
static bool path_huge(void)
{
	return run_path(&(struct path){
		.backing = BACKING_HUGE,
		.pages = HUGE_PAGES,
		.leaf = HUGE_LEAF,
		.mapped = true,
		.ways = { { "guest", 0, 0, 0, HUGE_PAGES, "rwx" }, { "host", 0, 0, 0, HUGE_PAGES, "rw" } },
	});
}

static bool path_hugetlb_2m(void)
{
	return run_path(&(struct path){
		.backing = BACKING_HUGETLB_2M,
		.pages = HUGE_PAGES,
		.leaf = HUGE_LEAF,
		.ways = { { "guest", 0, 0, 0, HUGE_PAGES, "rwx" }, { "host", 0, 0, 0, HUGE_PAGES, "rw" } },
	});
}

static bool path_hugetlb_1g(void)
{
	return run_path(&(struct path){
		.backing = BACKING_HUGETLB_1G,
		.slot = GIANT_SLOT,
		.pages = GIANT_LEAF,
		.leaf = GIANT_LEAF,
		.ways = { { "guest", 0, GIANT_SLOT, 0, GIANT_LEAF, "rwx" },
			  { "host", 0, GIANT_SLOT, 0, GIANT_LEAF, "rw" } },
	});
}

/* Two VMs of one process, which show the same memory; each touches some pages that the other never does. */
static bool path_two_vms(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.commands = { "vm 1", "slot show 5 0 0 924 1124" },
		.ways = { { "guest", 0, 0, 0, HALF + 100, "rwx" },
			  { "guest", 1, 5, HALF - 100, HALF + 100, "rwx" },
			  { "host", 0, 0, 0, PAGES, "rw" } },
	});
}

/* In System Management Mode the guest sees other memory at the same address, and the same at another. */
static bool path_smm(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.commands = { "slot show 65536 0 0 1024 1024", "slot show 65537 0 0 0 1024" },
		.ways = { { "guest", 0, 0, 0, HALF, "rwx" },
			  { "smm", 0, SMM + 0, HALF, HALF, "rwx" },
			  { "smm", 0, SMM + 1, 0, HALF, "rwx" },
			  { "host", 0, 0, 0, PAGES, "rw" } },
	});
}

/* A guest of the guest, which uses the guest's address space as its own; its vCPU is the first one of the VM. */
static bool path_nested(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.commands = { "vcpu nested", "vcpu guest" },
		.ways = { { "guest", 0, 0, 0, PAGES, "rwx" },
			  { "nested", 0, 0, 0, PAGES, "rwx" },
			  { "host", 0, 0, 0, PAGES, "rw" } },
	});
}

/* The VM's first vCPU never runs; and its second one is within a guest of the guest whenever it is looked at. */
static bool path_second_vcpu(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.commands = { "vcpu guest" },
		.ways = { { "nested", 0, 0, 0, PAGES, "rwx" } },
	});
}

/* A guest of the guest behind page tables of the guest's own: KVM has shadow pages for it, which it fills ahead. */
static bool path_nested_paging(void)
{
	return run_path(&(struct path){
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.mapped = true,
		.aging = true,
		.ways = { { "guest", 0, 0, 0, PAGES, "rwx" },
			  { "nested-paging", 0, 0, 0, PAGES, "rwx" },
			  { "host", 0, 0, 0, PAGES, "rw" } },
	});
}

/*
 * While all ways touch a set in tight loops, with hot TLBs, all pages are marked, read, and scanned. Emulated
 * processors flush their TLBs more than real ones, so KVM itself is asked whether all vCPUs were made to.
 */
static bool look_at_loops(struct path_test *test, const bool *hot, const int *fd)
{
	const size_t pages = test->path.pages;
	bool found[PAGES], idle[PAGES];
	unsigned int pass;
	long flushes;
	size_t i;

	for (i = 0; i < pages; i++)
		idle[i] = !hot[i];
	for (pass = 0; pass < 8; pass++) {
		bool by_scan = pass % 2;

		flushes = kvm_tlb_flushes();
		if (by_scan)
			EXPECT(page_scan(fd[1], test->address, pages, 0, NULL, NULL, NULL, NULL) > 0);
		else
			EXPECT(!idle_map_mark(fd[0], test->address, pages, NULL));
		for (i = 0; i < ROUNDS_MAX_WAYS; i++) {
			choose(test, &test->path.ways[i]);
			vmm_loop_wait(&test->vmm);
		}
		EXPECT(flushes >= 0 && kvm_tlb_flushes() >= flushes + ROUNDS_MAX_WAYS,
		       "not all vCPUs have flushed");
		if (by_scan)
			EXPECT(page_scan(fd[1], test->address, pages, 0, found, NULL, NULL, NULL) > 0);
		else
			EXPECT(!idle_map_read(fd[0], test->address, pages, found));
		if (!sets_equal(by_scan ? "accessed" : "idle", found, by_scan ? hot : idle, pages))
			return false;
	}
	return true;
}

/* Each way has every fourth page for its own, touches some of these, and all ways see all memory. */
static bool run_loops(struct path_test *test, const int *fd)
{
	bool hot[PAGES], set[PAGES];
	const struct way *way;
	unsigned int number;
	size_t i;

	random_set(hot, PAGES);
	for (number = 0; number < ROUNDS_MAX_WAYS; number++) {
		const char mode = "rwx"[random_below(3)];

		hot[number] = true; /* one at least */
		for (i = 0; i < PAGES; i++)
			set[i] = hot[i] && i % ROUNDS_MAX_WAYS == number;
		way = &test->path.ways[number];
		choose(test, way);
		vmm_touch(&test->vmm, "loop", mode, way->slot, set, PAGES);
	}
	if (!look_at_loops(test, hot, fd))
		return false;
	for (number = 0; number < ROUNDS_MAX_WAYS; number++) {
		choose(test, &test->path.ways[number]);
		vmm_command(&test->vmm, "stop");
	}
	return true;
}

/* Two VMs, a guest's guest, and System Management Mode, all at once in tight loops, while they are looked at. */
static bool path_hot(void)
{
	const struct path path = {
		.backing = BACKING_SMALL,
		.pages = PAGES,
		.leaf = 1,
		.commands = { "slot show 65537 0 0 0 2048", "vm 1", "slot show 5 0 0 0 2048", "vm 0" },
		.ways = { { "guest", 0, 0, 0, PAGES, NULL },
			  { "nested", 0, 0, 0, PAGES, NULL },
			  { "guest", 1, 5, 0, PAGES, NULL },
			  { "smm", 0, SMM + 1, 0, PAGES, NULL } },
	};
	struct path_test test;
	bool all[PAGES], right = true;
	unsigned int round;
	size_t way;
	int fd[2];

	path_test_start(&test, &path);
	fd[0] = idle_map_open(test.vmm.pid);
	fd[1] = idle_map_open(test.vmm.pid);
	for (way = 0; way < ROUNDS_MAX_WAYS; way++) {
		fill_set(all, PAGES, 0, PAGES - 1);
		touch_path(&test, way, 'w', all, PAGES);
	}
	for (round = 0; right && round < ROUNDS / 8; round++)
		right = run_loops(&test, fd);
	close(fd[0]);
	close(fd[1]);
	vmm_end(&test.vmm, !right);
	return right;
}

const struct check path_checks[] = {
	{ "path-small", path_small },
	{ "path-skewed", path_skewed },
	{ "path-memfd", path_memfd },
	{ "path-file", path_file },
	{ "path-huge", path_huge },
	{ "path-hugetlb-2m", path_hugetlb_2m },
	{ "path-hugetlb-1g", path_hugetlb_1g },
	{ "path-moving", path_moving },
	{ "path-two-vms", path_two_vms },
	{ "path-smm", path_smm },
	{ "path-nested", path_nested },
	{ "path-second-vcpu", path_second_vcpu },
	{ "path-nested-paging", path_nested_paging },
	{ "path-hot", path_hot },
	{ NULL, NULL },
};
