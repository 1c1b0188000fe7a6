/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_variant.c - a snapshot as dictionaries; sizes in bytes, times in seconds
 */
#include "vm_variant.h"
#include "page_units.h"
#include "vm_pages.h"

static void add_text(GVariantDict *dict, const char *key, const char *text)
{
	g_autofree char *valid = NULL;

	if (text == NULL)
		return;
	/* Reasons may quote files and guests; D-Bus takes UTF-8 alone. */
	valid = g_utf8_make_valid(text, -1);
	g_variant_dict_insert(dict, key, "s", valid);
}

static void add_count(GVariantDict *dict, const char *key, guint64 count)
{
	g_variant_dict_insert(dict, key, "t", count);
}

static void add_pages(GVariantDict *dict, const char *key, guint64 pages)
{
	add_count(dict, key, to_bytes(pages));
}

static void add_seconds(GVariantDict *dict, const char *key, double seconds)
{
	g_variant_dict_insert(dict, key, "d", seconds);
}

static void add_flag(GVariantDict *dict, const char *key, gboolean flag)
{
	g_variant_dict_insert(dict, key, "b", flag);
}

/* What ListVms and GetVm both show. */
static void add_summary(GVariantDict *dict, const struct vm_snapshot *snapshot,
			const struct vm_settings *settings)
{
	const struct vm_figures *figures = &snapshot->figures;

	add_text(dict, "name", snapshot->name);
	add_text(dict, "uuid", snapshot->uuid);
	if (snapshot->pid != 0)
		g_variant_dict_insert(dict, "pid", "u", (guint32)snapshot->pid);
	add_text(dict, "state", vm_state_name(snapshot->state));
	add_text(dict, "state-reason", snapshot->state_reason);
	add_text(dict, "mode", vm_mode_name(settings->mode));
	if (snapshot->maximum_pages != 0)
		add_pages(dict, "maximum", snapshot->maximum_pages);
	if (snapshot->memory_valid) {
		add_pages(dict, "size", domain_memory_size(&snapshot->memory));
		add_pages(dict, "balloon", snapshot->memory.balloon_pages);
		add_pages(dict, "resident", snapshot->memory.resident_pages);
	}
	if (snapshot->figures_valid) {
		add_pages(dict, "working-set", figures->working_set_pages);
		add_pages(dict, "working-set-host-only", figures->working_set_host_only_pages);
		add_pages(dict, "working-set-estimate", figures->working_set_estimate_pages);
		add_seconds(dict, "working-set-age", figures->working_set_age);
		add_count(dict, "windows", figures->windows);
	}
	if (snapshot->host_source != NULL)
		add_flag(dict, "guest-data", snapshot->agent.used);
}

GVariant *vm_variant_summary(const struct vm_snapshot *snapshot, const struct vm_settings *settings)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_summary(&dict, snapshot, settings);
	return g_variant_dict_end(&dict);
}

/* Each step's lower end and its bytes. */
static GVariant *histogram(const struct age_histogram *histogram)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(dt)"));
	for (guint step = 0; step < AGE_HISTOGRAM_STEPS; step++) {
		double from = step == 0 ? 0.0 : (double)(G_GUINT64_CONSTANT(1) << (step - 1));

		g_variant_builder_add(&builder, "(dt)", from, to_bytes(histogram->pages[step]));
	}
	return g_variant_builder_end(&builder);
}

static GVariant *merge_counts(const struct merge_counts *counts)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_pages(&dict, "accessed", counts->accessed);
	add_pages(&dict, "accessed-by-host-alone", counts->host_accessed);
	add_pages(&dict, "idle", counts->idle);
	add_pages(&dict, "free-idle", counts->free_idle);
	add_pages(&dict, "kernel-idle", counts->kernel_idle);
	add_pages(&dict, "anon-idle", counts->anon_idle);
	add_pages(&dict, "accessed-but-guest-free", counts->accessed_but_guest_free);
	add_pages(&dict, "accessed-but-guest-idle", counts->accessed_but_guest_idle);
	add_pages(&dict, "idle-but-guest-accessed", counts->idle_but_guest_accessed);
	add_pages(&dict, "large-accessed", counts->large_accessed * PAGE_MAP_LEAF_PAGES);
	add_pages(&dict, "large-sparse", counts->large_sparse * PAGE_MAP_LEAF_PAGES);
	add_pages(&dict, "large-unexplained", counts->large_unexplained * PAGE_MAP_LEAF_PAGES);
	return g_variant_dict_end(&dict);
}

