/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_cgroups.c - the agent's table of cgroups, their names, and what the multi-generational LRU says of them
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "cgroup_names.h"
#include "cgroup_table.h"
#include "lru_gen.h"

#define ANON	  VMHEAT_PAGE_ANON
#define FILE_PAGE VMHEAT_PAGE_FILE

static struct cgroup_table table;

static int clear(void **state)
{
	cgroup_table_clear(&table);
	return 0;
}

static void add(uint64_t id, uint8_t page, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cgroup_table_add(&table, id, page, 0);
}

/* Each page counts once, under its state and kind; the most idle cgroup comes first, then the one with most memory. */
static void test_table(void **state)
{
	const struct vmheat_cgroup *cgroups;

	add(11, VMHEAT_PAGE_ACCESSED | ANON, 50);
	add(11, VMHEAT_PAGE_ACCESSED | FILE_PAGE, 51);
	add(22, VMHEAT_PAGE_IDLE | ANON, 3);
	add(22, VMHEAT_PAGE_IDLE | FILE_PAGE, 2);
	cgroup_table_add(&table, 22, VMHEAT_PAGE_IDLE | FILE_PAGE, 1);
	add(33, VMHEAT_PAGE_UNKNOWN, 102);
	assert_int_equal(cgroup_table_largest(&table, 64, &cgroups), 3);
	assert_int_equal(cgroups[0].id, 22);
	assert_int_equal(cgroups[0].idle_anon_pages, 3);
	assert_int_equal(cgroups[0].idle_file_pages, 3);
	assert_int_equal(cgroups[0].idle_unmapped_pages, 2);
	assert_int_equal(cgroups[1].id, 33);
	assert_int_equal(cgroups[1].unknown_pages, 102);
	assert_int_equal(cgroups[2].id, 11);
	assert_int_equal(cgroups[2].accessed_anon_pages, 50);
	assert_int_equal(cgroups[2].accessed_file_pages, 51);
}

/*
 * 10,000 cgroups, number i with i idle pages modulo 3 plus one: no page is lost. 768 find a slot; of these the first 3 are
 * told, and the fourth place is for all others.
 */
static void test_more_than_fit(void **state)
{
	const struct vmheat_cgroup *cgroups;
	uint64_t told = 0, all = 0;

	for (uint64_t i = 1; i <= 10000; i++) {
		add(i, VMHEAT_PAGE_IDLE | ANON, i % 3 + 1);
		all += i % 3 + 1;
	}
	assert_int_equal(cgroup_table_largest(&table, 4, &cgroups), 4);
	for (size_t i = 0; i < 4; i++)
		told += cgroups[i].idle_anon_pages;
	assert_int_equal(told, all);
	assert_int_equal(cgroups[0].idle_anon_pages, 3);
	assert_int_equal(cgroups[3].id, 0);
}

/* As many as there are places: none stands for others. One more: the smallest two do. */
static void test_exactly_full(void **state)
{
	const struct vmheat_cgroup *cgroups;

	for (uint64_t i = 1; i <= 4; i++)
		add(i, VMHEAT_PAGE_IDLE | ANON, i);
	assert_int_equal(cgroup_table_largest(&table, 4, &cgroups), 4);
	assert_int_equal(cgroups[3].id, 1);
	cgroup_table_clear(&table);
	for (uint64_t i = 1; i <= 5; i++)
		add(i, VMHEAT_PAGE_IDLE | ANON, i);
	assert_int_equal(cgroup_table_largest(&table, 4, &cgroups), 4);
	assert_int_equal(cgroups[2].id, 3);
	assert_int_equal(cgroups[3].id, 0);
	assert_int_equal(cgroups[3].idle_anon_pages, 2 + 1);
	cgroup_table_clear(&table);
	assert_int_equal(cgroup_table_largest(&table, 4, &cgroups), 0);
}

struct tree {
	char root[32];
	char folders[3][300]; /* each in the one before */
	uint64_t inodes[4];   /* root first */
};

static int make_tree(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	struct stat status;

	assert_non_null(tree);
	strcpy(tree->root, "/tmp/vmheat-test-XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	snprintf(tree->folders[0], sizeof(tree->folders[0]), "%s/system.slice", tree->root);
	snprintf(tree->folders[1], sizeof(tree->folders[1]), "%s/system.slice/web", tree->root);
	/* 210 characters: too long for a path to be told whole. */
	snprintf(tree->folders[2], sizeof(tree->folders[2]), "%s/system.slice/web/%0210d", tree->root, 7);
	assert_int_equal(stat(tree->root, &status), 0);
	tree->inodes[0] = status.st_ino;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(mkdir(tree->folders[i], 0700), 0);
		assert_int_equal(stat(tree->folders[i], &status), 0);
		tree->inodes[i + 1] = status.st_ino;
	}
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;

	for (size_t i = 3; i > 0; i--)
		rmdir(tree->folders[i - 1]);
	rmdir(tree->root);
	free(tree);
	return 0;
}

/*
 * Paths are found by inode, at any depth, and the root too; a long one loses its beginning. One that is not there has
 * none. What is known stays known without a search, as long as it is asked for.
 */
