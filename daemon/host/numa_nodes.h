/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numa_nodes.h - the host's NUMA nodes, and which two of them a VM's pages travel between
 *
 * Theory of operation
 *
 * The near node is where hot pages belong: the node with most of the CPUs that the VM's vCPUs may run on. The
 * far node is where cold pages belong: of the other nodes that the VM's cpuset allows, a memory-only node
 * (CXL and its like) if there is one, the closest of them, for its memory is there for just this; else the
 * most distant node. The configuration may name either. The kernel refuses to move pages to a node outside of
 * the process's cpuset, so such a node is refused here, with a reason that says so.
 */
#ifndef VMHEAT_HOST_NUMA_NODES_H
#define VMHEAT_HOST_NUMA_NODES_H

#include <glib.h>
#include <sys/types.h>
#include "id_set.h"

/** Leave the choice of a node to numa_choose_nodes(). */
#define NUMA_NODE_AUTO (-1)

struct numa_node {
	int id;
	guint cpus;	     /* 0: memory-only */
	guint64 total_bytes; /* above 0: nodes without memory are left out */
	guint64 free_bytes;  /* when the host was read */
	int *distances;	     /* to each node of the host, in their order; 10 is local, 0 unknown */
};

/** The nodes that have memory, in rising order of id. */
struct numa_host {
	guint node_count;
	struct numa_node *nodes;
};

/** numa_host_new() - read the host's nodes. A host without NUMA has one node, 0. numa_host_free() it. */
struct numa_host *numa_host_new(GError **error);
void numa_host_free(struct numa_host *host);

/** What a process may use. */
struct numa_process {
	struct id_set mems; /* nodes that its cpuset allows */
	guint *vcpus; /* for each node of the host: how many CPUs of it the VM's vCPU threads may run on,
			 summed over the threads */
};

/** numa_process_new() - read what process @pid (QEMU) may use on @host. numa_process_free() it. */
struct numa_process *numa_process_new(const struct numa_host *host, pid_t pid, GError **error);
void numa_process_free(struct numa_process *process);

/**
 * numa_choose_nodes() - the near and the far node of a VM
 * @near_wish: a node's id, or NUMA_NODE_AUTO
 * @far_wish:  likewise
 * @near:      the choice
 * @far:       the choice
 *
 * Return: FALSE with HOST_ERROR_NODES if a wish cannot be met or there is no second node. Pure.
 */
gboolean numa_choose_nodes(const struct numa_host *host, const struct numa_process *process, int near_wish,
			   int far_wish, int *near, int *far, GError **error);

#endif /* VMHEAT_HOST_NUMA_NODES_H */
