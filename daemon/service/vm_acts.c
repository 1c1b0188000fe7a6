/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_acts.c - resizes and moves by way of the journal, see vm_acts.h
 */
#include "vm_acts.h"
#include <string.h>
#include "memory_actuator.h"
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

gboolean vm_acts_resize(struct vm_acts *acts, const struct domain *domain, const struct resize_step *step,
			const char *alias, const char *why, GError **error)
{
	enum act_kind kind = step->device == RESIZE_BALLOON ? ACT_KIND_BALLOON : ACT_KIND_VIRTIO_MEM;
	struct act_record record = record_of(acts, domain, kind, why);

	record.from = to_bytes(step->from_pages);
	record.to = to_bytes(step->to_pages);
	record.device = (char *)alias;
	if (!act_journal_propose(acts->journal, &record, step->to_pages < step->from_pages, error))
		return FALSE;
	acts->number = record.number;
	acts->windows = 0;
	if (!memory_actuator_of(step->device)->set(domain, alias, step->to_pages, error))
		return FALSE;
	/* If this cannot be written, the act counts as cut off, which is safe. */
	(void)act_journal_note(acts->journal, record.number, ACT_APPLIED, 0, NULL, NULL);
	return TRUE;
}

/* The index of the virtio-mem device @alias; the number of devices if there is none. */
static guint find_virtio_mem(const struct domain_memory *memory, const char *alias)
{
	guint index = 0;

	while (index < memory->virtio_mem_count && strcmp(memory->virtio_mems[index].alias, alias) != 0)
		index++;
	return index;
}

void vm_acts_find_moving(const struct vm_acts *acts, const struct domain_memory *memory,
			 struct resize_devices *devices)
{
	struct act_record record;

	devices->moving = act_journal_find_open(acts->journal, acts->uuid, ACT_KIND_BALLOON, &record);
	if (!devices->moving)
		return;
	devices->moving_device = record.kind == ACT_KIND_BALLOON ? RESIZE_BALLOON : RESIZE_VIRTIO_MEM;
	if (record.kind == ACT_KIND_VIRTIO_MEM)
		devices->moving_index = find_virtio_mem(memory, record.device);
	act_record_clear(&record);
}

/* An open resize, and what is known of its device. In pages. */
struct open_resize {
	struct act_record record;
	enum resize_device device;
	gboolean device_gone;
	guint64 block_pages;  /* its size is a multiple of this */
	guint64 others_pages; /* that the guest has besides */
	struct resize_act_view view;
};

/* Look at the balloon that is resized. */
static void view_balloon(struct open_resize *resize, const struct domain *domain,
			 const struct domain_memory *memory, guint64 floor)
{
	resize->device = RESIZE_BALLOON;
	resize->block_pages = 1;
	resize->view.current_pages = MIN(memory->balloon_pages, domain->boot_pages);
	resize->view.maximum_pages = domain->boot_pages;
	resize->view.floor_pages = floor;
	resize->others_pages = domain_memory_size(memory) - memory->balloon_pages;
}

/* Look at the virtio-mem device that is resized. One that is gone is as one of another process: nothing is left to undo. */
static void view_virtio_mem(struct open_resize *resize, const struct domain_memory *memory, guint64 floor)
{
	guint index = find_virtio_mem(memory, resize->record.device);
	const struct virtio_mem_size *size;

	resize->device = RESIZE_VIRTIO_MEM;
	if (index == memory->virtio_mem_count) {
		resize->device_gone = TRUE;
		resize->view.same_process = FALSE;
		return;
	}
	size = &memory->virtio_mems[index].size;
	resize->block_pages = size->block_pages;
	resize->others_pages = domain_memory_size(memory) - size->current_pages;
	resize->view.current_pages = size->current_pages;
	resize->view.maximum_pages = size->size_pages;
	resize->view.floor_pages = virtio_mem_least(size, resize->others_pages, floor);
}

/* Look at the open resize, and count the windows that it has had. */
static gboolean view_resize(struct vm_acts *acts, const struct domain *domain, guint64 floor,
			    struct open_resize *resize, GError **error)
{
	const struct act_record *record = &resize->record;
	struct domain_memory memory;
	gboolean paused;

