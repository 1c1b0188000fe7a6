/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * authority.h - who may call the service: root, and whom polkit allows
 *
 * Theory of operation
 *
 * The bus lets everybody send calls. For each the bus is asked whose process the caller is; the daemon's own user, which
 * is root, may do everything. For others polkit is asked, by the bus, about one of two actions
 * (scripts/polkit/org.vmheat.policy). Where polkit does not run, or does not answer, the answer is no: a host without
 * polkit has one administrator.
 *
 * The caller is told by its unique name on the bus, which the bus gives to nobody else afterwards.
 */
#ifndef VMHEAT_SERVICE_AUTHORITY_H
#define VMHEAT_SERVICE_AUTHORITY_H

#include <gio/gio.h>
#include <sys/types.h>

/** What somebody wants. */
enum authority_action {
	AUTHORITY_READ, /* org.vmheat.read: see what is known of VMs. It tells of what runs in them */
	AUTHORITY_ACT,	/* org.vmheat.act: change settings, resize guests and move their pages */
	AUTHORITY_ACTIONS
};

struct authority;

/** authority_new() - asks on @bus; the user @trusted may do everything. */
struct authority *authority_new(GDBusConnection *bus, uid_t trusted);
void authority_free(struct authority *authority);

/** The answer: @refusal is NULL, or why not, for the caller. Valid during the call. */
typedef void authority_func(const char *refusal, gpointer data);

/**
 * authority_check() - whether @caller may do @action
 * @caller:      its unique name on the bus
 * @interactive: polkit may ask it for a password
 *
 * @answer is called once, later, in the thread's main context, also when nobody answers. The authority must live until
 * then.
 */
void authority_check(struct authority *authority, const char *caller, enum authority_action action,
		     gboolean interactive, authority_func *answer, gpointer data);

#endif /* VMHEAT_SERVICE_AUTHORITY_H */
