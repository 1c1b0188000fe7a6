/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_tracker.c - the queue of a VM's jobs, and the timer that feeds it
 */
#include "vm_tracker.h"
#include <gio/gio.h>
#include "vm_pages.h"
#include "vm_worker.h"

enum vm_job_kind {
	VM_JOB_TICK,
	VM_JOB_ACT,
	VM_JOB_MAP,
	VM_JOB_CLOSE,
};

/* The main loop fills it, the thread works on it, the main loop takes the results. */
struct vm_job {
	enum vm_job_kind kind;
	vm_reply_func *done; /* NULL: nobody asked */
	gpointer done_data;

	/* Set when the job starts. */
	struct vm_worker *worker;
	struct config *config; /* a reference */
	struct vm_settings settings;
	struct vm_host_part host_part;
	virDomainPtr handle; /* NULL: the worker's is still right */
	gboolean check_map, check_metadata;
	gboolean gone; /* VM_JOB_CLOSE: the VM has ended */

	/* Results, as struct vm_reply. */
	struct vm_snapshot *snapshot;
	GArray *runs, *windows, *placement;
	GError *error;
};

struct vm_tracker {
	char *name;
	char *uuid;
	const struct vm_tracker_callbacks *callbacks;
	gpointer data;

	struct vm_worker *worker; /* the running job's, if one runs */
	struct config *config;	  /* a reference */
	struct vm_settings settings;
	struct vm_host_part host_part;
	virDomainPtr handle; /* for the next job; NULL: nothing new */
	gboolean check_map;  /* likewise */
	gboolean check_metadata;
	char *settings_problem; /* NULL: none */
	struct vm_snapshot *snapshot;

	GQueue jobs; /* waiting */
	gboolean running;
	gboolean tick_queued; /* waiting or running */
	gboolean stopping;
	gboolean gone;
	guint timer;
};

static void job_free(gpointer data)
{
	struct vm_job *job = data;

	if (job->handle != NULL)
		virDomainFree(job->handle);
	config_unref(job->config);
	vm_snapshot_unref(job->snapshot);
	if (job->runs != NULL)
		g_array_unref(job->runs);
	if (job->windows != NULL)
		g_array_unref(job->windows);
	if (job->placement != NULL)
		g_array_unref(job->placement);
	g_clear_error(&job->error);
	g_free(job);
}

/* In the job's thread. */
static void job_run(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	struct vm_job *job = data;

	vm_worker_use_daemon(job->worker, &job->config->daemon);
	if (job->handle != NULL)
		vm_worker_use_handle(job->worker, job->handle);
	if (job->check_map)
		vm_worker_check_map(job->worker);
	if (job->check_metadata)
		vm_worker_check_metadata(job->worker);
	vm_worker_set_host_part(job->worker, &job->host_part);
	switch (job->kind) {
	case VM_JOB_TICK:
		job->snapshot = vm_worker_tick(job->worker, &job->settings);
		break;
	case VM_JOB_ACT:
		job->snapshot = vm_worker_act(job->worker, &job->settings, &job->error);
		break;
	case VM_JOB_MAP:
		job->runs = vm_worker_map(job->worker, VM_TRACKER_RUNS_MAX, &job->windows, &job->placement,
					  &job->error);
		break;
	case VM_JOB_CLOSE:
		if (job->gone)
			vm_worker_gone(job->worker);
		vm_worker_free(job->worker);
		break;
	}
	g_task_return_boolean(task, TRUE);
}

static void job_reply(const struct vm_job *job)
{
	struct vm_reply reply = { .snapshot = job->snapshot,
				  .runs = job->runs,
				  .windows = job->windows,
				  .placement = job->placement,
				  .error = job->error };

	if (job->done != NULL)
		job->done(&reply, job->done_data);
}

