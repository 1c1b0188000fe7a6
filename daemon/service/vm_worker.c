/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_worker.c - attach, scan, measure, plan, act
 */
#include "vm_worker.h"
#include <math.h>
#include <string.h>
#include "actuator.h"
#include "domain_metadata.h"
#include "host_error.h"
#include "numa_balancing.h"
#include "numa_nodes.h"
#include "page_units.h"
#include "source.h"
#include "vm_acts.h"
#include "vm_moves.h"
#include "vm_plan.h"
#include "vm_scan.h"

G_DEFINE_QUARK(vmheat_vm_error, vm_error)

struct vm_worker {
	char *name;
	char *uuid;
	const struct daemon_settings *daemon;
	virDomainPtr handle;

	/* Attached: NULL or invalid until it could be found out. */
	struct domain *domain;
	gboolean metadata_known;
	char *metadata; /* what the VM's owner has set; NULL: nothing, or not known yet */
	pid_t pid;	/* of the domain that the pages belong to, and its start */
	guint64 pid_start_time;
	struct vm_pages *pages;
	struct vm_sources sources;
	struct page_move_nodes nodes;
	char *no_nodes;	      /* why pages cannot be moved; NULL: nodes is valid */
	guint windows_before; /* that say nothing of what is used: from before the guest was paused last */
	guint map_ticks;      /* ticks until the memory layout is asked for again; 0: now */

	/* Measured. */
	gboolean figures_valid;
	struct vm_figures figures;
	struct working_set_estimate estimate;
	struct vm_agent_report agent;
	char *agent_problem; /* why the last window is without guest data; NULL: it is not */
	gboolean memory_valid;
	struct domain_memory memory;
	guint64 reported_pages; /* with free page reporting: of its memory, what is not on the host */
	struct vm_pressure_meter agent_meter, balloon_meter;
	gboolean pressure_valid;
	struct guest_pressure pressure;
	guint64 kept_pages; /* by the last guest data there was */

	/* Planned and done. */
	struct vm_acts acts;
	char *act_problem; /* why an act that was begun could not be looked after; NULL: it could */
	struct vm_host_part host_part;
	struct resize_state resize;
	struct vm_plan plan;
	struct page_move_result placement;
	struct vm_act last_act;
};

struct vm_worker *vm_worker_new(const char *name, const char *uuid, struct act_journal *journal)
{
	struct vm_worker *worker = g_new0(struct vm_worker, 1);

	worker->name = g_strdup(name);
	worker->uuid = g_strdup(uuid);
	worker->acts.journal = journal;
	worker->acts.uuid = worker->uuid;
	return worker;
}

void vm_worker_use_daemon(struct vm_worker *worker, const struct daemon_settings *daemon)
{
	worker->daemon = daemon;
}

void vm_worker_gone(struct vm_worker *worker)
{
	vm_acts_close(&worker->acts);
}

/* A plan cannot outlive them: its pages are theirs, and what is moved must be marked again. */
static void close_sources(struct vm_worker *worker)
{
	struct vm_sources *sources = &worker->sources;

	vm_plan_clear(&worker->plan);
	if (sources->guest != NULL)
		sources->guest_ops->close(sources->guest);
	if (sources->host != NULL)
		sources->host_ops->close(sources->host);
	memset(sources, 0, sizeof(*sources));
}

void vm_worker_free(struct vm_worker *worker)
{
	if (worker == NULL)
		return;
	close_sources(worker);
	vm_pages_free(worker->pages);
	if (worker->domain != NULL)
		domain_free(worker->domain);
	if (worker->handle != NULL)
		virDomainFree(worker->handle);
	g_free(worker->no_nodes);
	g_free(worker->metadata);
	g_free(worker->agent_problem);
	g_free(worker->act_problem);
	g_clear_pointer(&worker->agent.cgroups, g_array_unref);
	g_free(worker->last_act.failure);
	g_free(worker->name);
	g_free(worker->uuid);
	g_free(worker);
}