static GVariant *classes(const struct class_counts *counts)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	for (guint i = 0; i < PAGE_CLASSES; i++)
		add_pages(&dict, page_class_name((enum page_class)i), counts->pages[i]);
	return g_variant_dict_end(&dict);
}

/* Each age that pages have: how long it has lasted at least, and their bytes. */
static GVariant *ages(const struct vm_figures *figures)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(dt)"));
	for (guint age = 0; age < VM_FIGURES_AGES; age++)
		if (figures->age_pages[age] > 0)
			g_variant_builder_add(&builder, "(dt)", figures->age_seconds[age],
					      to_bytes(figures->age_pages[age]));
	return g_variant_builder_end(&builder);
}

static void add_figures(GVariantDict *dict, const struct vm_figures *figures, gint64 monotonic_us)
{
	add_seconds(dict, "window", figures->window_seconds);
	add_seconds(dict, "scan-time", figures->scan_seconds);
	add_seconds(dict, "data-age", (double)(monotonic_us - figures->monotonic_us) / 1e6);
	g_variant_dict_insert_value(dict, "histogram", histogram(&figures->histogram));
	add_pages(dict, "holes", figures->histogram.holes);
	add_pages(dict, "untouched", figures->untouched_pages);
	add_seconds(dict, "watched", figures->watched_seconds);
	g_variant_dict_insert_value(dict, "ages", ages(figures));
	g_variant_dict_insert_value(dict, "classes", classes(&figures->classes));
	g_variant_dict_insert_value(dict, "merge", merge_counts(&figures->counts));
}

static GVariant *sources(const struct vm_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("as"));
	if (snapshot->host_source != NULL)
		g_variant_builder_add(&builder, "s", snapshot->host_source);
	if (snapshot->agent.used)
		g_variant_builder_add(&builder, "s", "agent");
	return g_variant_builder_end(&builder);
}

/* What the guest's kernel lets its agent tell of idle memory: of each page, of each cgroup, or not at all. */
static const char *agent_data(guint32 capabilities)
{
	if (capabilities & VMHEAT_GUEST_HAS_PAGE_IDLE)
		return "page_idle";
	if (capabilities & VMHEAT_GUEST_HAS_LRU_GEN)
		return "lru_gen";
	return "none";
}

/* One a cgroup, the most idle first; the one without an id stands for all others. */
static GVariant *cgroups(const GArray *array)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < array->len; i++) {
		const struct guest_cgroup *cgroup = &g_array_index(array, struct guest_cgroup, i);
		const struct vmheat_cgroup *pages = &cgroup->pages;
		GVariantDict dict;

		g_variant_dict_init(&dict, NULL);
		add_count(&dict, "id", pages->id);
		if (pages->id == 0)
			add_text(&dict, "path", "other");
		else if (cgroup->path[0] != '\0')
			add_text(&dict, "path", cgroup->path);
		add_pages(&dict, "idle", pages->idle_anon_pages + pages->idle_file_pages);
		add_pages(&dict, "idle-anon", pages->idle_anon_pages);
		add_pages(&dict, "idle-file", pages->idle_file_pages);
		add_pages(&dict, "idle-unmapped", pages->idle_unmapped_pages);
		add_pages(&dict, "accessed-anon", pages->accessed_anon_pages);
		add_pages(&dict, "accessed-file", pages->accessed_file_pages);
		add_pages(&dict, "unknown", pages->unknown_pages);
		g_variant_builder_add_value(&builder, g_variant_dict_end(&dict));
	}
	return g_variant_builder_end(&builder);
}

