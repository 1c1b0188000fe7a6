/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * setting.h - one key of the configuration: its type, its range, its text form
 *
 * Settings live in plain structures; a const table of struct setting says which key is which field. The same
 * table reads the file, serves SetVm and GetVm, and is what the commented default file is checked against.
 */
#ifndef VMHEAT_SERVICE_SETTING_H
#define VMHEAT_SERVICE_SETTING_H

#include <glib.h>

/** How a value is written, and the C type of its field. */
enum setting_type {
	SETTING_SIZE,	 /* "64MiB"; guint64 in bytes */
	SETTING_TIME,	 /* "2s"; double in seconds */
	SETTING_COUNT,	 /* "6"; guint */
	SETTING_PERCENT, /* "20%"; guint */
	SETTING_BOOLEAN, /* "yes"; gboolean */
	SETTING_MODE,	 /* "dry-run"; enum vm_mode */
	SETTING_NODE,	 /* a NUMA node's number, or "auto"; int, SETTING_NODE_AUTO */
	SETTING_TEXT,	 /* anything but nothing; char *, freed by the owner of the structure */
	SETTING_TYPES
};

/** The daemon chooses; numa_nodes.h says how. */
#define SETTING_NODE_AUTO (-1)

/** What the daemon may do to a VM. */
enum vm_mode {
	VM_MODE_OBSERVE, /* measure only: no plan is made */
	VM_MODE_DRY_RUN, /* show what would be done */
	VM_MODE_ACT,	 /* do it */
	VM_MODES
};

/** vm_mode_name() - "observe", "dry-run", "act"; never NULL. */
const char *vm_mode_name(enum vm_mode mode);

/** One key. */
struct setting {
	const char *key;
	enum setting_type type;
	gsize offset;	      /* of the field in its structure */
	double least, most;   /* in bytes, seconds, ...; unused where the type has no range */
	const char *standard; /* the default, as text */
};

/** Why a setting was refused. */
enum setting_error {
	SETTING_ERROR_UNKNOWN, /* no such key or group */
	SETTING_ERROR_VALUE,   /* not a value of the key's type, or out of range */
	SETTING_ERROR_CONFLICT /* at odds with another setting */
};
#define SETTING_ERROR (setting_error_quark())
GQuark setting_error_quark(void);

/** setting_find() - the table's entry for @key; NULL if there is none. */
const struct setting *setting_find(const struct setting *table, gsize count, const char *key);

/**
 * setting_parse() - read @text into the field of @structure
 *
 * On failure nothing is written; the error names the key, the value and what is allowed.
 */
gboolean setting_parse(const struct setting *setting, const char *text, void *structure, GError **error);

/** setting_format() - the field's value as setting_parse() would read it back. The caller frees it. */
char *setting_format(const struct setting *setting, const void *structure);

/** setting_set_standards() - give every field of @structure its default. */
void setting_set_standards(const struct setting *table, gsize count, void *structure);

#endif /* VMHEAT_SERVICE_SETTING_H */