static void test_names(void **state)
{
	const struct tree *tree = *state;
	const struct vmheat_cgroup cgroups[] = { { .id = tree->inodes[2] },
						 { .id = tree->inodes[0] },
						 { .id = UINT64_MAX },
						 { .id = tree->inodes[3] },
						 { .id = 0 } };
	static struct cgroup_names names;
	size_t missing;

	missing = cgroup_names_renew(&names, cgroups, 5);
	assert_int_equal(missing, 4);
	cgroup_names_search(&names, tree->root, missing);
	assert_string_equal(cgroup_names_find(&names, tree->inodes[2]), "/system.slice/web");
	assert_string_equal(cgroup_names_find(&names, tree->inodes[0]), "/");
	assert_string_equal(cgroup_names_find(&names, UINT64_MAX), "");
	assert_string_equal(cgroup_names_find(&names, 0), "");
	assert_int_equal(strlen(cgroup_names_find(&names, tree->inodes[3])), VMHEAT_CGROUP_PATH_MAX);
	assert_int_equal(cgroup_names_find(&names, tree->inodes[3])[VMHEAT_CGROUP_PATH_MAX - 1], '7');

	assert_int_equal(cgroup_names_renew(&names, cgroups, 2), 0);
	assert_string_equal(cgroup_names_find(&names, tree->inodes[2]), "/system.slice/web");
	assert_string_equal(cgroup_names_find(&names, tree->inodes[3]), "");
}

/* What Linux 6.1 prints, with two nodes. Ages: generation 4 began with the last aging but one, 5000 ms ago. */
static const char lru_gen_text[] = "memcg     1 /\n"
				   " node     0\n"
				   "          1      65000        100         20 \n"
				   "          2      10000         10         -0x\n"
				   "          4       5000          7          5 \n"
				   "          5          0          3          1 \n"
				   " node     1\n"
				   "          0      65000         1x        200 \n"
				   "          1          0          9          0 \n"
				   "memcg    42 /system.slice/a b\n"
				   " node     0\n"
				   "          7       5010          2          0 \n";

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Of each cgroup the generations no older than the window count as accessed, of all nodes; sizes with an x do not count. */
static void test_lru_gen_count(void **state)
{
	char path[] = "/tmp/vmheat-test-XXXXXX";
	const struct vmheat_cgroup *cgroups;
	static struct cgroup_names names;

	close(mkstemp(path));
	write_text(path, lru_gen_text);
	assert_int_equal(lru_gen_count(path, 5000, &table), 0);
	assert_int_equal(cgroup_table_largest(&table, 64, &cgroups), 2);
	assert_int_equal(cgroups[0].id, 1);
	assert_int_equal(cgroups[0].idle_anon_pages, 100 + 10);
	assert_int_equal(cgroups[0].idle_file_pages, 20 + 200);
	assert_int_equal(cgroups[0].accessed_anon_pages, 7 + 3 + 9);
	assert_int_equal(cgroups[0].accessed_file_pages, 5 + 1);
	assert_int_equal(cgroups[1].id, 42);
	assert_int_equal(cgroups[1].idle_anon_pages, 2);

	assert_int_equal(lru_gen_names(path, &names, cgroups, 2), 0);
	assert_string_equal(cgroup_names_find(&names, 1), "/");
	assert_string_equal(cgroup_names_find(&names, 42), "/system.slice/a b");

	/* Without a window nothing is idle. */
	cgroup_table_clear(&table);
	assert_int_equal(lru_gen_count(path, 0, &table), 0);
	assert_int_equal(cgroup_table_largest(&table, 64, &cgroups), 2);
	assert_int_equal(cgroups[0].unknown_pages, 100 + 20 + 10 + 7 + 5 + 3 + 1 + 200 + 9);
	assert_int_equal(cgroups[0].idle_anon_pages, 0);
	(void)remove(path);
}

/* One command a cgroup and node, with its youngest generation. A file that is no debugfs keeps them at its beginning. */
static void test_lru_gen_age(void **state)
{
	static const char commands[] = "+ 1 0 5 1 1\n+ 1 1 1 1 1\n+ 42 0 7 1 1\n";
	char path[] = "/tmp/vmheat-test-XXXXXX";
	char written[sizeof(commands)] = "";
	int fd = mkstemp(path);

	write_text(path, lru_gen_text);
	assert_int_equal(lru_gen_age(path), 0);
	assert_int_equal(read(fd, written, sizeof(commands) - 1), sizeof(commands) - 1);
	assert_string_equal(written, commands);
	close(fd);
	(void)remove(path);
	assert_true(lru_gen_age(path) < 0);
}

/* It must be there and switched on: bit 0 of "enabled". */
static void test_lru_gen_is_on(void **state)
{
	char path[] = "/tmp/vmheat-test-XXXXXX";

	assert_false(lru_gen_is_on("/nowhere", "/nowhere"));
	close(mkstemp(path));
	write_text(path, "0x0006\n");
	assert_false(lru_gen_is_on(path, path));
	write_text(path, "0x0007\n");
	assert_true(lru_gen_is_on(path, path));
	assert_false(lru_gen_is_on("/nowhere", path));
	(void)remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_table, clear),
		cmocka_unit_test_setup(test_more_than_fit, clear),
		cmocka_unit_test_setup(test_exactly_full, clear),
		cmocka_unit_test_setup_teardown(test_names, make_tree, remove_tree),
		cmocka_unit_test_setup(test_lru_gen_count, clear),
		cmocka_unit_test(test_lru_gen_age),
		cmocka_unit_test(test_lru_gen_is_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