void vm_worker_use_handle(struct vm_worker *worker, virDomainPtr handle)
{
	virDomainRef(handle);
	if (worker->handle != NULL)
		virDomainFree(worker->handle);
	worker->handle = handle;

	/* The sources refer to the domain: they go first. The pages stay. */
	close_sources(worker);
	g_clear_pointer(&worker->domain, domain_free);
	worker->map_ticks = 0;
	worker->metadata_known = FALSE;
}

void vm_worker_check_map(struct vm_worker *worker)
{
	worker->map_ticks = 0;
}

void vm_worker_check_metadata(struct vm_worker *worker)
{
	worker->metadata_known = FALSE;
}

/* An error's message, without the VM's name that it may begin with: who shows it says the name anyway. */
static const char *without_name(const struct vm_worker *worker, const GError *error)
{
	gsize length = strlen(worker->name);

	if (strncmp(error->message, worker->name, length) == 0 &&
	    g_str_has_prefix(error->message + length, ": "))
		return error->message + length + 2;
	return error->message;
}

/* A VM that is gone, as opposed to something that may come. */
static gboolean is_gone(const GError *error)
{
	return g_error_matches(error, HOST_ERROR, HOST_ERROR_GONE) ||
	       g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_GONE);
}

/* The nodes may be chosen by the VM's CPUs and cpuset, which change: asked with the memory layout. */
static void choose_nodes(struct vm_worker *worker)
{
	g_autoptr(GError) error = NULL;
	struct numa_host *host = numa_host_new(&error);
	struct numa_process *process = NULL;

	if (host != NULL)
		process = numa_process_new(host, worker->domain->pid, &error);
	if (process != NULL)
		(void)numa_choose_nodes(host, process, worker->daemon->near_node, worker->daemon->far_node,
					&worker->nodes.near_node, &worker->nodes.far_node, &error);
	g_free(worker->no_nodes);
	worker->no_nodes = error == NULL ? NULL : g_strdup(without_name(worker, error));
	numa_process_free(process);
	numa_host_free(host);
}

/* Ask for the memory layout; on a new one, begin anew with what can be kept. */
static gboolean refresh_map(struct vm_worker *worker, GError **error)
{
	struct page_map *map = domain_page_map(worker->domain, error);
	struct vm_pages *pages;

	if (map == NULL)
		return FALSE;
	if (worker->pages != NULL && page_map_equal(worker->pages->map, map)) {
		page_map_free(map);
		return TRUE;
	}
	pages = vm_pages_new(map);
	if (pages == NULL) {
		g_set_error(error, VM_ERROR, VM_ERROR_FAILED, "not enough memory for the ages of its pages");
		return FALSE;
	}
	close_sources(worker);
	if (worker->pages != NULL) {
		vm_pages_carry_over(pages, worker->pages);
		vm_pages_free(worker->pages);
		g_message("%s: its memory layout has changed", worker->name);
	}
	worker->pages = pages;
	g_message("%s: QEMU is process %d; %.0f MiB of memory, in ranges: %" G_GSIZE_FORMAT, worker->name,
		  (int)worker->domain->pid, to_mib(pages->map->page_count), pages->map->range_count);
	return TRUE;
}

/* The agent is a help, not a condition: what fails here is a remark. */
static void open_agent(struct vm_worker *worker)
{
	struct vm_sources *sources = &worker->sources;
	g_autoptr(GError) error = NULL;

	worker->agent.channel = worker->domain->agent_socket != NULL || worker->domain->vsock_cid != 0;
	if (sources->guest != NULL)
		return;
	sources->guest_ops = &guest_source_agent;
	sources->guest = sources->guest_ops->open(worker->domain, worker->pages->map, &error);
	g_free(worker->agent_problem);
	worker->agent_problem = error == NULL ? NULL : g_strdup(without_name(worker, error));
}

