/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_vm.c - one function a section
 */
#include "render_vm.h"
#include "format.h"
#include "lookup.h"

/* Width of the first column of a section. */
#define LABEL_WIDTH 16
#define BAR_WIDTH   30u

/* Cgroups of the guest that are shown; --json has them all. */
#define CGROUPS_SHOWN 10u

static guint64 count_of(GVariant *dict, const char *key)
{
	guint64 count = 0;

	g_variant_lookup(dict, key, "t", &count);
	return count;
}

static const char *or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

char *render_vm_list(GVariant *vms)
{
	static const char *const headings[] = { "NAME",	     "STATE",	  "MODE",	  ">SIZE",
						">MAXIMUM",  ">RESIDENT", ">WORKING SET", ">HOST ALONE",
						">ESTIMATE", "DATA" };
	struct text_table *table = text_table_new(headings, G_N_ELEMENTS(headings));
	g_autoptr(GString) reasons = g_string_new(NULL);
	g_autofree char *lines = NULL;
	GVariantIter iter;
	GVariant *vm;

	g_variant_iter_init(&iter, vms);
	while ((vm = g_variant_iter_next_value(&iter)) != NULL) {
		g_autofree char *size = size_of(vm, "size"), *maximum = size_of(vm, "maximum");
		g_autofree char *resident = size_of(vm, "resident");
		g_autofree char *working_set = size_of(vm, "working-set");
		g_autofree char *host_only = size_of(vm, "working-set-host-only");
		g_autofree char *estimate = size_of(vm, "working-set-estimate");
		const char *data = NULL, *reason = text_of(vm, "state-reason");
		gboolean guest_data;

		if (g_variant_lookup(vm, "guest-data", "b", &guest_data))
			data = guest_data ? "host + guest" : "host";
		text_table_add(table, (const char *const[]){ text_of(vm, "name"), text_of(vm, "state"),
							     text_of(vm, "mode"), size, maximum, resident,
							     working_set, host_only, estimate, data });
		if (reason != NULL)
			g_string_append_printf(reasons, "%s: %s\n", text_of(vm, "name"), reason);
		g_variant_unref(vm);
	}
	lines = text_table_render(table);
	text_table_free(table);
	return g_strconcat(lines, reasons->str, NULL);
}

static void append_line(GString *text, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void append_line(GString *text, const char *label, const char *format, ...)
{
	va_list arguments;

	g_string_append_printf(text, "  %-*s ", LABEL_WIDTH, label);
	va_start(arguments, format);
	g_string_append_vprintf(text, format, arguments);
	va_end(arguments);
	g_string_append_c(text, '\n');
}

static void append_identity(GString *text, GVariant *vm)
{
	guint32 pid;

	g_string_append_printf(text, "%s: %s\n", or_dash(text_of(vm, "name")), or_dash(text_of(vm, "state")));
	if (text_of(vm, "state-reason") != NULL)
		append_line(text, "reason", "%s", text_of(vm, "state-reason"));
	append_line(text, "uuid", "%s", or_dash(text_of(vm, "uuid")));
	if (g_variant_lookup(vm, "pid", "u", &pid))
		append_line(text, "process", "%u", pid);
	append_line(text, "mode", "%s", or_dash(text_of(vm, "mode")));
}

static void append_virtio_mem(GString *text, GVariant *device)
{
	g_autofree char *plugged = size_of(device, "plugged"), *requested = size_of(device, "requested");
	g_autofree char *maximum = size_of(device, "maximum"), *block = size_of(device, "block");
	guint32 node = 0;

	g_variant_lookup(device, "node", "u", &node);
	append_line(text, "virtio-mem", "%s plugged, %s requested, of %s in blocks of %s; %s, node %u",
		    or_dash(plugged), or_dash(requested), or_dash(maximum), or_dash(block),
		    or_dash(text_of(device, "alias")), node);
}

static void append_memory(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) devices = g_variant_lookup_value(vm, "virtio-mem", G_VARIANT_TYPE("aa{sv}"));
	g_autofree char *size = size_of(vm, "size"), *maximum = size_of(vm, "maximum");
	g_autofree char *balloon = size_of(vm, "balloon"), *resident = size_of(vm, "resident");
	g_autofree char *not_there = size_of(vm, "not-on-host");
	gsize count = devices == NULL ? 0 : g_variant_n_children(devices);
	gboolean reporting = FALSE;

	append_line(text, "size", "%s of %s, resident on the host %s", or_dash(size), or_dash(maximum),
		    or_dash(resident));
	if (count > 0)
		append_line(text, "balloon", "leaves %s of its boot memory", or_dash(balloon));
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) device = g_variant_get_child_value(devices, i);

		append_virtio_mem(text, device);
	}
	if (g_variant_lookup(vm, "free-page-reporting", "b", &reporting) && reporting)
		append_line(text, "free pages",
			    "reported, and holes on the host; of its size %s are not on the host: that, "
			    "shrinking cannot give to it",
			    or_dash(not_there));
}

