/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_page_moves.c - bring pages to their node, on a made-up kernel that behaves as Linux 6.1 does
 *
 * The made-up kernel knows for each page of the VM its node and what stands in its way. Like move_pages(2) of
 * Linux 6.1 it ends a call at the first page that fails to migrate and leaves the other statuses alone, and
 * it moves huge pages whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "host_error.h"
#include "page_moves.h"
#include "proc_files.h"

#define NEAR	  0
#define FAR	  1
#define PAGES	  8192u /* two batches */
#define FIRST_VPN 5120u

/* What keeps a page from being moved; 0: nothing. A positive errno is reported in its status; a pinned page
 * makes the call end instead. */
#define PINNED (-1)

static struct {
	int node[PAGES]; /* a node, or -ENOENT: not mapped */
	int obstacle[PAGES];
	gboolean hidden[PAGES]; /* by NUMA balancing */
	gboolean balancing;	/* still on: what is revealed is hidden again at once */
	gboolean huge[PAGES];	/* of the page's aligned block of 512: true for all or none of it */
	int call_errno;		/* every moving call fails with it */
	guint moving_calls;
	guint splits;
} machine;

static guint page_of_address(const void *address)
{
	guint64 vpn = (guint64)(uintptr_t)address / PAGE_MAP_PAGE_SIZE;

	assert_true(vpn >= FIRST_VPN && vpn < FIRST_VPN + PAGES);
	return (guint)(vpn - FIRST_VPN);
}

static void move_one(guint page, int node)
{
	guint first = machine.huge[page] ? page - page % 512 : page;
	guint count = machine.huge[page] ? 512 : 1;

	for (guint i = first; i < first + count; i++)
		if (machine.node[i] >= 0)
			machine.node[i] = node;
}

static long fake_move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
			    int flags)
{
	assert_int_equal(pid, getpid());
	machine.moving_calls += nodes != NULL;
	if (nodes != NULL && machine.call_errno != 0) {
		errno = machine.call_errno;
		return -1;
	}
	for (unsigned long i = 0; i < count; i++) {
		guint page = page_of_address(pages[i]);

		if (machine.hidden[page])
			status[i] = -EFAULT;
		else if (nodes == NULL || machine.node[page] < 0 || machine.node[page] == nodes[i])
			status[i] = machine.node[page];
		else if (machine.obstacle[page] == PINNED)
			return (long)(count - i);
		else if (machine.obstacle[page] > 0)
			status[i] = -machine.obstacle[page];
		else
			move_one(page, status[i] = nodes[i]);
	}
	return 0;
}

static void fake_split(int pid, void *address)
{
	guint first = page_of_address(address) / 512 * 512;

	assert_int_equal(pid, getpid());
	machine.splits++;
	memset(machine.huge + first, 0, 512 * sizeof(machine.huge[0]));
}

static void fake_find_mapped(int pid, void *const *addresses, guint count, gboolean reveal, gboolean *mapped)
{
	assert_int_equal(pid, getpid());
	for (guint i = 0; i < count; i++) {
		guint page = page_of_address(addresses[i]);

		mapped[i] = machine.node[page] >= 0;
		machine.hidden[page] = machine.hidden[page] && !(reveal && !machine.balancing);
	}
}

static const struct page_moves_kernel fake_kernel = { fake_move_pages, fake_split, fake_find_mapped };
static const struct page_move_nodes both_nodes = { .near_node = NEAR, .far_node = FAR };

/* How often the callback was told of each page. */
static guint told[PAGES];
static guint told_runs;

static void note_moved(guint64 index, guint64 pages, gpointer data)
{
	told_runs++;
	for (guint64 i = index; i < index + pages; i++)
		told[i]++;
}

static struct page_map *map;
static struct domain domain;

/* How often leave was asked before the first move, and whether it is given. */
static guint asked, moves_when_asked;
static gboolean refused;

static gboolean ask_before(gpointer data, GError **error)
{
	asked++;
	moves_when_asked = machine.moving_calls;
	if (refused)
		g_set_error(error, HOST_ERROR, HOST_ERROR_SYSTEM, "no leave");
	return !refused;
}

static const struct page_move_watch watch = { .before = ask_before, .moved = note_moved };
static const struct page_move_watch nobody = { .before = NULL };