/* Nothing that was learnt of another process holds for this one. */
static void forget_process(struct vm_worker *worker)
{
	g_clear_pointer(&worker->pages, vm_pages_free);
	worker->figures_valid = FALSE;
	worker->pressure_valid = FALSE;
	worker->kept_pages = 0;
	worker->windows_before = 0;
	g_clear_pointer(&worker->agent.cgroups, g_array_unref);
	memset(&worker->estimate, 0, sizeof(worker->estimate));
	memset(&worker->agent, 0, sizeof(worker->agent));
	memset(&worker->agent_meter, 0, sizeof(worker->agent_meter));
	memset(&worker->balloon_meter, 0, sizeof(worker->balloon_meter));
	memset(&worker->resize, 0, sizeof(worker->resize));
}

static gboolean attach_domain(struct vm_worker *worker, GError **error)
{
	struct domain *domain = domain_new(worker->handle, error);

	if (domain == NULL)
		return FALSE;
	worker->domain = domain;
	if (domain->pid != worker->pid || domain->pid_start_time != worker->pid_start_time)
		forget_process(worker);
	worker->pid = domain->pid;
	worker->pid_start_time = domain->pid_start_time;
	return TRUE;
}

/* Who the domain is, and that it lives. */
static gboolean attach(struct vm_worker *worker, GError **error)
{
	if (worker->domain == NULL && !attach_domain(worker, error))
		return FALSE;
	if (!domain_is_alive(worker->domain)) {
		g_set_error(error, HOST_ERROR, HOST_ERROR_GONE, "process %d has ended",
			    (int)worker->domain->pid);
		return FALSE;
	}
	return TRUE;
}

/* What the VM's owner wants must be known before anything is done to it. */
static gboolean read_metadata(struct vm_worker *worker, GError **error)
{
	char *metadata;

	if (worker->metadata_known)
		return TRUE;
	if (!domain_metadata_read(worker->domain, &metadata, error))
		return FALSE;
	g_free(worker->metadata);
	worker->metadata = metadata;
	worker->metadata_known = TRUE;
	return TRUE;
}

/*
 * Look after what was begun. It needs nothing but libvirt, and comes before everything that may be missing. A failure is
 * said once; the next tick tries again.
 */
static void settle_acts(struct vm_worker *worker, const struct vm_settings *settings)
{
	g_autoptr(GError) error = NULL;
	guint64 stands = 0;
	gboolean good =
		vm_acts_settle(&worker->acts, worker->domain, to_pages(settings->floor), &stands, &error);

	/* The plan goes on from the size that the guest is to have now. */
	if (stands > 0) {
		worker->resize.target_pages = stands;
		worker->resize.flight_windows = 1;
	}
	if (!good && g_strcmp0(worker->act_problem, error->message) != 0 &&
	    error->domain != ACT_JOURNAL_ERROR)
		g_warning("%s: %s", worker->name, without_name(worker, error));
	g_free(worker->act_problem);
	worker->act_problem = good ? NULL : g_strdup(error->message);
}

/*
 * A guest that stands still uses nothing, and needs all that it used before. So its pages do not age, nothing is planned,
 * and what is known of it counts as little as at the start.
 */
static gboolean is_paused(struct vm_worker *worker, GError **error)
{
	gboolean paused;

	/* Without libvirt nobody knows; a scan then is as good as ever. */
	if (!domain_is_paused(worker->domain, &paused, NULL) || !paused)
		return FALSE;
	worker->windows_before = worker->pages == NULL ? 0 : worker->pages->windows;
	vm_plan_clear(&worker->plan);
	g_set_error(error, VM_ERROR, VM_ERROR_NOT_READY, "the guest is paused");
	return TRUE;
}