static void append_working_set(GString *text, GVariant *vm)
{
	g_autofree char *size = size_of(vm, "working-set"), *age = seconds_of(vm, "working-set-age");
	g_autofree char *host_only = size_of(vm, "working-set-host-only");
	g_autofree char *estimate = size_of(vm, "working-set-estimate");
	g_autofree char *window = seconds_of(vm, "window"), *scan = seconds_of(vm, "scan-time");
	g_autofree char *data_age = seconds_of(vm, "data-age");

	if (text_of(vm, "quality") != NULL)
		append_line(text, "quality", "%s", text_of(vm, "quality"));
	if (size == NULL)
		return;
	append_line(text, "working set", "%s idle for less than %s; by the host's data alone %s", size,
		    or_dash(age), or_dash(host_only));
	append_line(text, "estimate", "%s", or_dash(estimate));
	append_line(text, "windows",
		    "%" G_GUINT64_FORMAT ", the last %s long, ended %s ago, its scan took %s",
		    count_of(vm, "windows"), or_dash(window), or_dash(data_age), or_dash(scan));
}

/* A label, a size, and a bar relative to @most. */
static void append_step(GString *text, const char *label, guint64 bytes, guint64 most)
{
	guint length = most == 0 ? 0 : (guint)((double)bytes / (double)most * BAR_WIDTH + 0.5);
	g_autofree char *size = format_size(bytes);
	g_autofree char *bar = NULL;

	/* Little is not nothing. */
	if (bytes > 0)
		length = MAX(length, 1);
	bar = g_strnfill(length, '#');
	g_string_append_printf(text, "  %-*s %11s%s%s\n", LABEL_WIDTH, label, size, length > 0 ? "  " : "",
			       bar);
}

/* Steps after the last with any memory are left out. */
static void append_histogram(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) steps = g_variant_lookup_value(vm, "histogram", G_VARIANT_TYPE("a(dt)"));
	gsize count = steps == NULL ? 0 : g_variant_n_children(steps), last = 0;
	guint64 holes = count_of(vm, "holes"), most = holes, bytes;
	double from, to;

	if (count == 0)
		return;
	for (gsize i = 0; i < count; i++) {
		g_variant_get_child(steps, i, "(dt)", NULL, &bytes);
		most = MAX(most, bytes);
		if (bytes > 0)
			last = i;
	}
	g_string_append(text, "ages\n");
	for (gsize i = 0; i <= last; i++) {
		g_autofree char *label = NULL;

		g_variant_get_child(steps, i, "(dt)", &from, &bytes);
		if (i + 1 < count) {
			g_variant_get_child(steps, i + 1, "(dt)", &to, NULL);
			label = g_strdup_printf("below %.0f s", to);
		} else {
			label = g_strdup_printf("%.0f s and over", from);
		}
		append_step(text, label, bytes, most);
	}
	append_step(text, "not mapped", holes, most);
}

/* What the memory is good for, hot first, and what was never used as long as somebody looked. */
static void append_classes(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) classes = g_variant_lookup_value(vm, "classes", G_VARIANT_TYPE_VARDICT);
	static const char *const keys[] = { "hot",	 "free",   "cold-file-clean", "cold-file-dirty",
					    "cold-anon", "kernel", "unknown" };
	g_autofree char *untouched = size_of(vm, "untouched");
	guint64 most = 0;

	if (classes == NULL)
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		most = MAX(most, count_of(classes, keys[i]));
	g_string_append(text, "classes\n");
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		append_step(text, keys[i], count_of(classes, keys[i]), most);
	append_line(text, "untouched", "%s mapped and never accessed since the first window",
		    or_dash(untouched));
}

static void append_merge(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) merge = g_variant_lookup_value(vm, "merge", G_VARIANT_TYPE_VARDICT);
	static const char *const keys[] = { "accessed",
					    "accessed-by-host-alone",
					    "idle",
					    "free-idle",
					    "kernel-idle",
					    "anon-idle",
					    "accessed-but-guest-free",
					    "accessed-but-guest-idle",
					    "idle-but-guest-accessed",
					    "large-accessed",
					    "large-sparse",
					    "large-unexplained" };
	static const char *const meanings[] = { "accessed",
						"by the host's data alone",
						"idle",
						"of it free in the guest",
						"of it the guest kernel's own",
						"of it anonymous",
						"accessed, but the guest says free",
						"accessed, but the guest says idle",
						"idle, but the guest says accessed",
						"accessed through large leaves",
						"of these leaves sparsely used",
						"of these not by the guest's word" };
	G_STATIC_ASSERT(G_N_ELEMENTS(keys) == G_N_ELEMENTS(meanings));

	if (merge == NULL)
		return;
	g_string_append(text, "last window\n");
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autofree char *size = size_of(merge, keys[i]);

		g_string_append_printf(text, "  %-34s %11s\n", meanings[i], or_dash(size));
	}
}

