/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_journal.h - what the daemon does to VMs, on disk before it is done
 *
 * Theory of operation
 *
 * A folder holds the journal: acts.journal, to which lines are appended (act_record.h), acts.journal.1, the part before
 * it, and the lock. Each append is synced before the call returns. resize_act.h has the states of an act.
 *
 * - Bounded: when acts.journal has reached half the limit it becomes acts.journal.1, and the last record of each open act
 *   begins the new one. The new file is written and synced under a name of its own first, so that at every moment the two
 *   files together hold each open act.
 * - Torn: a line that was not written to its end is cut off when the journal is opened. An append that fails is cut
 *   off at once. Lines that are damaged or of an unknown kind are named in the log and skipped.
 * - No act without a record: where a record cannot be written, act_journal_propose() fails, and the caller does not
 *   act. The log hears of it once, and once more when it works again.
 * - What was taken can be given back: before an act that takes memory from a guest, room for the records of giving it
 *   back is set apart on the disk (fallocate), so that a disk that fills up later stops only what takes memory.
 * - One daemon: the lock belongs to who has the journal open.
 * - An act that replaces another says so in its own record: one line ends the one and begins the other, whatever dies
 *   in between. A VM has at most one open resize, by whatever device, and one open round of page moves.
 *
 * Any thread may call; calls wait for one another, and for the disk.
 */
#ifndef VMHEAT_SERVICE_ACT_JOURNAL_H
#define VMHEAT_SERVICE_ACT_JOURNAL_H

#include <glib.h>
#include "act_record.h"

struct act_journal;

enum act_journal_error {
	ACT_JOURNAL_ERROR_LOCKED,  /* another daemon has it open */
	ACT_JOURNAL_ERROR_DISK,	   /* it cannot be read or written */
	ACT_JOURNAL_ERROR_UNKNOWN, /* no such open act */
};
#define ACT_JOURNAL_ERROR (act_journal_error_quark())
GQuark act_journal_error_quark(void);

/**
 * act_journal_open() - read the journal in @folder, and what is open in it
 * @limit: bytes that its files may have together, about
 *
 * The folder is made if it is missing. NULL and ACT_JOURNAL_ERROR_LOCKED if another daemon has it. Where it cannot be
 * read or written the log hears why, and each later call tries again.
 */
struct act_journal *act_journal_open(const char *folder, guint64 limit, GError **error);
void act_journal_free(struct act_journal *journal);

/** act_journal_set_limit() - from the next append on. */
void act_journal_set_limit(struct act_journal *journal, guint64 limit);

/**
 * act_journal_propose() - write that an act is about to be done
 * @record: what; its number, times, state, and what it replaces are set here
 * @takes:  it takes memory from the guest
 *
 * Return: FALSE with an error of ACT_JOURNAL_ERROR: it must not be done.
 */
gboolean act_journal_propose(struct act_journal *journal, struct act_record *record, gboolean takes,
			     GError **error);

/**
 * act_journal_note() - write what became of an open act
 * @moved: of ACT_KIND_MOVES
 * @note:  may be NULL
 *
 * On failure the act stays as it was.
 */
gboolean act_journal_note(struct act_journal *journal, guint64 number, enum act_state state, guint64 moved,
			  const char *note, GError **error);

/**
 * act_journal_find_open() - copy the VM's open act
 * @kind: page moves, or any that is a resize
 *
 * FALSE: there is none. Clear @record.
 */
gboolean act_journal_find_open(struct act_journal *journal, const char *uuid, enum act_kind kind,
			       struct act_record *record);

/** act_journal_close_gone() - every open act of a VM for which @runs() is FALSE: nothing is left to undo. */
void act_journal_close_gone(struct act_journal *journal, gboolean (*runs)(const char *uuid, gpointer data),
			    gpointer data);

/**
 * act_journal_history() - the last record of each act, oldest first
 * @vm: only of the VM of this name; NULL: of all
 *
 * Replaced acts are told as rolled back. The array's elements are struct act_record; unref it.
 */
GArray *act_journal_history(struct act_journal *journal, const char *vm, GError **error);

#endif /* VMHEAT_SERVICE_ACT_JOURNAL_H */