/* Everything else that a scan needs. */
static gboolean open_sources(struct vm_worker *worker, GError **error)
{
	struct vm_sources *sources = &worker->sources;

	if (worker->map_ticks == 0 || worker->pages == NULL) {
		if (!refresh_map(worker, error))
			return FALSE;
		choose_nodes(worker);
		worker->map_ticks = VM_WORKER_MAP_TICKS;
	}
	worker->map_ticks--;
	if (sources->host == NULL) {
		sources->host_ops = worker->domain->is_emulated ? &host_source_plugin : &host_source_module;
		sources->host = sources->host_ops->open(worker->domain, worker->pages->map, error);
		if (sources->host == NULL)
			return FALSE;
	}
	open_agent(worker);
	return TRUE;
}

/* Whose memory it is in the guest. An answer without a look at the pages leaves what the last one told. */
static void note_cgroups(struct vm_worker *worker)
{
	struct vm_agent_report *agent = &worker->agent;
	gsize count;
	const struct guest_cgroup *cgroups =
		worker->sources.guest_ops->cgroups(worker->sources.guest, &count);

	if (agent->end.flags & VMHEAT_SCAN_OVER_BUDGET)
		return;
	if (agent->cgroups != NULL)
		g_array_unref(agent->cgroups);
	agent->cgroups = g_array_new(FALSE, FALSE, sizeof(*cgroups));
	g_array_append_vals(agent->cgroups, cgroups, (guint)count);
}

/* What the agent's answer was worth; said in the log when it turns. */
static void note_agent(struct vm_worker *worker, const struct vm_scan_result *scan)
{
	struct vm_agent_report *agent = &worker->agent;

	if (scan->guest_answered) {
		agent->answered = TRUE;
		agent->end = scan->guest_end;
		agent->capabilities = worker->sources.guest_ops->capabilities(worker->sources.guest);
		note_cgroups(worker);
	}
	if (worker->sources.guest != NULL) {
		agent->counts = *worker->sources.guest_ops->counts(worker->sources.guest);
		g_clear_pointer(&worker->agent_problem, g_free);
		if (scan->guest_error != NULL)
			worker->agent_problem = g_strdup(without_name(worker, scan->guest_error));
	}
	/* Without a window there was nothing to use it for. */
	if (scan->window_seconds == 0.0)
		return;
	if (agent->used && !scan->guest_used)
		g_message("%s: host data alone: %s", worker->name,
			  worker->agent_problem != NULL ? worker->agent_problem : "no guest data");
	else if (!agent->used && scan->guest_used)
		g_message("%s: host and guest data", worker->name);
	agent->used = scan->guest_used;
	agent->window_seconds = scan->guest_seconds;
}

/* Histogram, working set and estimate after a window of data. */
static void note_figures(struct vm_worker *worker, const struct vm_scan_result *scan, gint64 started_us)
{
	const struct vm_pages *pages = worker->pages;
	struct vm_figures *figures = &worker->figures;
	guint64 counts[256];

	vm_pages_count(pages, counts);
	memset(figures, 0, sizeof(*figures));
	figures->monotonic_us = g_get_monotonic_time();
	figures->scan_seconds = (double)(figures->monotonic_us - started_us) / 1e6;
	figures->window_seconds = scan->window_seconds;
	figures->windows = pages->windows;
	figures->counts = scan->counts.merge;
	figures->classes = scan->counts.classes;
	figures->working_set_age = worker->daemon->working_set_age;
	figures->working_set_pages = working_set_pages(counts, &pages->ring, figures->working_set_age);
	figures->working_set_host_only_pages = vm_pages_host_young(pages);
	figures->watched_seconds = window_ring_seconds(&pages->ring, PAGE_AGE_MAX);
	figures->untouched_pages = page_ages_untouched(counts, pages->windows);
	for (guint age = 0; age < VM_FIGURES_AGES; age++)
		figures->age_seconds[age] = window_ring_seconds(&pages->ring, age);
	memcpy(figures->age_pages, counts, sizeof(figures->age_pages));
	age_histogram_fill(&figures->histogram, counts, &pages->ring);

	/*
	 * As long as the windows before this one did not last for that age, all that was mapped counted: nothing that
	 * was known, and nothing to fall from slowly.
	 */
	if (window_ring_seconds(&pages->ring, pages->ring.count) - scan->window_seconds <
	    figures->working_set_age)
		memset(&worker->estimate, 0, sizeof(worker->estimate));
	working_set_estimate_update(&worker->estimate, figures->working_set_pages, scan->window_seconds,
				    worker->daemon->fall_half_life);
	figures->working_set_estimate_pages = (guint64)ceil(worker->estimate.pages);
	worker->figures_valid = TRUE;
}