	if (!domain_memory(domain, &memory, error) || !domain_is_paused(domain, &paused, error))
		return FALSE;
	if (acts->number != record->number) {
		acts->number = record->number;
		acts->windows = 0;
	}
	acts->windows += !paused;
	resize->view = (struct resize_act_view){
		.state = record->state,
		.cut_off = record->cut_off,
		.same_process = record->pid == domain->pid && record->pid_start == domain->pid_start_time,
		.paused = paused,
		.from_pages = to_pages(record->from),
		.to_pages = to_pages(record->to),
		.windows = acts->windows,
	};
	if (record->kind == ACT_KIND_BALLOON)
		view_balloon(resize, domain, &memory, floor);
	else
		view_virtio_mem(resize, &memory, floor);
	return TRUE;
}

/* Begin the act that undoes the open one. */
static gboolean undo_resize(struct vm_acts *acts, const struct domain *domain,
			    const struct open_resize *resize, guint64 undo, guint64 *stands, GError **error)
{
	const struct resize_act_view *view = &resize->view;
	gboolean cut_off = view->cut_off || view->state == ACT_PROPOSED;
	guint64 odd = undo % resize->block_pages;
	struct resize_step step = { .device = resize->device,
				    .from_pages = view->current_pages,
				    .to_pages = odd == 0 ? undo : undo - odd + resize->block_pages };
	g_autofree char *why = g_strdup_printf(
		"undo act %" G_GUINT64_FORMAT " (%.0f to %.0f MiB by the %s): %s", resize->record.number,
		to_mib(view->from_pages), to_mib(view->to_pages), resize_device_name(resize->device),
		cut_off ? CUT_OFF : "the guest does not get there");

	g_message("%s: %s", domain->name, why);
	*stands = resize->others_pages + step.to_pages;
	return vm_acts_resize(acts, domain, &step, resize->record.device, why, error);
}

/* Carry out what was judged of the open resize. */
static gboolean end_resize(struct vm_acts *acts, const struct domain *domain,
			   const struct open_resize *resize, enum resize_act_verdict verdict, guint64 undo,
			   guint64 *stands, GError **error)
{
	const struct resize_act_view *view = &resize->view;
	guint64 number = resize->record.number;
	gboolean cut_off = view->cut_off || view->state == ACT_PROPOSED;

	switch (verdict) {
	case RESIZE_ACT_VERIFIED:
		return act_journal_note(acts->journal, number, ACT_VERIFIED, 0,
					cut_off ? CUT_OFF ": it has arrived" : NULL, error);
	case RESIZE_ACT_GRANTED:
		return act_journal_note(acts->journal, number, ACT_VERIFIED, 0,
					"the guest may grow, and has not taken all of it yet", error);
	case RESIZE_ACT_GONE:
		return act_journal_note(acts->journal, number, ACT_ROLLED_BACK, 0,
					resize->device_gone
						? "the device was unplugged: nothing is left to undo"
						: "the VM was started anew: nothing is left to undo",
					error);
	case RESIZE_ACT_ASK_AGAIN:
		*stands = resize->others_pages + view->to_pages;
		acts->windows = 0;
		return memory_actuator_of(resize->device)
			       ->set(domain, resize->record.device, view->to_pages, error) &&
		       act_journal_note(acts->journal, number, ACT_APPLIED, 0, CUT_OFF ": asked for again",
					error);
	case RESIZE_ACT_UNDO:
		return undo_resize(acts, domain, resize, undo, stands, error);
	default:
		return TRUE;
	}
}

static gboolean settle_resize(struct vm_acts *acts, const struct domain *domain, guint64 floor,
			      guint64 *stands, GError **error)
{
	struct open_resize resize = { .block_pages = 1 };
	enum resize_act_verdict verdict;
	guint64 undo;
	gboolean good;

	if (!act_journal_find_open(acts->journal, acts->uuid, ACT_KIND_BALLOON, &resize.record))
		return TRUE;
	good = view_resize(acts, domain, floor, &resize, error);
	if (good) {
		verdict = resize_act_judge(&resize.view, &undo);
		good = end_resize(acts, domain, &resize, verdict, undo, stands, error);
	}
	act_record_clear(&resize.record);
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
