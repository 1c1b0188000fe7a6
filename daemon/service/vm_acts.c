/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_acts.c - resizes and moves by way of the journal, see vm_acts.h
 */
#include "vm_acts.h"
#include <string.h>
#include "page_units.h"

#define CUT_OFF "the daemon ended, or libvirt did not answer, while the guest was on its way"

/* A record of @domain. Its strings are borrowed. */
static struct act_record record_of(const struct vm_acts *acts, const struct domain *domain,
				   enum act_kind kind, const char *why)
{
	return (struct act_record){ .kind = kind,
				    .vm = domain->name,
				    .uuid = (char *)acts->uuid,
				    .pid = domain->pid,
				    .pid_start = domain->pid_start_time,
				    .why = (char *)why };
}

gboolean vm_acts_resize(struct vm_acts *acts, const struct domain *domain, guint64 from, guint64 to,
			const char *why, GError **error)
{
	struct act_record record = record_of(acts, domain, ACT_KIND_BALLOON, why);

	record.from = to_bytes(from);
	record.to = to_bytes(to);
	if (!act_journal_propose(acts->journal, &record, to < from, error))
		return FALSE;
	acts->number = record.number;
	acts->windows = 0;
	if (!balloon_set(domain, to, error))
		return FALSE;
	/* If this cannot be written, the act counts as cut off, which is safe. */
	(void)act_journal_note(acts->journal, record.number, ACT_APPLIED, 0, NULL, NULL);
	return TRUE;
}

/* Look at the open resize @record, and count the windows that it has had. */
static gboolean view_resize(struct vm_acts *acts, const struct domain *domain, guint64 floor,
			    const struct act_record *record, struct resize_act_view *view, GError **error)
{
	struct domain_memory memory;
	gboolean paused;

	if (!domain_memory(domain, &memory, error) || !domain_is_paused(domain, &paused, error))
		return FALSE;
	if (acts->number != record->number) {
		acts->number = record->number;
		acts->windows = 0;
	}
	acts->windows += !paused;
	*view = (struct resize_act_view){
		.state = record->state,
		.cut_off = record->cut_off,
		.same_process = record->pid == domain->pid && record->pid_start == domain->pid_start_time,
		.paused = paused,
		.from_pages = to_pages(record->from),
		.to_pages = to_pages(record->to),
		.current_pages = MIN(memory.balloon_pages, domain->maximum_pages),
		.floor_pages = floor,
		.maximum_pages = domain->maximum_pages,
		.windows = acts->windows,
	};
	return TRUE;
}

/* Carry out what was judged of the open resize @record. */
static gboolean end_resize(struct vm_acts *acts, const struct domain *domain, const struct act_record *record,
			   const struct resize_act_view *view, enum resize_act_verdict verdict, guint64 undo,
			   guint64 *stands, GError **error)
{
	g_autofree char *why = NULL;
	gboolean cut_off = view->cut_off || view->state == ACT_PROPOSED;

	switch (verdict) {
	case RESIZE_ACT_VERIFIED:
		return act_journal_note(acts->journal, record->number, ACT_VERIFIED, 0,
					cut_off ? CUT_OFF ": it has arrived" : NULL, error);
	case RESIZE_ACT_GRANTED:
		return act_journal_note(acts->journal, record->number, ACT_VERIFIED, 0,
					"the guest may grow, and has not taken all of it yet", error);
	case RESIZE_ACT_GONE:
		return act_journal_note(acts->journal, record->number, ACT_ROLLED_BACK, 0,
					"the VM was started anew: nothing is left to undo", error);
	case RESIZE_ACT_ASK_AGAIN:
		*stands = view->to_pages;
		acts->windows = 0;
		return balloon_set(domain, view->to_pages, error) &&
		       act_journal_note(acts->journal, record->number, ACT_APPLIED, 0,
					CUT_OFF ": asked for again", error);
	case RESIZE_ACT_UNDO:
		why = g_strdup_printf("undo act %" G_GUINT64_FORMAT " (%.0f to %.0f MiB): %s", record->number,
				      to_mib(view->from_pages), to_mib(view->to_pages),
				      cut_off ? CUT_OFF : "the guest does not get there");
		g_message("%s: %s", domain->name, why);
		*stands = undo;
		return vm_acts_resize(acts, domain, view->current_pages, undo, why, error);
	default:
		return TRUE;
	}
}

static gboolean settle_resize(struct vm_acts *acts, const struct domain *domain, guint64 floor,
			      guint64 *stands, GError **error)
{
	struct resize_act_view view;
	struct act_record record;
	enum resize_act_verdict verdict;
	guint64 undo;
	gboolean good;

	if (!act_journal_find_open(acts->journal, acts->uuid, ACT_KIND_BALLOON, &record))
		return TRUE;
	good = view_resize(acts, domain, floor, &record, &view, error);
	if (good) {
		verdict = resize_act_judge(&view, &undo);
		good = end_resize(acts, domain, &record, &view, verdict, undo, stands, error);
	}
	act_record_clear(&record);
	return good;
}

static gboolean settle_moves(struct vm_acts *acts, GError **error)
{
	struct act_record record;
	gboolean good;

	if (!act_journal_find_open(acts->journal, acts->uuid, ACT_KIND_MOVES, &record))
		return TRUE;
	good = act_journal_note(acts->journal, record.number, ACT_VERIFIED, record.moved,
				"cut off: each page was moved whole or not at all", error);
	act_record_clear(&record);
	return good;
}

gboolean vm_acts_settle(struct vm_acts *acts, const struct domain *domain, guint64 floor, guint64 *stands,
			GError **error)
{
	*stands = 0;
	return settle_resize(acts, domain, floor, stands, error) && settle_moves(acts, error);
}

gboolean vm_acts_begin_moves(gpointer data, GError **error)
{
	const struct vm_acts_moves *moves = data;
	struct act_record record = record_of(moves->acts, moves->domain, ACT_KIND_MOVES, moves->why);

	record.limit = to_bytes(moves->limit);
	if (!act_journal_propose(moves->acts->journal, &record, FALSE, error))
		return FALSE;
	moves->acts->moves = record.number;
	return TRUE;
}

void vm_acts_end_moves(struct vm_acts *acts, guint64 moved, const char *note)
{
	if (acts->moves != 0)
		(void)act_journal_note(acts->journal, acts->moves, ACT_VERIFIED, to_bytes(moved), note, NULL);
	acts->moves = 0;
}

static gboolean is_other(const char *uuid, gpointer data)
{
	return strcmp(uuid, data) != 0;
}

void vm_acts_close(struct vm_acts *acts)
{
	act_journal_close_gone(acts->journal, is_other, (gpointer)acts->uuid);
}
