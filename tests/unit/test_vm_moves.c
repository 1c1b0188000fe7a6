/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_vm_moves.c - a VM's pages to their nodes: hot ones first, within the limit, marked again
 *
 * The actuator is one made for the test: pages of the whole VM, each with a node, moved as asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vm_moves.h"

/* Three blocks of 128 MiB, the last one short, at indices equal to guest frames. */
#define BLOCK	 32768u
#define VM_PAGES (2 * BLOCK + 512)

enum { NEAR = 0, FAR = 1 };

struct host_source {
	guint64 marked; /* pages marked again */
	guint calls;
};

struct scene {
	struct vm_pages *pages;
	struct host_source source;
	struct vm_sources sources;
	struct placement_policy policy;
	struct page_move_nodes nodes;
};

static guint8 node_of[VM_PAGES];
static guint8 is_marked[VM_PAGES];

static gboolean fake_mark(struct host_source *source, guint64 index, gsize words, const guint64 *moved,
			  GError **error)
{
	source->calls++;
	for (gsize bit = 0; bit < words * 64; bit++) {
		if ((moved[bit / 64] >> bit % 64 & 1) == 0)
			continue;
		assert_true(is_marked[index + bit] == FALSE);
		is_marked[index + bit] = TRUE;
		source->marked++;
	}
	return TRUE;
}

static const struct host_source_ops fake_ops = { .name = "fake", .mark = fake_mark };

gboolean page_moves_apply(const struct domain *domain, const struct page_map *map,
			  const struct page_move_nodes *nodes, const struct placement_extent *extents,
			  gsize count, guint64 limit, const struct page_move_watch *watch,
			  struct page_move_result *result, GError **error)
{
	memset(result, 0, sizeof(*result));
	for (gsize i = 0; i < count; i++) {
		guint8 node = extents[i].class == PLACEMENT_FAR ? (guint8)nodes->far_node
								: (guint8)nodes->near_node;

		for (guint64 index = extents[i].index; index < extents[i].index + extents[i].pages; index++) {
			assert_true(index < VM_PAGES);
			result->wanted += node_of[index] != node;
			if (node_of[index] != node && result->moved < limit) {
				if (!watch->before(watch->data, error))
					return FALSE;
				node_of[index] = node;
				result->moved++;
				watch->moved(index, 1, watch->data);
			}
			*(extents[i].class == PLACEMENT_FAR ? &result->cold : &result->hot) += 1;
			*(extents[i].class == PLACEMENT_FAR ? &result->cold_far : &result->hot_near) +=
				node_of[index] == node;
		}
	}
	result->left = result->wanted - result->moved;
	return TRUE;
}

/* All pages near and cold, but the last 100, which are far and hot. */
static int open_scene(void **state)
{
	const struct ram_range range = { .gfn = 0, .vpn = 512, .pages = VM_PAGES };
	struct scene *scene = g_new0(struct scene, 1);
	const char *reason;

	scene->pages = vm_pages_new(page_map_new(&range, 1, &reason));
	scene->sources = (struct vm_sources){ .host_ops = &fake_ops, .host = &scene->source };
	scene->policy = (struct placement_policy){ .hot_age = 1, .cold_age = 10 };
	scene->nodes = (struct page_move_nodes){ .near_node = NEAR, .far_node = FAR };
	memset(scene->pages->ages, 50, VM_PAGES);
	memset(scene->pages->ages + VM_PAGES - 100, 0, 100);
	memset(node_of, NEAR, sizeof(node_of));
	memset(is_marked, FALSE, sizeof(is_marked));
	memset(node_of + VM_PAGES - 100, FAR, 100);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	vm_pages_free(scene->pages);
	g_free(scene);
	return 0;
}

static struct page_move_result apply(struct scene *scene, guint64 limit)
{
	struct page_move_result result;
	GError *error = NULL;

	assert_true(vm_moves_apply(NULL, scene->pages, &scene->sources, &scene->nodes, &scene->policy, limit,
				   NULL, NULL, &result, &error));
	return result;
}