/* What its kernel lets it tell, and what that cost. */
static void append_agent_data(GString *text, GVariant *agent)
{
	static const char *const meanings[][2] = {
		{ "page_idle", "idle and accessed pages, by page_idle" },
		{ "lru_gen", "idle memory by cgroup alone, by the multi-generational LRU" },
		{ "none", "free pages and kinds alone: its kernel has no page_idle" },
	};
	const char *data = text_of(agent, "data");
	g_autofree char *cpu = seconds_of(agent, "cpu-time");
	gboolean over_budget = FALSE;

	g_variant_lookup(agent, "over-budget", "b", &over_budget);
	for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++)
		if (g_strcmp0(data, meanings[i][0]) == 0)
			append_line(text, "it tells", "%s", meanings[i][1]);
	if (over_budget)
		append_line(text, "its last scan", "left out: it has used what it may");
	else if (cpu != NULL)
		append_line(text, "its last scan", "%s of processor time", cpu);
}

/* The guest chose these names; that they are printable has been seen to where they came in. */
static void append_cgroups(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) cgroups = g_variant_lookup_value(vm, "cgroups", G_VARIANT_TYPE("aa{sv}"));
	static const char *const headings[] = { ">IDLE",      ">ANONYMOUS", ">PAGE CACHE", ">UNMAPPED",
						">ACC. ANON", ">ACC. FILE", "CGROUP" };
	gsize count = cgroups == NULL ? 0 : g_variant_n_children(cgroups);
	g_autofree char *lines = NULL;
	struct text_table *table;

	if (count == 0)
		return;
	table = text_table_new(headings, G_N_ELEMENTS(headings));
	for (gsize i = 0; i < MIN(count, CGROUPS_SHOWN); i++) {
		g_autoptr(GVariant) cgroup = g_variant_get_child_value(cgroups, i);
		g_autofree char *idle = size_of(cgroup, "idle"), *anon = size_of(cgroup, "idle-anon");
		g_autofree char *file = size_of(cgroup, "idle-file");
		g_autofree char *unmapped = size_of(cgroup, "idle-unmapped");
		g_autofree char *accessed_anon = size_of(cgroup, "accessed-anon");
		g_autofree char *accessed_file = size_of(cgroup, "accessed-file");

		text_table_add(table,
			       (const char *const[]){ idle, anon, file, unmapped, accessed_anon,
						      accessed_file, or_dash(text_of(cgroup, "path")) });
	}
	lines = text_table_render(table);
	text_table_free(table);
	g_string_append_printf(text, "cgroups of the guest, the most idle first\n%s", lines);
	if (count > CGROUPS_SHOWN)
		g_string_append_printf(text, "and %" G_GSIZE_FORMAT " more: --json\n", count - CGROUPS_SHOWN);
}

static void append_agent(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) agent = g_variant_lookup_value(vm, "agent", G_VARIANT_TYPE_VARDICT);
	g_autoptr(GVariant) guest = g_variant_lookup_value(vm, "guest", G_VARIANT_TYPE_VARDICT);
	gboolean channel = FALSE;

	if (agent != NULL && g_variant_lookup(agent, "channel", "b", &channel)) {
		g_string_append(text, "guest\n");
		append_line(text, "agent",
			    "%s; %" G_GUINT64_FORMAT " frames taken, dropped: %" G_GUINT64_FORMAT
			    " bad, %" G_GUINT64_FORMAT " stale, %" G_GUINT64_FORMAT
			    " bytes of garbage, %" G_GUINT64_FORMAT " foreign pages, %" G_GUINT64_FORMAT
			    " excess cgroups",
			    channel ? "has a channel" : "no channel", count_of(agent, "frames"),
			    count_of(agent, "bad-frames"), count_of(agent, "stale-frames"),
			    count_of(agent, "skipped-bytes"), count_of(agent, "foreign-pages"),
			    count_of(agent, "excess-cgroups"));
		append_agent_data(text, agent);
	}
	if (guest != NULL) {
		g_autofree char *total = size_of(guest, "total"), *usable = size_of(guest, "usable");
		g_autofree char *swap_free = size_of(guest, "swap-free");
		g_autofree char *swap_in = size_of(guest, "swap-in"), *refault = size_of(guest, "refault");
		g_autofree char *stall = seconds_of(guest, "memory-stall");

		append_line(text, "memory", "%s, of it usable %s; swap space left %s", or_dash(total),
			    or_dash(usable), or_dash(swap_free));
		append_line(text, "since its boot",
			    "swap-in %s, refaults %s, stalled %s, OOM kills %" G_GUINT64_FORMAT,
			    or_dash(swap_in), or_dash(refault), or_dash(stall), count_of(guest, "oom-kills"));
	}
}

