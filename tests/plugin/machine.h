/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.h - a QEMU with the plugin and the test guest (guest.h), whose memory its caller has too
 *
 * Each piece of its memory is a file of no name, mapped here as well. So commands, page tables and what is read
 * and called are put there without the guest's help, and the plugin sees nothing of that.
 */
#ifndef PLUGIN_MACHINE_H
#define PLUGIN_MACHINE_H

#include <glib.h>
#include <sys/types.h>
#include "guest.h"

#define PAGE	   4096u
#define PIECES_MAX 3
#define MIB	   ((guint64)1048576)

/** A piece of memory: of boot memory, one NUMA node's; or a DIMM. */
struct piece {
	guint64 bytes;
	gboolean is_dimm; /* plugged later */
	guint64 gfn;	  /* of a DIMM: of its first page */
	int fd;
	guint8 *data;
};

struct machine {
	gsize piece_count;
	struct piece pieces[PIECES_MAX];
	guint64 low_bytes; /* boot memory below the PCI hole; the rest of it is from 4 GiB on */
	pid_t pid;	   /* of QEMU; 0: it does not run */
	char *map;	   /* the plugin's file */
	char *monitor;	   /* QEMU's monitor socket */
};

/**
 * machine_new() - with pieces of so many MiB (0: not there), and one more for a DIMM. @folder is for its files.
 */
struct machine *machine_new(const char *folder, const guint64 *pieces_mib, guint64 dimm_mib);
void machine_free(struct machine *machine);

/**
 * machine_start() - run @qemu with it, and wait until both processors wait for commands
 * @extra: further arguments, NULL at the end
 *
 * Return: FALSE if it did not come to that.
 */
gboolean machine_start(struct machine *machine, const char *qemu, const char *const *extra);

/**
 * machine_run_qemu() - only start the process.
 *
 * Return: its number. What it writes to stderr goes to @log; NULL: to ours.
 */
pid_t machine_run_qemu(const struct machine *machine, const char *qemu, const char *const *extra,
		       const char *log);

/** machine_stop() - kill QEMU. */
void machine_stop(struct machine *machine);

/** machine_plug() - plug the DIMM where the guest has nothing else. */
gboolean machine_plug(struct machine *machine, guint64 gfn);

/** machine_page() - page @gfn of the guest; NULL if there is none. */
guint8 *machine_page(const struct machine *machine, guint64 gfn);

/** machine_mailbox() - a word of a processor's mailbox. */
volatile guint64 *machine_mailbox(const struct machine *machine, guint processor, guint64 offset);

/** machine_wait_done() - until all processors have carried out their commands. FALSE after 20 seconds. */
gboolean machine_wait_done(const struct machine *machine);

#endif /* PLUGIN_MACHINE_H */