static GVariant *agent(const struct vm_agent_report *report)
{
	const struct guest_stream_counts *counts = &report->counts;
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_flag(&dict, "channel", report->channel);
	add_flag(&dict, "used", report->used);
	add_seconds(&dict, "window", report->window_seconds);
	add_count(&dict, "bytes", counts->bytes);
	add_count(&dict, "frames", counts->frames);
	add_count(&dict, "bad-frames", counts->bad_frames);
	add_count(&dict, "stale-frames", counts->stale_frames);
	add_count(&dict, "skipped-bytes", counts->skipped_bytes);
	add_count(&dict, "foreign-pages", counts->foreign_pages);
	add_count(&dict, "excess-cgroups", counts->excess_cgroups);
	if (report->answered) {
		add_text(&dict, "data", agent_data(report->capabilities));
		add_flag(&dict, "over-budget", (report->end.flags & VMHEAT_SCAN_OVER_BUDGET) != 0);
		add_seconds(&dict, "cpu-time", (double)report->end.cpu_ns / 1e9);
	}
	return g_variant_dict_end(&dict);
}

/* The guest's own counters, since its boot. */
static GVariant *guest(const struct vmheat_scan_end *end)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_seconds(&dict, "scan-time", (double)end->scan_ns / 1e9);
	add_pages(&dict, "swap-in", end->swap_in_pages);
	add_pages(&dict, "swap-out", end->swap_out_pages);
	add_pages(&dict, "refault", end->refault_pages);
	add_count(&dict, "major-faults", end->major_faults);
	add_count(&dict, "oom-kills", end->oom_kills);
	add_seconds(&dict, "memory-stall", (double)end->memory_stall_us / 1e6);
	add_count(&dict, "total", end->memory_total_kib * 1024);
	add_count(&dict, "free", end->memory_free_kib * 1024);
	add_count(&dict, "usable", end->memory_usable_kib * 1024);
	add_count(&dict, "swap-free", end->swap_free_kib * 1024);
	return g_variant_dict_end(&dict);
}

static GVariant *pressure(const struct guest_pressure *values)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_pages(&dict, "swap-in", values->swap_in_pages);
	add_pages(&dict, "refault", values->refault_pages);
	add_count(&dict, "oom-kills", values->oom_kills);
	g_variant_dict_insert(&dict, "memory-stall-share", "d", values->memory_stall_share);
	return g_variant_dict_end(&dict);
}

static GVariant *plan(const struct vm_snapshot *snapshot)
{
	const struct resize_decision *resize = &snapshot->resize;
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_text(&dict, "resize", snapshot->resize_sentence);
	add_text(&dict, "placement", snapshot->placement_sentence);
	if (snapshot->resize_valid) {
		add_text(&dict, "reason", resize_reason_name(resize->reason));
		add_pages(&dict, "target", resize->target_pages);
		add_pages(&dict, "goal", resize->goal_pages);
		add_pages(&dict, "kept", resize->kept_pages);
		add_pages(&dict, "headroom", resize->headroom_pages);
		add_pages(&dict, "frees", snapshot->frees_pages);
	}
	if (snapshot->step_valid)
		add_text(&dict, "device", resize_device_name(snapshot->step.device));
	if (snapshot->placement_valid) {
		g_variant_dict_insert(&dict, "hot-age-windows", "u", (guint32)snapshot->policy.hot_age);
		g_variant_dict_insert(&dict, "cold-age-windows", "u", (guint32)snapshot->policy.cold_age);
	}
	return g_variant_dict_end(&dict);
}

/* One a device. */
static GVariant *virtio_mems(const struct domain_memory *memory)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < memory->virtio_mem_count; i++) {
		const struct virtio_mem *device = &memory->virtio_mems[i];
		GVariantDict dict;

		g_variant_dict_init(&dict, NULL);
		add_text(&dict, "alias", device->alias);
		g_variant_dict_insert(&dict, "node", "u", (guint32)device->node);
		add_pages(&dict, "block", device->size.block_pages);
		add_pages(&dict, "maximum", device->size.size_pages);
		add_pages(&dict, "requested", device->size.requested_pages);
		add_pages(&dict, "plugged", device->size.current_pages);
		g_variant_builder_add_value(&builder, g_variant_dict_end(&dict));
	}
	return g_variant_builder_end(&builder);
}