static void append_moves(GString *text, GVariant *moves)
{
	static const char *const keys[] = { "busy",   "refused", "no-memory", "absent",
					    "hidden", "other",	 "left" };
	g_autofree char *cold = size_of(moves, "cold"), *cold_far = size_of(moves, "cold-far");
	g_autofree char *hot = size_of(moves, "hot"), *hot_near = size_of(moves, "hot-near");
	g_autofree char *wanted = size_of(moves, "wanted"), *moved = size_of(moves, "moved");

	append_line(text, "cold pages", "%s, of it on the far node %s", or_dash(cold), or_dash(cold_far));
	append_line(text, "hot pages", "%s, of it on the near node %s", or_dash(hot), or_dash(hot_near));
	append_line(text, "to be moved", "%s, moved %s", or_dash(wanted), or_dash(moved));
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autofree char *size = size_of(moves, keys[i]);

		if (count_of(moves, keys[i]) > 0)
			append_line(text, keys[i], "%s", size);
	}
}

static void append_plan(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) plan = g_variant_lookup_value(vm, "plan", G_VARIANT_TYPE_VARDICT);
	g_autoptr(GVariant) placement = g_variant_lookup_value(vm, "placement", G_VARIANT_TYPE_VARDICT);
	guint32 near, far;

	if (plan != NULL) {
		g_string_append(text, "plan\n");
		append_line(text, "size", "%s", or_dash(text_of(plan, "resize")));
		append_line(text, "placement", "%s", or_dash(text_of(plan, "placement")));
	}
	if (placement != NULL && g_variant_lookup(placement, "near-node", "u", &near) &&
	    g_variant_lookup(placement, "far-node", "u", &far)) {
		g_string_append_printf(text, "placement: near node %u, far node %u\n", near, far);
		append_moves(text, placement);
	}
}

char *render_act(GVariant *done)
{
	GString *text = g_string_new(NULL);
	g_autofree char *from = size_of(done, "from"), *to = size_of(done, "to");
	double time;

	if (g_variant_lookup(done, "time", "d", &time)) {
		g_autoptr(GDateTime) when = g_date_time_new_from_unix_local((gint64)time);
		g_autofree char *shown = g_date_time_format(when, "%F %T");

		append_line(text, "at", "%s", shown);
	}
	if (to != NULL)
		append_line(text, "size", "the %s was told to go from %s to %s",
			    or_dash(text_of(done, "device")), or_dash(from), to);
	else
		append_line(text, "size", "left as it is");
	if (g_variant_lookup(done, "moved", "t", NULL))
		append_moves(text, done);
	if (text_of(done, "failure") != NULL)
		append_line(text, "failed", "%s", text_of(done, "failure"));
	return g_string_free(text, FALSE);
}

static void append_settings(GString *text, GVariant *vm)
{
	g_autoptr(GVariant) settings = g_variant_lookup_value(vm, "settings", G_VARIANT_TYPE("a{ss}"));
	GVariantIter iter;
	const char *key, *value;

	if (settings == NULL)
		return;
	g_string_append(text, "settings\n");
	g_variant_iter_init(&iter, settings);
	while (g_variant_iter_next(&iter, "{&s&s}", &key, &value))
		append_line(text, key, "%s", value);
}

char *render_vm(GVariant *vm)
{
	g_autoptr(GVariant) last_act = g_variant_lookup_value(vm, "last-act", G_VARIANT_TYPE_VARDICT);
	GString *text = g_string_new(NULL);

	append_identity(text, vm);
	append_memory(text, vm);
	append_working_set(text, vm);
	append_histogram(text, vm);
	append_classes(text, vm);
	append_merge(text, vm);
	append_agent(text, vm);
	append_cgroups(text, vm);
	append_plan(text, vm);
	if (last_act != NULL) {
		g_autofree char *act = render_act(last_act);

		g_string_append_printf(text, "last act\n%s", act);
	}
	append_settings(text, vm);
	return g_string_free(text, FALSE);
}