/* The agent's counters where there are any, else the balloon's. */
static void note_pressure(struct vm_worker *worker, const struct vm_scan_result *scan)
{
	double now = (double)g_get_monotonic_time() / 1e6;

	worker->pressure_valid = TRUE;
	if (scan->guest_answered) {
		struct vm_pressure_meter meter = { .time_seconds = now,
						   .swap_in_pages = scan->guest_end.swap_in_pages,
						   .refault_pages = scan->guest_end.refault_pages,
						   .oom_kills = scan->guest_end.oom_kills,
						   .memory_stall_us = scan->guest_end.memory_stall_us };

		worker->pressure = vm_pressure_meter_update(&worker->agent_meter, &meter);
	} else if (worker->memory_valid && worker->memory.statistics_age_seconds >= 0) {
		struct vm_pressure_meter meter = { .time_seconds = now,
						   .swap_in_pages = worker->memory.swap_in_pages };

		worker->pressure = vm_pressure_meter_update(&worker->balloon_meter, &meter);
	} else {
		worker->pressure_valid = FALSE;
		memset(&worker->pressure, 0, sizeof(worker->pressure));
	}
}

/*
 * What the guest does not use and cannot give. Kept from window to window: an agent that is late for once does not
 * make the memory available.
 */
static void note_kept(struct vm_worker *worker, const struct vm_scan_result *scan)
{
	guint64 swap_free = scan->guest_end.swap_free_kib / KIB_PER_PAGE;
	guint64 anon_idle = scan->counts.merge.anon_idle;

	if (scan->guest_used)
		worker->kept_pages =
			scan->counts.merge.kernel_idle + (anon_idle > swap_free ? anon_idle - swap_free : 0);
}

/* What of the guest's memory costs the host nothing. Without free page reporting nobody knows what will stay so. */
static void note_reported(struct vm_worker *worker)
{
	const struct domain_memory *memory = &worker->memory;

	worker->reported_pages = 0;
	if (worker->memory_valid && worker->domain->free_page_reporting)
		worker->reported_pages =
			vm_reported_pages(worker->figures.histogram.holes, domain_memory_size(memory),
					  domain_memory_maximum(memory, worker->domain->boot_pages));
}

static void make_plan(struct vm_worker *worker, const struct vm_settings *settings, const char *no_memory)
{
	const struct domain_memory *memory = &worker->memory;
	struct virtio_mem_size sizes[VIRTIO_MEM_DEVICES_MAX];
	struct vm_plan_input input = {
		.settings = settings,
		.ring = &worker->pages->ring,
		.resize_state = &worker->resize,
		.no_placement = worker->no_nodes,
		.host = worker->host_part,
		.numa_balancing = numa_balancing_is_on(),
		.resize = {
			.now_seconds = (double)g_get_monotonic_time() / 1e6,
			.working_set_pages = worker->figures.working_set_estimate_pages,
			.kept_pages = worker->kept_pages,
			.usable_known = worker->agent.used,
			.usable_pages = worker->agent.end.memory_usable_kib / KIB_PER_PAGE,
			.maximum_pages = domain_memory_maximum(memory, worker->domain->boot_pages),
			.windows = worker->pages->windows - worker->windows_before,
			.pressure = worker->pressure,
		},
		.devices = {
			.balloon_usable = worker->domain->has_balloon,
			/* With DIMMs libvirt's figure is larger. */
			.balloon_pages = MIN(memory->balloon_pages, worker->domain->boot_pages),
			.boot_pages = worker->domain->boot_pages,
			.virtio_mems = sizes,
			.virtio_mem_count = memory->virtio_mem_count,
		},
		.free_page_reporting = worker->domain->free_page_reporting,
		.reported_pages = worker->reported_pages,
	};

	for (guint i = 0; i < memory->virtio_mem_count; i++)
		sizes[i] = memory->virtio_mems[i].size;
	input.resize.current_pages = resize_devices_size(&input.devices);
	vm_acts_find_moving(&worker->acts, memory, &input.devices);
	if (!worker->memory_valid)
		input.no_resize = no_memory;

	/* What was given in mode act binds nobody once the mode is another. */
	if (settings->mode != VM_MODE_ACT)
		memset(&worker->resize, 0, sizeof(worker->resize));
	vm_plan_clear(&worker->plan);
	vm_plan_make(&input, &worker->plan);
}

