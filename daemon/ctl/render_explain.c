/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_explain.c - one function a decision
 */
#include "render_explain.h"
#include <string.h>
#include "lookup.h"

static void add(GPtrArray *sentences, const char *subject, const char *text)
{
	if (text != NULL)
		g_ptr_array_add(sentences, g_strdup_printf("%s: %s.", subject, text));
}

/* Whether it is looked at, and if not, why. */
static void add_state(GPtrArray *sentences, GVariant *vm)
{
	const char *state = text_of(vm, "state"), *reason = text_of(vm, "state-reason");
	g_autofree char *text = NULL;
	guint64 windows = 0;

	g_variant_lookup(vm, "windows", "t", &windows);
	if (state != NULL && reason != NULL)
		text = g_strdup_printf("%s, because %s", state, reason);
	else if (state != NULL)
		text = g_strdup_printf("%s, %" G_GUINT64_FORMAT " windows of data so far", state, windows);
	add(sentences, "state", text);
}

static void add_mode(GPtrArray *sentences, GVariant *vm)
{
	static const char *const modes[] = { "observe", "dry-run", "act" };
	static const char *const meanings[] = { "observe: it is measured, and nothing is planned",
						"dry-run: what would be done is shown, and not done",
						"act: what is planned is done" };
	const char *mode = text_of(vm, "mode");

	for (gsize i = 0; mode != NULL && i < G_N_ELEMENTS(modes); i++)
		if (strcmp(mode, modes[i]) == 0)
			add(sentences, "mode", meanings[i]);
}

static void add_working_set(GPtrArray *sentences, GVariant *vm)
{
	g_autofree char *size = size_of(vm, "working-set"), *age = seconds_of(vm, "working-set-age");
	g_autofree char *host_only = size_of(vm, "working-set-host-only");
	g_autofree char *estimate = size_of(vm, "working-set-estimate");
	g_autofree char *text = NULL;

	if (size == NULL || age == NULL || host_only == NULL || estimate == NULL)
		return;
	text = g_strdup_printf(
		"%s were accessed in the last %s, %s by the host's data alone; acts are based on the "
		"estimate of %s, which rises at once and falls slowly",
		size, age, host_only, estimate);
	add(sentences, "working set", text);
}

static void add_last_act(GPtrArray *sentences, GVariant *acts)
{
	gsize count = acts == NULL ? 0 : g_variant_n_children(acts);
	g_autoptr(GVariant) act = count == 0 ? NULL : g_variant_get_child_value(acts, count - 1);
	const char *note = text_of(act, "note");
	g_autofree char *text = NULL;
	guint64 number;

	if (act == NULL || !g_variant_lookup(act, "act", "t", &number) || text_of(act, "state") == NULL)
		return;
	text = g_strdup_printf("act %" G_GUINT64_FORMAT ", %s%s%s%s: %s", number, text_of(act, "state"),
			       note != NULL ? " (" : "", note != NULL ? note : "", note != NULL ? ")" : "",
			       text_of(act, "why") != NULL ? text_of(act, "why") : "no reason was written");
	add(sentences, "last act", text);
}

char **render_explain(GVariant *vm, GVariant *acts)
{
	g_autoptr(GVariant) plan = g_variant_lookup_value(vm, "plan", G_VARIANT_TYPE_VARDICT);
	g_autoptr(GVariant) last_act = g_variant_lookup_value(vm, "last-act", G_VARIANT_TYPE_VARDICT);
	GPtrArray *sentences = g_ptr_array_new();

	add_state(sentences, vm);
	add_mode(sentences, vm);
	add(sentences, "settings", text_of(vm, "settings-problem"));
	add(sentences, "data", text_of(vm, "quality"));
	add_working_set(sentences, vm);
	add(sentences, "size", text_of(plan, "resize"));
	add(sentences, "placement", text_of(plan, "placement"));
	add(sentences, "not done", text_of(last_act, "failure"));
	add_last_act(sentences, acts);
	g_ptr_array_add(sentences, NULL);
	return (char **)g_ptr_array_free(sentences, FALSE);
}
