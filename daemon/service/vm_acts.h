/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_acts.h - one VM's acts, each by way of the journal
 *
 * Theory of operation
 *
 * Whatever is done to a VM is written before (act_journal.h), and what became of it after. A resize stays open until
 * vm_acts_settle() finds the guest where it was told to be; it is called once a tick, before anything else is done to
 * the VM, in every mode and with or without data: what an earlier daemon left open is ended first, as resize_act.h
 * says, by the device that it was begun with: the journal has its name, and a VM has one open resize at most. A device that is
 * gone was unplugged by somebody, with what it gave. A round of page moves is verified by the kernel's word at its end. One that was cut off is whole all the same:
 * a page is moved or it is not.
 */
#ifndef VMHEAT_SERVICE_VM_ACTS_H
#define VMHEAT_SERVICE_VM_ACTS_H

#include "act_journal.h"
#include "actuator.h"
#include "resize_device.h"

/** One VM's. Zero it, then set the first two, which must outlive it. */
struct vm_acts {
	struct act_journal *journal;
	const char *uuid;

	guint64 number; /* of the resize that the windows are of */
	guint windows;	/* since it was applied, without those in which the guest was paused */
	guint64 moves;	/* of the round of moves that runs; 0: none has begun */
};

/**
 * vm_acts_resize() - have a device give the guest step->to_pages
 * @alias: of a virtio-mem device; NULL for the balloon
 * @why:   one sentence, for the journal
 *
 * Return: FALSE if it was not done, with an error of ACT_JOURNAL_ERROR or of the device. In the latter case the act
 * stays open: nobody knows how far libvirt came.
 */
gboolean vm_acts_resize(struct vm_acts *acts, const struct domain *domain, const struct resize_step *step,
			const char *alias, const char *why, GError **error);

/**
 * vm_acts_find_moving() - note in @devices which of @memory's devices is on its way, by the journal
 */
void vm_acts_find_moving(const struct vm_acts *acts, const struct domain_memory *memory,
			 struct resize_devices *devices);

/**
 * vm_acts_settle() - see what became of the open acts
 * @floor:   in pages
 * @stands:  what the guest's size should be, in pages, if this had to tell a device; else 0
 *
 * Return: FALSE if that could not be found out or done; the next call tries again.
 */
gboolean vm_acts_settle(struct vm_acts *acts, const struct domain *domain, guint64 floor, guint64 *stands,
			GError **error);

/** A round of page moves. */
struct vm_acts_moves {
	struct vm_acts *acts;
	const struct domain *domain;
	guint64 limit; /* in pages */
	const char *why;
};

/** vm_acts_begin_moves() - write that pages are about to be moved; @data is a struct vm_acts_moves. */
gboolean vm_acts_begin_moves(gpointer data, GError **error);

/**
 * vm_acts_end_moves() - write what came of them, if they began
 * @moved: in pages
 * @note:  what failed; NULL if nothing did
 *
 * What cannot be written now is by vm_acts_settle().
 */
void vm_acts_end_moves(struct vm_acts *acts, guint64 moved, const char *note);

/** vm_acts_close() - the VM has ended: so have its acts. */
void vm_acts_close(struct vm_acts *acts);

#endif /* VMHEAT_SERVICE_VM_ACTS_H */