static void note_failure(struct vm_worker *worker, const GError *error)
{
	struct vm_act *act = &worker->last_act;
	char *all = act->failure == NULL ? g_strdup(error->message)
					 : g_strconcat(act->failure, "; ", error->message, NULL);

	g_free(act->failure);
	act->failure = all;
	/* Of the journal's own trouble the log knows already. */
	if (error->domain != ACT_JOURNAL_ERROR)
		g_warning("%s: %s", worker->name, error->message);
}

/* Bring pages where they belong; with @limit 0 only look where they lie. */
static gboolean place(struct vm_worker *worker, guint64 limit, struct page_move_result *result,
		      GError **error)
{
	struct vm_acts_moves moves = { .acts = &worker->acts,
				       .domain = worker->domain,
				       .limit = limit,
				       .why = worker->plan.placement_sentence };

	return vm_moves_apply(worker->domain, worker->pages, &worker->sources, &worker->nodes,
			      &worker->plan.placement, limit, vm_acts_begin_moves, &moves, result, error);
}

static void act_resize(struct vm_worker *worker)
{
	const struct resize_step *step = &worker->plan.step;
	const char *alias = NULL;
	g_autoptr(GError) error = NULL;

	if (!worker->plan.resize_valid)
		return;
	/* Also where the target is what the guest has: the device may be on its way to another. */
	if (worker->plan.step_valid) {
		if (step->device == RESIZE_VIRTIO_MEM)
			alias = worker->memory.virtio_mems[step->index].alias;
		if (!vm_acts_resize(&worker->acts, worker->domain, step, alias, worker->plan.resize_sentence,
				    &error)) {
			/* Nothing is remembered, so the next plan tries again. */
			note_failure(worker, error);
			return;
		}
		g_message("%s: %s", worker->name, worker->plan.resize_sentence);
		worker->last_act.resize_asked = TRUE;
		worker->last_act.step = *step;
	}
	worker->resize = worker->plan.resize_next;
}

/* Show where the pages lie. A failure is not one of an act: it only leaves the figures out. */
static void survey(struct vm_worker *worker)
{
	g_autoptr(GError) error = NULL;

	if (worker->plan.placement_valid && !place(worker, 0, &worker->placement, &error)) {
		g_free(worker->plan.placement_sentence);
		worker->plan.placement_sentence =
			g_strdup_printf("no page moves: %s", without_name(worker, error));
		worker->plan.placement_valid = FALSE;
	}
}

static void act_placement(struct vm_worker *worker, const struct vm_settings *settings)
{
	double bytes = (double)settings->move_limit * worker->figures.window_seconds;
	g_autoptr(GError) error = NULL;
	gboolean done;

	if (!worker->plan.placement_valid)
		return;
	done = place(worker, MAX((guint64)(bytes / PAGE_MAP_PAGE_SIZE), 1), &worker->placement, &error);
	vm_acts_end_moves(&worker->acts, worker->placement.moved, done ? NULL : error->message);
	if (!done) {
		note_failure(worker, error);
		survey(worker);
		return;
	}
	worker->last_act.moves_done = TRUE;
	worker->last_act.moves = worker->placement;
	if (worker->placement.moved > 0)
		g_info("%s: moved %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " pages", worker->name,
		       worker->placement.moved, worker->placement.wanted);
}