static void tracker_free(struct vm_tracker *tracker)
{
	if (tracker->handle != NULL)
		virDomainFree(tracker->handle);
	config_unref(tracker->config);
	vm_snapshot_unref(tracker->snapshot);
	g_free(tracker->settings_problem);
	g_free(tracker->name);
	g_free(tracker->uuid);
	g_free(tracker);
}

/* Take a job's snapshot; the log hears of each new state or reason once. */
static void publish(struct vm_tracker *tracker, struct vm_snapshot *snapshot)
{
	const struct vm_snapshot *last = tracker->snapshot;
	gboolean other_metadata = g_strcmp0(snapshot->metadata, last->metadata) != 0;

	if (snapshot->state != last->state || g_strcmp0(snapshot->state_reason, last->state_reason) != 0) {
		if (snapshot->state_reason != NULL)
			g_message("%s: %s: %s", tracker->name, vm_state_name(snapshot->state),
				  snapshot->state_reason);
		else
			g_message("%s: %s", tracker->name, vm_state_name(snapshot->state));
	}
	vm_snapshot_unref(tracker->snapshot);
	tracker->snapshot = vm_snapshot_ref(snapshot);
	if (other_metadata)
		tracker->callbacks->metadata(tracker, tracker->data);
}

static void run_next(struct vm_tracker *tracker);

/* Back in the main loop. */
static void job_done(GObject *source, GAsyncResult *result, gpointer data)
{
	struct vm_tracker *tracker = data;
	struct vm_job *job = g_task_get_task_data(G_TASK(result));

	tracker->running = FALSE;
	if (job->kind == VM_JOB_CLOSE) {
		tracker->callbacks->closed(tracker, tracker->data);
		tracker_free(tracker);
		return;
	}
	if (job->kind == VM_JOB_TICK)
		tracker->tick_queued = FALSE;
	if (job->snapshot != NULL && !tracker->stopping)
		publish(tracker, job->snapshot);
	job_reply(job);

	/* It may stop the tracker, which only queues the closing, as long as no job runs without this. */
	tracker->running = TRUE;
	if (job->snapshot != NULL && job->snapshot->state == VM_STATE_ENDED && !tracker->stopping)
		tracker->callbacks->ended(tracker, tracker->data);
	tracker->running = FALSE;
	run_next(tracker);
}

static void run_next(struct vm_tracker *tracker)
{
	struct vm_job *job;
	GTask *task;

	if (tracker->running || g_queue_is_empty(&tracker->jobs))
		return;
	job = g_queue_pop_head(&tracker->jobs);
	job->worker = tracker->worker;
	job->config = config_ref(tracker->config);
	job->gone = tracker->gone;
	job->settings = tracker->settings;
	job->host_part = tracker->host_part;
	job->handle = g_steal_pointer(&tracker->handle);
	job->check_map = tracker->check_map;
	job->check_metadata = tracker->check_metadata;
	tracker->check_map = tracker->check_metadata = FALSE;
	tracker->running = TRUE;

	task = g_task_new(NULL, NULL, job_done, tracker);
	g_task_set_name(task, tracker->name);
	g_task_set_task_data(task, job, job_free);
	g_task_run_in_thread(task, job_run);
	g_object_unref(task);
}

static void push(struct vm_tracker *tracker, enum vm_job_kind kind, vm_reply_func *done, gpointer data)
{
	struct vm_job *job = g_new0(struct vm_job, 1);

	job->kind = kind;
	job->done = done;
	job->done_data = data;
	g_queue_push_tail(&tracker->jobs, job);
	run_next(tracker);
}

void vm_tracker_tick(struct vm_tracker *tracker)
{
	if (tracker->tick_queued)
		return;
	tracker->tick_queued = TRUE;
	push(tracker, VM_JOB_TICK, NULL, NULL);
}

static gboolean on_interval(gpointer data)
{
	vm_tracker_tick(data);
	return G_SOURCE_CONTINUE;
}

static void start_timer(struct vm_tracker *tracker)
{
	tracker->timer =
		g_timeout_add((guint)(tracker->config->daemon.interval * 1000), on_interval, tracker);
}

