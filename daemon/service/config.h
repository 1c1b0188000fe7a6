/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - what the daemon is told: its INI file, and the settings of each VM
 *
 * [vmheatd] holds the daemon's own settings, [defaults] those of every VM, [vm NAME] what differs for one.
 * scripts/vmheatd.conf is the reference for people: every key with unit, default and reason.
 */
#ifndef VMHEAT_SERVICE_CONFIG_H
#define VMHEAT_SERVICE_CONFIG_H

#include <glib.h>
#include "setting.h"

/** [vmheatd]. Times in seconds. */
struct daemon_settings {
	char *libvirt_uri;
	double interval;	/* from one scan of a VM to the next */
	double working_set_age; /* a page idle for less belongs to the working set */
	double fall_half_life;	/* of the estimate, see working_set.h */
	double agent_timeout;	/* how long a scan waits for the guest's agent */
	int near_node;		/* where hot pages belong; or SETTING_NODE_AUTO */
	int far_node;		/* where cold pages belong; likewise */
	char *state_directory;	/* the journal's folder */
	guint64 journal_size;	/* of its files together */
	guint host_free;	/* percent of the host's memory that shall be available, see memory_tax.h */
	guint host_stall;	/* percent of the time */
	guint idle_tax;		/* percent, likewise */
};

/** [defaults] and [vm NAME]. Sizes in bytes, times in seconds. */
struct vm_settings {
	enum vm_mode mode;
	gboolean balloon;    /* resize by the balloon */
	gboolean virtio_mem; /* and by virtio-mem */
	gboolean moves;	     /* move pages between nodes */
	guint64 floor;
	guint64 headroom;
	guint headroom_percent;
	guint kept_percent; /* of the maximum, see resize_plan.h */
	guint64 shrink_step;
	guint64 dead_band;
	guint settle_windows;
	double backoff;
	double backoff_max;
	guint64 pressure_swap_in; /* more in a window is pressure, likewise the next two */
	guint64 pressure_refault;
	guint pressure_stall; /* percent of the window */
	guint shares;	      /* what it is worth when the host is short of memory, see memory_tax.h */
	double hot_age;
	double cold_age;
	guint64 move_limit; /* bytes a second */
};

/** Never changed once it is read: a new one takes its place. */
struct config {
	gatomicrefcount references;
	struct daemon_settings daemon;
	struct vm_settings defaults;
	GHashTable *vms; /* name to struct vm_settings, both owned */
};

/** config_new() - every setting at its default. config_unref() it. */
struct config *config_new(void);

/** config_load() - read the file @path. The error names file, line, key, value and what is allowed. */
struct config *config_load(const char *path, GError **error);

/** config_parse() - config_load() of @text; @path is for the messages. */
struct config *config_parse(const char *path, const char *text, gsize length, GError **error);

struct config *config_ref(struct config *config);
/** config_unref() - NULL is none. */
void config_unref(struct config *config);

/** config_vm() - the settings of the VM @name, whether or not the file names it. Owned by the configuration.
 */
const struct vm_settings *config_vm(const struct config *config, const char *name);

/** vm_settings_set() - change one setting by its key; on failure nothing changes. */
gboolean vm_settings_set(struct vm_settings *settings, const char *key, const char *value, GError **error);

/** vm_settings_check() - whether the settings agree with one another. */
gboolean vm_settings_check(const struct vm_settings *settings, GError **error);

/** The tables of keys, for whoever shows or documents them. */
extern const struct setting daemon_setting_table[];
extern const gsize daemon_setting_count;
extern const struct setting vm_setting_table[];
extern const gsize vm_setting_count;

#endif /* VMHEAT_SERVICE_CONFIG_H */
