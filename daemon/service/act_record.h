/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_record.h - one line of the journal: what is known of one act at one moment
 *
 * A line is 16 hexadecimal digits, a blank and a JSON object. JSON because people and jq can read it, a reader skips
 * keys that it does not know, and json-glib does the parsing; the digits, the first of the object's SHA-256, because
 * the daemon acts on what it reads there, and a size with a flipped digit would still be JSON. Each record is complete:
 * the last one of an act says all there is to say, so older ones may be lost.
 *
 * Keys: act (number, from 1, never used twice), state, time (of this record, microseconds since 1970), begun (of the
 * first), kind, vm, uuid, pid and start (QEMU's process, start as /proc/PID/stat has it), why, note; replaces (the
 * act in whose place this one was begun); a resize's from and to, what its device gives the guest, and page moves' limit and
 * moved, in bytes; device (a virtio-mem device's alias).
 */
#ifndef VMHEAT_SERVICE_ACT_RECORD_H
#define VMHEAT_SERVICE_ACT_RECORD_H

#include <glib.h>
#include "resize_act.h"

/** What is done. */
enum act_kind { ACT_KIND_BALLOON, ACT_KIND_VIRTIO_MEM, ACT_KIND_MOVES, ACT_KINDS };

/** act_kind_name() - a word for people and files; never NULL. */
const char *act_kind_name(enum act_kind kind);

/** act_kind_is_resize() - by whatever device. */
gboolean act_kind_is_resize(enum act_kind kind);

/** Strings are owned. Sizes in bytes, times in microseconds since 1970. */
struct act_record {
	guint64 number;
	enum act_state state;
	enum act_kind kind;
	gint64 time_us;
	gint64 begun_us;
	char *vm;
	char *uuid;
	gint64 pid;
	guint64 pid_start;
	guint64 from, to;     /* of a resize */
	char *device;	      /* ACT_KIND_VIRTIO_MEM: which; else NULL */
	guint64 limit, moved; /* ACT_KIND_MOVES */
	guint64 replaces;     /* 0: none */
	char *why;	      /* the sentence that the act was decided with; may be NULL */
	char *note;	      /* what came of it; may be NULL */
	gboolean cut_off;     /* not on disk: it was open when the journal was opened */
};

void act_record_clear(struct act_record *record);
void act_record_copy(struct act_record *to, const struct act_record *from);

/** act_record_format() - a line, with its end. The caller frees it. */
char *act_record_format(const struct act_record *record);

/**
 * act_record_parse() - read a line without its end
 *
 * The error says what is wrong with it, in few words; whoever reads the file adds where it stands. Lines are not
 * trusted: any bytes may come.
 */
gboolean act_record_parse(const char *line, gsize length, struct act_record *record, GError **error);

/** act_record_from_json() - act_record_parse() without the digits in front. */
gboolean act_record_from_json(const char *text, gsize length, struct act_record *record, GError **error);

enum act_record_error {
	ACT_RECORD_ERROR_DAMAGED,
	ACT_RECORD_ERROR_UNKNOWN, /* of a kind or state that this version does not know */
};
#define ACT_RECORD_ERROR (act_record_error_quark())
GQuark act_record_error_quark(void);

#endif /* VMHEAT_SERVICE_ACT_RECORD_H */