/* Every page of every block ends where it belongs, and every moved one is marked again, once, block by block. */
static void test_moves_all(void **state)
{
	struct scene *scene = *state;
	struct page_move_result result = apply(scene, G_MAXUINT64);

	assert_int_equal(result.moved, VM_PAGES);
	assert_int_equal(result.hot, 100);
	assert_int_equal(result.hot_near, 100);
	assert_int_equal(result.cold, VM_PAGES - 100);
	assert_int_equal(result.cold_far, VM_PAGES - 100);
	assert_int_equal(scene->source.marked, VM_PAGES);
	assert_int_equal(scene->source.calls, 4); /* hot pages in the last block, cold ones in all three */
	assert_int_equal(node_of[0], FAR);
	assert_int_equal(node_of[VM_PAGES - 1], NEAR);
}

static gboolean count_asked(gpointer data, GError **error)
{
	guint *asked = data;

	++*asked;
	return TRUE;
}

/* Leave is asked for once for the whole VM, all its blocks and both passes, and not at all to look. */
static void test_asks_once(void **state)
{
	struct scene *scene = *state;
	struct page_move_result result;
	guint asked = 0;

	assert_true(vm_moves_apply(NULL, scene->pages, &scene->sources, &scene->nodes, &scene->policy, 0,
				   count_asked, &asked, &result, NULL));
	assert_int_equal(asked, 0);
	assert_true(vm_moves_apply(NULL, scene->pages, &scene->sources, &scene->nodes, &scene->policy,
				   G_MAXUINT64, count_asked, &asked, &result, NULL));
	assert_int_equal(result.moved, VM_PAGES);
	assert_int_equal(asked, 1);
}

/* Room for 150 moves: the 100 hot pages go first although they lie last, then 50 cold ones. */
static void test_hot_pages_first(void **state)
{
	struct scene *scene = *state;
	struct page_move_result result = apply(scene, 150);

	assert_int_equal(result.moved, 150);
	assert_int_equal(result.hot_near, 100);
	assert_int_equal(result.cold_far, 50);
	assert_int_equal(result.left, VM_PAGES - 150);
}

/* A limit of 0 only looks: what is wanted is counted, nothing moves. */
static void test_only_looks(void **state)
{
	struct scene *scene = *state;
	struct page_move_result result = apply(scene, 0);

	assert_int_equal(result.wanted, VM_PAGES);
	assert_int_equal(result.moved, 0);
	assert_int_equal(result.hot_near, 0);
	assert_int_equal(scene->source.marked, 0);
	assert_int_equal(node_of[0], NEAR);
}

/* A large leaf in the second block with one hot page stays near as a whole: its bit is found at its block. */
static void test_large_leaf_in_second_block(void **state)
{
	struct scene *scene = *state;
	const guint64 leaf = BLOCK / PAGE_MAP_LEAF_PAGES + 3, first = leaf * PAGE_MAP_LEAF_PAGES;

	scene->pages->large[leaf / 64] |= G_GUINT64_CONSTANT(1) << (leaf % 64);
	scene->pages->ages[first + 7] = 0;
	assert_int_equal(apply(scene, G_MAXUINT64).hot, 100 + 512);
	assert_int_equal(node_of[first], NEAR);
	assert_int_equal(node_of[first + 511], NEAR);
	assert_int_equal(node_of[first + 512], FAR);
}

/* The plan as runs: block by block, cold pages far, the last 100 near, with their frames and virtual pages. */
static void test_runs_of_the_plan(void **state)
{
	struct scene *scene = *state;
	GArray *runs = vm_moves_runs(scene->pages, &scene->policy, 100);
	const struct vm_run *run = (const struct vm_run *)(void *)runs->data;

	/* Two whole blocks, then 512 - 100 and 100 pages; virtual pages begin at 512. */
	assert_int_equal(runs->len, 4);
	assert_int_equal(run[1].gfn, BLOCK);
	assert_int_equal(run[1].vpn, BLOCK + 512);
	assert_int_equal(run[1].pages, BLOCK);
	assert_int_equal(run[1].age, PLACEMENT_FAR);
	assert_int_equal(run[3].gfn, VM_PAGES - 100);
	assert_int_equal(run[3].pages, 100);
	assert_int_equal(run[3].age, PLACEMENT_NEAR);
	g_array_unref(runs);

	runs = vm_moves_runs(scene->pages, &scene->policy, 2);
	assert_int_equal(runs->len, 2);
	g_array_unref(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_moves_all, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_asks_once, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_hot_pages_first, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_only_looks, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_runs_of_the_plan, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(test_large_leaf_in_second_block, open_scene, close_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