static int set_up(void **state)
{
	static const struct ram_range ram = { .gfn = 0, .vpn = FIRST_VPN, .pages = PAGES };
	struct proc_stat self;
	const char *reason;

	memset(&machine, 0, sizeof(machine));
	memset(told, 0, sizeof(told));
	told_runs = 0;
	asked = 0;
	refused = FALSE;
	map = page_map_new(&ram, 1, &reason);
	assert_true(proc_stat_read(getpid(), &self));
	domain = (struct domain){ .name = (char *)"g1", .pid = getpid(), .pid_start_time = self.start_time };
	return 0;
}

static int tear_down(void **state)
{
	page_map_free(map);
	return 0;
}

static struct page_move_result apply(const struct placement_extent *extents, gsize count, guint64 limit)
{
	struct page_move_result result;
	g_autoptr(GError) error = NULL;

	if (!page_moves_apply_with(&fake_kernel, &domain, map, &both_nodes, extents, count, limit, &watch,
				   &result, &error))
		fail_msg("%s", error->message);
	/* Every page that lies wrong has one fate. */
	assert_true(result.wanted <= result.moved + result.busy + result.refused + result.no_memory +
					     result.absent + result.other + result.left);
	return result;
}

static guint count_told(void)
{
	guint count = 0;

	for (guint i = 0; i < PAGES; i++)
		count += told[i];
	return count;
}

/* Hot pages come near and cold ones go far; what lies right and what is in neither class is left alone. */
static void test_both_ways(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 1000, .class = PLACEMENT_NEAR },
		{ .index = 1000, .pages = 50, .class = PLACEMENT_STAY },
		{ .index = 1050, .pages = 7000, .class = PLACEMENT_FAR },
	};
	struct page_move_result result;

	for (guint i = 0; i < 600; i++)
		machine.node[i] = FAR;
	for (guint i = 7000; i < PAGES; i++)
		machine.node[i] = FAR;
	result = apply(plan, 3, PAGES);
	/* 600 hot ones lay far; of the cold ones 1050..8049 those below 7000 lay near: 5950. */
	assert_int_equal(result.wanted, 6550);
	assert_int_equal(result.moved, 6550);
	assert_int_equal(result.hot, 1000);
	assert_int_equal(result.hot_near, 1000);
	assert_int_equal(result.cold, 7000);
	assert_int_equal(result.cold_far, 7000);
	for (guint i = 1000; i < 1050; i++)
		assert_int_equal(machine.node[i], NEAR);
	assert_int_equal(count_told(), 6550);
	assert_true(told[0] && told[599] && !told[600] && told[1050] && told[6999] && !told[7000]);
	assert_int_equal(told_runs, 3); /* one of the hot ones, two batches of cold ones */
}

/* Nothing lies wrong: the kernel is asked and moves nothing. */
static void test_nothing_wanted(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 512, .class = PLACEMENT_NEAR }
	};
	struct page_move_result result = apply(plan, 1, PAGES);

	assert_int_equal(result.wanted, 0);
	assert_int_equal(result.hot_near, 512);
	assert_int_equal(machine.moving_calls, 0);
}

/* The limit counts pages, goes to hot ones first, and what is beyond it is counted as left. */
static void test_limit(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 300, .class = PLACEMENT_FAR },
		{ .index = 512, .pages = 200, .class = PLACEMENT_NEAR },
	};
	struct page_move_result result;

	for (guint i = 512; i < 712; i++)
		machine.node[i] = FAR;
	result = apply(plan, 2, 250);
	assert_int_equal(result.wanted, 500);
	assert_int_equal(result.moved, 250);
	assert_int_equal(result.left, 250);
	assert_int_equal(result.hot_near, 200);
	assert_int_equal(result.cold_far, 50);
}

/* A limit of 0 only looks: no page is moved and no huge page split. */
static void test_look(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 10, .pages = 20, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	for (guint i = 0; i < 512; i++)
		machine.huge[i] = TRUE;
	result = apply(plan, 1, 0);
	assert_int_equal(result.wanted, 20);
	assert_int_equal(result.left, 20);
	assert_int_equal(result.cold, 20);
	assert_int_equal(machine.moving_calls, 0);
	assert_int_equal(machine.splits, 0);
}