static void carry_out(struct vm_worker *worker, const struct vm_settings *settings)
{
	g_free(worker->last_act.failure);
	memset(&worker->last_act, 0, sizeof(worker->last_act));
	worker->last_act.real_us = g_get_real_time();
	act_resize(worker);
	act_placement(worker, settings);
}

/* An agent that never answers must not slow the ticks down. */
static int agent_timeout_ms(const struct vm_worker *worker)
{
	return (int)(MIN(worker->daemon->agent_timeout, worker->daemon->interval / 2) * 1000);
}

/* Scan, and on data everything that follows from it. */
static gboolean scan_and_act(struct vm_worker *worker, const struct vm_settings *settings, GError **error)
{
	const struct vm_scan_settings scan_settings = { .agent_timeout_ms = agent_timeout_ms(worker),
							.working_set_age = worker->daemon->working_set_age };
	gint64 started_us = g_get_monotonic_time();
	struct vm_scan_result scan;
	g_autoptr(GError) memory_error = NULL;
	gboolean done;

	done = vm_scan(&worker->sources, worker->pages, &scan_settings, &scan, error);
	if (done) {
		note_agent(worker, &scan);
		worker->memory_valid = domain_memory(worker->domain, &worker->memory, &memory_error);
		note_pressure(worker, &scan);
	}
	if (done && scan.window_seconds > 0.0) {
		note_figures(worker, &scan, started_us);
		note_kept(worker, &scan);
		note_reported(worker);
		make_plan(worker, settings, memory_error != NULL ? without_name(worker, memory_error) : NULL);
		if (settings->mode == VM_MODE_ACT)
			carry_out(worker, settings);
		else
			survey(worker);
	}
	vm_scan_result_clear(&scan);
	return done;
}

static char *describe_quality(const struct vm_worker *worker)
{
	if (worker->sources.host == NULL)
		return NULL;
	if (!worker->figures_valid)
		return g_strdup("no data yet: the first window runs");
	if (worker->agent.used)
		return g_strdup_printf("host data (%s) of a window of %.2f s, merged with guest data (%s) of "
				       "%.2f s",
				       worker->sources.host_ops->name, worker->figures.window_seconds,
				       worker->sources.guest_ops->name, worker->agent.window_seconds);
	return g_strdup_printf("host data (%s) alone, of a window of %.2f s; no guest data: %s",
			       worker->sources.host_ops->name, worker->figures.window_seconds,
			       worker->agent_problem != NULL ? worker->agent_problem : "no reason is known");
}

static struct vm_snapshot *make_snapshot(const struct vm_worker *worker, enum vm_state state,
					 const char *reason)
{
	struct vm_snapshot *snapshot = vm_snapshot_new(worker->name, worker->uuid);

	snapshot->state = state;
	snapshot->state_reason = g_strdup(reason);
	snapshot->metadata = g_strdup(worker->metadata);
	if (worker->domain != NULL) {
		snapshot->pid = worker->domain->pid;
		snapshot->maximum_pages = domain_memory_maximum(&worker->memory, worker->domain->boot_pages);
		snapshot->has_balloon = worker->domain->has_balloon;
		snapshot->free_page_reporting = worker->domain->free_page_reporting;
		snapshot->reported_pages = worker->reported_pages;
	}
	snapshot->memory_valid = worker->memory_valid;
	snapshot->memory = worker->memory;
	snapshot->figures_valid = worker->figures_valid;
	snapshot->figures = worker->figures;
	snapshot->host_source = worker->sources.host == NULL ? NULL : worker->sources.host_ops->name;
	snapshot->agent = worker->agent;
	if (snapshot->agent.cgroups != NULL)
		g_array_ref(snapshot->agent.cgroups);
	snapshot->quality = describe_quality(worker);
	snapshot->resize_sentence = g_strdup(worker->plan.resize_sentence);
	snapshot->placement_sentence = g_strdup(worker->plan.placement_sentence);
	snapshot->resize_valid = worker->plan.resize_valid;
	snapshot->resize = worker->plan.resize;
	snapshot->frees_pages = worker->plan.frees_pages;
	snapshot->step_valid = worker->plan.step_valid;
	snapshot->step = worker->plan.step;
	snapshot->pressure_valid = worker->pressure_valid;
	snapshot->pressure = worker->pressure;
	snapshot->placement_valid = worker->plan.placement_valid;
	snapshot->policy = worker->plan.placement;
	snapshot->nodes = worker->nodes;
	snapshot->placement = worker->placement;
	snapshot->last_act = worker->last_act;
	snapshot->last_act.failure = g_strdup(worker->last_act.failure);
	return snapshot;
}

