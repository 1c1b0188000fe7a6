/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numa_nodes.c - the host's NUMA nodes, see numa_nodes.h
 */
#include "numa_nodes.h"
#include <numa.h>
#include <string.h>
#include <unistd.h>
#include "host_error.h"
#include "proc_files.h"

/* A kernel without NUMA: all memory is one node. */
static struct numa_host *single_node_host(void)
{
	struct numa_host *host = g_new0(struct numa_host, 1);
	guint64 page = (guint64)sysconf(_SC_PAGESIZE);

	host->node_count = 1;
	host->nodes = g_new0(struct numa_node, 1);
	host->nodes[0].cpus = (guint)sysconf(_SC_NPROCESSORS_CONF);
	host->nodes[0].total_bytes = (guint64)sysconf(_SC_PHYS_PAGES) * page;
	host->nodes[0].free_bytes = (guint64)sysconf(_SC_AVPHYS_PAGES) * page;
	host->nodes[0].distances = g_new(int, 1);
	host->nodes[0].distances[0] = 10;
	return host;
}

static guint count_cpus(int node)
{
	struct bitmask *cpus = numa_allocate_cpumask();
	guint count = 0;

	if (numa_node_to_cpus(node, cpus) == 0)
		count = numa_bitmask_weight(cpus);
	numa_free_cpumask(cpus);
	return count;
}

struct numa_host *numa_host_new(GError **error)
{
	struct numa_host *host;
	int last;

	if (numa_available() < 0)
		return single_node_host();
	host = g_new0(struct numa_host, 1);
	last = numa_max_node();
	host->nodes = g_new0(struct numa_node, (gsize)last + 1);
	for (int id = 0; id <= last; id++) {
		struct numa_node *node = &host->nodes[host->node_count];
		long long free_bytes = 0;
		long long total_bytes = numa_node_size64(id, &free_bytes);

		if (total_bytes <= 0)
			continue;
		node->id = id;
		node->cpus = count_cpus(id);
		node->total_bytes = (guint64)total_bytes;
		node->free_bytes = (guint64)MAX(free_bytes, 0);
		host->node_count++;
	}
	for (guint i = 0; i < host->node_count; i++) {
		host->nodes[i].distances = g_new(int, host->node_count);
		for (guint j = 0; j < host->node_count; j++)
			host->nodes[i].distances[j] = numa_distance(host->nodes[i].id, host->nodes[j].id);
	}
	if (host->node_count == 0) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_NODES, "the kernel shows no NUMA node with memory");
		g_clear_pointer(&host, numa_host_free);
	}
	return host;
}

void numa_host_free(struct numa_host *host)
{
	if (host == NULL)
		return;
	for (guint i = 0; i < host->node_count; i++)
		g_free(host->nodes[i].distances);
	g_free(host->nodes);
	g_free(host);
}

/* Add to process->vcpus what the thread with this /proc status text may run on, if it is a vCPU's. */
static void add_vcpu_thread(struct numa_process *process, const struct numa_host *host, const char *status)
{
	struct bitmask *cpus;
	struct id_set allowed;

	/* QEMU names its vCPU threads "CPU N/KVM" (or /TCG); libvirt always has it do so. */
	if (!g_str_has_prefix(status, "Name:\tCPU ") ||
	    !proc_status_list(status, "Cpus_allowed_list", &allowed))
		return;
	cpus = numa_allocate_cpumask();
	for (guint i = 0; i < host->node_count; i++) {
		if (numa_node_to_cpus(host->nodes[i].id, cpus) < 0)
			continue;
		for (guint cpu = 0; cpu < MIN(cpus->size, ID_SET_END); cpu++)
			if (numa_bitmask_isbitset(cpus, cpu) && id_set_has(&allowed, (int)cpu))
				process->vcpus[i]++;
	}
	numa_free_cpumask(cpus);
}

static void add_vcpu_threads(struct numa_process *process, const struct numa_host *host, pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)pid);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *thread;

	while (folder != NULL && (thread = g_dir_read_name(folder)) != NULL) {
		g_autofree char *name = g_strconcat("task/", thread, "/status", NULL);
		g_autofree char *status = proc_read(pid, name, NULL, NULL);

		if (status != NULL)
			add_vcpu_thread(process, host, status);
	}
}

struct numa_process *numa_process_new(const struct numa_host *host, pid_t pid, GError **error)
{
	g_autofree char *status = proc_read(pid, "status", NULL, error);
	struct numa_process *process;