static void add_moves(GVariantDict *dict, const struct page_move_result *moves)
{
	add_pages(dict, "wanted", moves->wanted);
	add_pages(dict, "moved", moves->moved);
	add_pages(dict, "busy", moves->busy);
	add_pages(dict, "refused", moves->refused);
	add_pages(dict, "no-memory", moves->no_memory);
	add_pages(dict, "absent", moves->absent);
	add_pages(dict, "hidden", moves->hidden);
	add_pages(dict, "other", moves->other);
	add_pages(dict, "left", moves->left);
	add_pages(dict, "cold", moves->cold);
	add_pages(dict, "cold-far", moves->cold_far);
	add_pages(dict, "hot", moves->hot);
	add_pages(dict, "hot-near", moves->hot_near);
}

static GVariant *placement(const struct vm_snapshot *snapshot)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "near-node", "u", (guint32)snapshot->nodes.near_node);
	g_variant_dict_insert(&dict, "far-node", "u", (guint32)snapshot->nodes.far_node);
	add_moves(&dict, &snapshot->placement);
	return g_variant_dict_end(&dict);
}

GVariant *vm_variant_act(const struct vm_act *act)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_seconds(&dict, "time", (double)act->real_us / 1e6);
	if (act->resize_asked) {
		add_text(&dict, "device", resize_device_name(act->step.device));
		add_pages(&dict, "from", act->step.from_pages);
		add_pages(&dict, "to", act->step.to_pages);
	}
	if (act->moves_done)
		add_moves(&dict, &act->moves);
	add_text(&dict, "failure", act->failure);
	return g_variant_dict_end(&dict);
}

static GVariant *settings_table(const struct vm_settings *settings)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
	for (gsize i = 0; i < vm_setting_count; i++) {
		g_autofree char *value = setting_format(&vm_setting_table[i], settings);

		g_variant_builder_add(&builder, "{ss}", vm_setting_table[i].key, value);
	}
	return g_variant_builder_end(&builder);
}

GVariant *vm_variant_full(const struct vm_snapshot *snapshot, const struct vm_settings *settings,
			  const char *problem, gint64 monotonic_us)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_summary(&dict, snapshot, settings);
	g_variant_dict_insert_value(&dict, "settings", settings_table(settings));
	add_text(&dict, "settings-problem", problem);
	if (snapshot->memory.virtio_mem_count > 0)
		g_variant_dict_insert_value(&dict, "virtio-mem", virtio_mems(&snapshot->memory));
	if (snapshot->maximum_pages != 0)
		add_flag(&dict, "free-page-reporting", snapshot->free_page_reporting);
	if (snapshot->free_page_reporting && snapshot->figures_valid)
		add_pages(&dict, "not-on-host", snapshot->reported_pages);
	g_variant_dict_insert_value(&dict, "sources", sources(snapshot));
	add_text(&dict, "quality", snapshot->quality);
	if (snapshot->figures_valid)
		add_figures(&dict, &snapshot->figures, monotonic_us);
	g_variant_dict_insert_value(&dict, "agent", agent(&snapshot->agent));
	if (snapshot->agent.answered)
		g_variant_dict_insert_value(&dict, "guest", guest(&snapshot->agent.end));
	if (snapshot->agent.cgroups != NULL)
		g_variant_dict_insert_value(&dict, "cgroups", cgroups(snapshot->agent.cgroups));
	if (snapshot->pressure_valid)
		g_variant_dict_insert_value(&dict, "pressure", pressure(&snapshot->pressure));
	if (snapshot->resize_sentence != NULL)
		g_variant_dict_insert_value(&dict, "plan", plan(snapshot));
	if (snapshot->placement_valid)
		g_variant_dict_insert_value(&dict, "placement", placement(snapshot));
	if (snapshot->last_act.real_us != 0)
		g_variant_dict_insert_value(&dict, "last-act", vm_variant_act(&snapshot->last_act));
	return g_variant_dict_end(&dict);
}

GVariant *vm_variant_runs(const GArray *runs)
{
	/* A tuple of fixed size: the structure is its serial form, so that a large map is one copy. */
	G_STATIC_ASSERT(sizeof(struct vm_run) == 32);
	return g_variant_new_fixed_array(G_VARIANT_TYPE("(ttty)"), runs->data, runs->len,
					 sizeof(struct vm_run));
}

GVariant *vm_variant_windows(const GArray *windows)
{
	return g_variant_new_fixed_array(G_VARIANT_TYPE_DOUBLE, windows->data, windows->len, sizeof(double));
}