static enum vm_state state_now(const struct vm_worker *worker)
{
	return worker->figures_valid ? VM_STATE_TRACKING : VM_STATE_MARKED;
}

void vm_worker_set_host_part(struct vm_worker *worker, const struct vm_host_part *part)
{
	worker->host_part = *part;
}

struct vm_snapshot *vm_worker_tick(struct vm_worker *worker, const struct vm_settings *settings)
{
	g_autoptr(GError) error = NULL;

	if (attach(worker, &error)) {
		settle_acts(worker, settings);
		if (read_metadata(worker, &error) && !is_paused(worker, &error) &&
		    open_sources(worker, &error) && scan_and_act(worker, settings, &error))
			return make_snapshot(worker, state_now(worker), NULL);
	}

	/* Whatever failed may be a layout that changed under the scan. */
	worker->map_ticks = 0;
	if (is_gone(error) || (worker->domain != NULL && !domain_is_alive(worker->domain)))
		return make_snapshot(worker, VM_STATE_ENDED, without_name(worker, error));
	if (g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE))
		close_sources(worker);
	return make_snapshot(worker, VM_STATE_WAITING, without_name(worker, error));
}

struct vm_snapshot *vm_worker_act(struct vm_worker *worker, const struct vm_settings *settings,
				  GError **error)
{
	const struct vm_plan *plan = &worker->plan;

	if (!plan->resize_valid && !plan->placement_valid) {
		g_set_error(error, VM_ERROR, VM_ERROR_NOT_READY, "%s: there is no plan to carry out: %s; %s",
			    worker->name,
			    plan->resize_sentence != NULL ? plan->resize_sentence : "there is no data yet",
			    plan->placement_sentence != NULL ? plan->placement_sentence : "no page moves");
		return NULL;
	}
	carry_out(worker, settings);
	if (worker->last_act.failure != NULL) {
		g_set_error(error, VM_ERROR, VM_ERROR_FAILED, "%s: %s", worker->name,
			    worker->last_act.failure);
		return NULL;
	}
	return make_snapshot(worker, state_now(worker), NULL);
}

GArray *vm_worker_map(const struct vm_worker *worker, guint limit, GArray **windows, GArray **placement,
		      GError **error)
{
	const struct window_ring *ring;

	if (!worker->figures_valid) {
		g_set_error(error, VM_ERROR, VM_ERROR_NOT_READY, "%s: there is no data yet", worker->name);
		return NULL;
	}
	ring = &worker->pages->ring;
	*windows = g_array_new(FALSE, FALSE, sizeof(double));
	for (guint age = 1; age <= ring->count; age++) {
		double seconds = window_ring_seconds(ring, age) - window_ring_seconds(ring, age - 1);

		g_array_append_val(*windows, seconds);
	}
	*placement = worker->plan.placement_valid
			     ? vm_moves_runs(worker->pages, &worker->plan.placement, limit)
			     : g_array_new(FALSE, FALSE, sizeof(struct vm_run));
	return vm_pages_runs(worker->pages, limit);
}