	if (status == NULL)
		return NULL;
	process = g_new0(struct numa_process, 1);
	process->vcpus = g_new0(guint, host->node_count);
	if (!proc_status_list(status, "Mems_allowed_list", &process->mems)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_DATA, "/proc/%d/status has no Mems_allowed_list",
			    (int)pid);
		g_clear_pointer(&process, numa_process_free);
		return NULL;
	}
	if (numa_available() >= 0)
		add_vcpu_threads(process, host, pid);
	return process;
}

void numa_process_free(struct numa_process *process)
{
	if (process == NULL)
		return;
	g_free(process->vcpus);
	g_free(process);
}

/* Check that the node @id that the configuration wishes for can be had. */
static gboolean check_wish(const struct numa_host *host, const struct numa_process *process, int id,
			   GError **error)
{
	gboolean found = FALSE;

	for (guint i = 0; i < host->node_count; i++)
		found = found || host->nodes[i].id == id;
	if (!found)
		g_set_error(error, HOST_ERROR, HOST_ERROR_NODES, "the host has no NUMA node %d with memory",
			    id);
	else if (!id_set_has(&process->mems, id))
		g_set_error(error, HOST_ERROR, HOST_ERROR_NODES,
			    "the VM's cpuset does not allow memory on node %d", id);
	else
		return TRUE;
	return FALSE;
}

/* The allowed node, other than @except, with most of the vCPUs' CPUs, then with most CPUs; -1 if there is
 * none. */
static int find_near(const struct numa_host *host, const struct numa_process *process, int except)
{
	int best = -1;

	for (guint i = 0; i < host->node_count; i++) {
		const struct numa_node *node = &host->nodes[i];

		if (node->id == except || !id_set_has(&process->mems, node->id))
			continue;
		if (best < 0 || process->vcpus[i] > process->vcpus[best] ||
		    (process->vcpus[i] == process->vcpus[best] && node->cpus > host->nodes[best].cpus))
			best = (int)i;
	}
	return best < 0 ? -1 : host->nodes[best].id;
}

/* Whether @candidate is a better far node than @best, both seen from the near node. */
static gboolean is_better_far(const struct numa_node *candidate, int candidate_distance,
			      const struct numa_node *best, int best_distance)
{
	if ((candidate->cpus == 0) != (best->cpus == 0))
		return candidate->cpus == 0;
	return candidate->cpus == 0 ? candidate_distance < best_distance : candidate_distance > best_distance;
}

/* The far node for the near node @near; -1 if there is none. */
static int find_far(const struct numa_host *host, const struct numa_process *process, int near)
{
	const int *distances = NULL;
	int best = -1;

	for (guint i = 0; i < host->node_count; i++)
		if (host->nodes[i].id == near)
			distances = host->nodes[i].distances;
	g_return_val_if_fail(distances != NULL, -1);
	for (guint i = 0; i < host->node_count; i++) {
		const struct numa_node *node = &host->nodes[i];

		if (node->id == near || !id_set_has(&process->mems, node->id))
			continue;
		if (best < 0 || is_better_far(node, distances[i], &host->nodes[best], distances[best]))
			best = (int)i;
	}
	return best < 0 ? -1 : host->nodes[best].id;
}

gboolean numa_choose_nodes(const struct numa_host *host, const struct numa_process *process, int near_wish,
			   int far_wish, int *near, int *far, GError **error)
{
	if (near_wish != NUMA_NODE_AUTO && !check_wish(host, process, near_wish, error))
		return FALSE;
	if (far_wish != NUMA_NODE_AUTO && !check_wish(host, process, far_wish, error))
		return FALSE;
	*near = near_wish != NUMA_NODE_AUTO ? near_wish : find_near(host, process, far_wish);
	*far = far_wish;
	if (*near >= 0 && far_wish == NUMA_NODE_AUTO)
		*far = find_far(host, process, *near);
	if (*near >= 0 && *far >= 0 && *near != *far)
		return TRUE;
	if (near_wish != NUMA_NODE_AUTO && near_wish == far_wish)
		g_set_error(error, HOST_ERROR, HOST_ERROR_NODES, "node %d cannot be near and far at once",
			    near_wish);
	else
		g_set_error(error, HOST_ERROR, HOST_ERROR_NODES,
			    host->node_count < 2 ? "the host has one NUMA node only"
						 : "the VM's cpuset allows one NUMA node only");
	return FALSE;
}