/* Each errno in a status goes to its own count, and the pages around it move. */
static void test_obstacles(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 512, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	machine.obstacle[1] = EBUSY;
	machine.obstacle[2] = EAGAIN;
	machine.obstacle[3] = EACCES;
	machine.obstacle[4] = ENOMEM;
	machine.obstacle[5] = EINVAL;
	machine.node[6] = -ENOENT;
	result = apply(plan, 1, PAGES);
	assert_int_equal(result.wanted, 511);
	assert_int_equal(result.moved, 506);
	assert_int_equal(result.busy, 2);
	assert_int_equal(result.refused, 1);
	assert_int_equal(result.no_memory, 1);
	assert_int_equal(result.other, 1);
	assert_int_equal(result.absent, 1);
	assert_int_equal(result.cold, 511);
	assert_int_equal(result.cold_far, 506);
}

/* A pinned page ends the kernel's call; the pages behind it move all the same. */
static void test_pinned_page(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 4096, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	machine.obstacle[0] = PINNED;
	machine.obstacle[2000] = PINNED;
	result = apply(plan, 1, PAGES);
	assert_int_equal(result.moved, 4094);
	assert_int_equal(result.busy, 2);
}

/* A batch of pinned pages alone is given up in 12 + 1 calls: 1 + 2 + 4 + ... + 2048 = 4095, and one. */
static void test_all_pinned(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 4096, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	for (guint i = 0; i < 4096; i++)
		machine.obstacle[i] = PINNED;
	result = apply(plan, 1, PAGES);
	assert_int_equal(result.busy, 4096);
	assert_int_equal(result.moved, 0);
	assert_int_equal(result.cold_far, 0);
	assert_int_equal(machine.moving_calls, 13);
}

/* The cpuset forbids the node: the kernel refuses each call as a whole. A full node likewise. */
static void test_refused_calls(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 100, .class = PLACEMENT_FAR }
	};

	machine.call_errno = EACCES;
	assert_int_equal(apply(plan, 1, PAGES).refused, 100);
	machine.call_errno = ENOMEM;
	assert_int_equal(apply(plan, 1, PAGES).no_memory, 100);
}

static void assert_fails(int call_errno, enum host_error code, const char *message)
{
	static const struct placement_extent plan[] = { { .index = 0, .pages = 1, .class = PLACEMENT_FAR } };
	struct page_move_result result;
	g_autoptr(GError) error = NULL;

	machine.call_errno = call_errno;
	assert_false(page_moves_apply_with(&fake_kernel, &domain, map, &both_nodes, plan, 1, 1, &nobody,
					   &result, &error));
	assert_true(g_error_matches(error, HOST_ERROR, code));
	assert_non_null(strstr(error->message, message));
}

/* The process ends, the node is none, the pid is another process's by now: errors, not counts. */
static void test_errors(void **state)
{
	assert_fails(ESRCH, HOST_ERROR_GONE, "has ended");
	assert_fails(ENODEV, HOST_ERROR_NODES, "no node 1 with memory");
	assert_fails(EFAULT, HOST_ERROR_SYSTEM, "move_pages");
	domain.pid_start_time++;
	assert_fails(0, HOST_ERROR_GONE, "has ended");
}

/* A huge page that is cold as a whole moves by its first address, and is not split. */
static void test_cold_huge_page(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 512, .pages = 1024, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	memset(machine.huge, 1, sizeof(machine.huge));
	result = apply(plan, 1, PAGES);
	assert_int_equal(result.moved, 1024);
	assert_int_equal(result.cold_far, 1024);
	assert_int_equal(machine.splits, 0);
}

/* Hot and cold pages of one huge page: it is split once, and each goes its way. */
static void test_shared_huge_page(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 100, .class = PLACEMENT_FAR },
		{ .index = 100, .pages = 10, .class = PLACEMENT_NEAR },
		{ .index = 110, .pages = 402, .class = PLACEMENT_FAR },
	};
	struct page_move_result result;

	for (guint i = 0; i < 512; i++)
		machine.huge[i] = TRUE;
	result = apply(plan, 3, PAGES);
	assert_int_equal(machine.splits, 1);
	assert_int_equal(result.moved, 502);
	assert_int_equal(result.cold_far, 502);
	assert_int_equal(result.hot_near, 10);
}

/* Pages that NUMA balancing hid, once it is off: revealed, moved, and told as touched. A hole stays one. */
static void test_hidden_pages(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 512, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	for (guint i = 100; i < 200; i++)
		machine.hidden[i] = TRUE;
	machine.node[7] = -ENOENT;
	result = apply(plan, 1, PAGES);
	assert_int_equal(result.absent, 1);
	assert_int_equal(result.hidden, 0);
	assert_int_equal(result.moved, 511);
	assert_int_equal(result.cold_far, 511);
	assert_int_equal(told[99], 1);
	assert_int_equal(told[100], 2); /* read, then moved */
	assert_int_equal(told[7], 0);
}