struct vm_tracker *vm_tracker_new(virDomainPtr domain, const char *name, const char *uuid,
				  struct config *config, struct act_journal *journal,
				  const struct vm_settings *settings,
				  const struct vm_tracker_callbacks *callbacks, gpointer data)
{
	struct vm_tracker *tracker = g_new0(struct vm_tracker, 1);

	tracker->name = g_strdup(name);
	tracker->uuid = g_strdup(uuid);
	tracker->callbacks = callbacks;
	tracker->data = data;
	tracker->config = config_ref(config);
	tracker->settings = *settings;
	tracker->worker = vm_worker_new(name, uuid, journal);
	tracker->snapshot = vm_snapshot_new(name, uuid);
	g_queue_init(&tracker->jobs);
	vm_tracker_use_handle(tracker, domain);

	start_timer(tracker);
	vm_tracker_tick(tracker);
	return tracker;
}

/* Tell those who still wait that there will be no answer. */
static void drop_jobs(struct vm_tracker *tracker)
{
	struct vm_job *job;

	while ((job = g_queue_pop_head(&tracker->jobs)) != NULL) {
		g_set_error(&job->error, VM_ERROR, VM_ERROR_FAILED, "%s: tracking has ended", tracker->name);
		job_reply(job);
		job_free(job);
	}
}

void vm_tracker_stop(struct vm_tracker *tracker, gboolean gone)
{
	if (tracker->stopping)
		return;
	tracker->stopping = TRUE;
	tracker->gone = gone;
	g_source_remove(tracker->timer);
	drop_jobs(tracker);
	push(tracker, VM_JOB_CLOSE, NULL, NULL);
}

const char *vm_tracker_name(const struct vm_tracker *tracker)
{
	return tracker->name;
}

const char *vm_tracker_uuid(const struct vm_tracker *tracker)
{
	return tracker->uuid;
}

const struct vm_snapshot *vm_tracker_snapshot(const struct vm_tracker *tracker)
{
	return tracker->snapshot;
}

const struct vm_settings *vm_tracker_settings(const struct vm_tracker *tracker)
{
	return &tracker->settings;
}

void vm_tracker_use_config(struct vm_tracker *tracker, struct config *config)
{
	double interval = tracker->config->daemon.interval;

	config_ref(config);
	config_unref(tracker->config);
	tracker->config = config;
	if (config->daemon.interval == interval || tracker->stopping)
		return;
	g_source_remove(tracker->timer);
	start_timer(tracker);
}

const char *vm_tracker_settings_problem(const struct vm_tracker *tracker)
{
	return tracker->settings_problem;
}

void vm_tracker_set(struct vm_tracker *tracker, const struct vm_settings *settings, const char *problem)
{
	tracker->settings = *settings;
	if (problem != NULL && g_strcmp0(problem, tracker->settings_problem) != 0)
		g_warning("%s: %s", tracker->name, problem);
	g_free(tracker->settings_problem);
	tracker->settings_problem = g_strdup(problem);
}

void vm_tracker_set_host_part(struct vm_tracker *tracker, const struct vm_host_part *part)
{
	tracker->host_part = *part;
}

void vm_tracker_use_handle(struct vm_tracker *tracker, virDomainPtr domain)
{
	virDomainRef(domain);
	if (tracker->handle != NULL)
		virDomainFree(tracker->handle);
	tracker->handle = domain;
}

void vm_tracker_check_map(struct vm_tracker *tracker)
{
	tracker->check_map = TRUE;
}

void vm_tracker_check_metadata(struct vm_tracker *tracker)
{
	tracker->check_metadata = TRUE;
}

void vm_tracker_act(struct vm_tracker *tracker, vm_reply_func *done, gpointer data)
{
	push(tracker, VM_JOB_ACT, done, data);
}

void vm_tracker_map(struct vm_tracker *tracker, vm_reply_func *done, gpointer data)
{
	push(tracker, VM_JOB_MAP, done, data);
}
