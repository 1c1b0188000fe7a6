/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_numa_nodes.c - which node is near and which far
 *
 * Hosts are made up: two sockets (0, 1), or one socket (0) with memory-only nodes (2, 3) of which 3 is
 * farther.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "host_error.h"
#include "numa_nodes.h"

static int sockets_distances[2][2] = { { 10, 21 }, { 21, 10 } };
static struct numa_node sockets_nodes[] = {
	{ .id = 0, .cpus = 8, .total_bytes = 1, .distances = sockets_distances[0] },
	{ .id = 1, .cpus = 8, .total_bytes = 1, .distances = sockets_distances[1] },
};
static const struct numa_host sockets = { .node_count = 2, .nodes = sockets_nodes };

/* Socket 0 and its expander 2, socket 1, and expander 3. */
static int expanders_distances[4][4] = {
	{ 10, 21, 14, 24 }, { 21, 10, 24, 14 }, { 14, 24, 10, 26 }, { 24, 14, 26, 10 }
};
static struct numa_node expanders_nodes[] = {
	{ .id = 0, .cpus = 8, .total_bytes = 1, .distances = expanders_distances[0] },
	{ .id = 1, .cpus = 8, .total_bytes = 1, .distances = expanders_distances[1] },
	{ .id = 2, .cpus = 0, .total_bytes = 1, .distances = expanders_distances[2] },
	{ .id = 3, .cpus = 0, .total_bytes = 1, .distances = expanders_distances[3] },
};
static const struct numa_host expanders = { .node_count = 4, .nodes = expanders_nodes };

/* A VM whose cpuset allows @mems and whose vCPUs may run on so many CPUs of each node. */
static void assert_choice(const struct numa_host *host, const char *mems, const guint *vcpus, int near_wish,
			  int far_wish, int near, int far)
{
	struct numa_process process = { .vcpus = (guint *)vcpus };
	g_autoptr(GError) error = NULL;
	int chosen_near, chosen_far;

	assert_true(id_set_parse(mems, &process.mems));
	if (!numa_choose_nodes(host, &process, near_wish, far_wish, &chosen_near, &chosen_far, &error))
		fail_msg("%s", error->message);
	assert_int_equal(chosen_near, near);
	assert_int_equal(chosen_far, far);
}

static void assert_refused(const struct numa_host *host, const char *mems, int near_wish, int far_wish,
			   const char *message)
{
	static const guint vcpus[4] = { 0 };
	struct numa_process process = { .vcpus = (guint *)vcpus };
	g_autoptr(GError) error = NULL;
	int near, far;

	assert_true(id_set_parse(mems, &process.mems));
	assert_false(numa_choose_nodes(host, &process, near_wish, far_wish, &near, &far, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_NODES));
	if (strstr(error->message, message) == NULL)
		fail_msg("'%s' is not in '%s'", message, error->message);
}

#define AUTO	   NUMA_NODE_AUTO
#define VCPUS(...) ((const guint[4]){ __VA_ARGS__ })

/* The near node is where the vCPUs run. */
static void test_near_by_vcpus(void **state)
{
	assert_choice(&sockets, "0-1", VCPUS(8, 0), AUTO, AUTO, 0, 1);
	assert_choice(&sockets, "0-1", VCPUS(0, 8), AUTO, AUTO, 1, 0);
	assert_choice(&sockets, "0-1", VCPUS(8, 8), AUTO, AUTO, 0, 1);
	/* Nothing known of vCPUs: a node with processors before one without. */
	assert_choice(&expanders, "1-3", VCPUS(0), AUTO, AUTO, 1, 3);
}

/* The far node is the closest one without processors, else the most distant one. */
static void test_far(void **state)
{
	assert_choice(&expanders, "0-3", VCPUS(8), AUTO, AUTO, 0, 2);
	assert_choice(&expanders, "0-3", VCPUS(0, 8), AUTO, AUTO, 1, 3);
	assert_choice(&expanders, "0-1,3", VCPUS(8), AUTO, AUTO, 0, 3);
	assert_choice(&expanders, "0-1", VCPUS(8), AUTO, AUTO, 0, 1);
}

/* What is wished for is done; the other node is chosen around it. */
static void test_wishes(void **state)
{
	assert_choice(&expanders, "0-3", VCPUS(8), 1, AUTO, 1, 3);
	assert_choice(&expanders, "0-3", VCPUS(8), AUTO, 3, 0, 3);
	assert_choice(&sockets, "0-1", VCPUS(8), AUTO, 0, 1, 0);
	assert_choice(&expanders, "0-3", VCPUS(8), 3, 2, 3, 2);
}

/* Wishes that the host or the VM's cpuset does not allow are refused with the reason. */
static void test_refused(void **state)
{
	assert_refused(&sockets, "0-1", 7, AUTO, "no NUMA node 7");
	assert_refused(&sockets, "0-1", AUTO, 7, "no NUMA node 7");
	assert_refused(&sockets, "0", AUTO, 1, "cpuset does not allow memory on node 1");
	assert_refused(&sockets, "0-1", 1, 1, "node 1 cannot be near and far");
	assert_refused(&sockets, "0", AUTO, AUTO, "cpuset allows one NUMA node only");
	assert_refused(&(struct numa_host){ .node_count = 1, .nodes = sockets_nodes }, "0", AUTO, AUTO,
		       "the host has one NUMA node only");
}

/* This host has a node with memory and processors, and this process may use one of its nodes. */
static void test_real_host(void **state)
{
	struct numa_host *host = numa_host_new(NULL);
	struct numa_process *process;
	gboolean allowed = FALSE;
	guint cpus = 0;

	assert_non_null(host);
	process = numa_process_new(host, getpid(), NULL);
	assert_non_null(process);
	for (guint i = 0; i < host->node_count; i++) {
		const struct numa_node *node = &host->nodes[i];

		cpus += node->cpus;
		allowed = allowed || id_set_has(&process->mems, node->id);
		assert_true(node->free_bytes < node->total_bytes);
		assert_int_equal(node->distances[i], 10);
		assert_int_equal(process->vcpus[i], 0); /* none of its threads is a vCPU */
	}
	assert_true(allowed);
	assert_true(cpus > 0);
	numa_process_free(process);
	numa_host_free(host);
}

/* A process that does not exist. */
static void test_process_gone(void **state)
{
	struct numa_host *host = numa_host_new(NULL);
	g_autoptr(GError) error = NULL;

	assert_null(numa_process_new(host, G_MAXINT, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_GONE));
	numa_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near_by_vcpus), cmocka_unit_test(test_far),
		cmocka_unit_test(test_wishes),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_real_host),     cmocka_unit_test(test_process_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