/* While balancing runs they are counted, and count as cold pages that are not far: 412 of 512. */
static void test_hidden_by_balancing(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 512, .class = PLACEMENT_FAR }
	};
	struct page_move_result result;

	machine.balancing = TRUE;
	for (guint i = 100; i < 200; i++)
		machine.hidden[i] = TRUE;
	result = apply(plan, 1, PAGES);
	assert_int_equal(result.hidden, 100);
	assert_int_equal(result.absent, 0);
	assert_int_equal(result.moved, 412);
	assert_int_equal(result.cold, 512);
	assert_int_equal(result.cold_far, 412);
}

/* Looking reveals nothing. */
static void test_look_at_hidden(void **state)
{
	static const struct placement_extent plan[] = { { .index = 0, .pages = 1, .class = PLACEMENT_FAR } };

	machine.hidden[0] = TRUE;
	assert_int_equal(apply(plan, 1, 0).hidden, 1);
	assert_true(machine.hidden[0]);
	assert_int_equal(told_runs, 0);
}

/* The real kernel, on memory of this process: everything lies on node 0, and absent pages are told apart. */
static void test_real_kernel(void **state)
{
	static const struct placement_extent plan[] = { { .index = 0, .pages = 4, .class = PLACEMENT_NEAR } };
	char *pages = g_aligned_alloc(4, PAGE_MAP_PAGE_SIZE, PAGE_MAP_PAGE_SIZE);
	struct ram_range ram = { .gfn = 0,
				 .vpn = (guint64)(uintptr_t)pages / PAGE_MAP_PAGE_SIZE,
				 .pages = 4 };
	struct placement_extent here[1] = { plan[0] };
	struct page_move_result result;
	g_autoptr(GError) error = NULL;
	const char *reason;

	memset(pages, 1, (gsize)4 * PAGE_MAP_PAGE_SIZE);
	page_map_free(map);
	map = page_map_new(&ram, 1, &reason);
	here[0].index = map->ranges[0].index;
	if (!page_moves_apply(&domain, map, &both_nodes, here, 1, 4, &nobody, &result, &error))
		fail_msg("%s", error->message);
	assert_int_equal(result.hot, 4);
	assert_int_equal(result.hot_near, 4);
	assert_int_equal(result.wanted, result.moved);
	g_aligned_free(pages);
}

/* Leave to move is asked for once, before the first page is, and only if one is to be; without it none moves. */
static void test_leave(void **state)
{
	static const struct placement_extent plan[] = {
		{ .index = 0, .pages = 1000, .class = PLACEMENT_NEAR },
		{ .index = 1000, .pages = 7000, .class = PLACEMENT_FAR },
	};
	struct page_move_result result;
	g_autoptr(GError) error = NULL;

	apply(plan, 1, PAGES); /* they lie near already */
	assert_int_equal(asked, 0);
	apply(plan, 2, 0); /* only looks */
	assert_int_equal(asked, 0);
	refused = TRUE;
	assert_false(page_moves_apply_with(&fake_kernel, &domain, map, &both_nodes, plan, 2, PAGES, &watch,
					   &result, &error));
	assert_string_equal(error->message, "no leave");
	assert_int_equal(asked, 1);
	assert_int_equal(machine.moving_calls, 0);
	assert_int_equal(machine.splits, 0);
	refused = FALSE;
	asked = 0;
	assert_int_equal(apply(plan, 2, PAGES).moved, 7000); /* two batches */
	assert_int_equal(asked, 1);
	assert_int_equal(moves_when_asked, 0);
}

#define MOVES_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVES_TEST(test_both_ways),
		MOVES_TEST(test_nothing_wanted),
		MOVES_TEST(test_limit),
		MOVES_TEST(test_look),
		MOVES_TEST(test_obstacles),
		MOVES_TEST(test_pinned_page),
		MOVES_TEST(test_all_pinned),
		MOVES_TEST(test_refused_calls),
		MOVES_TEST(test_errors),
		MOVES_TEST(test_cold_huge_page),
		MOVES_TEST(test_shared_huge_page),
		MOVES_TEST(test_hidden_pages),
		MOVES_TEST(test_hidden_by_balancing),
		MOVES_TEST(test_look_at_hidden),
		MOVES_TEST(test_real_kernel),
		MOVES_TEST(test_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
