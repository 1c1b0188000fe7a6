/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_error.c - the error domain of all sources, see source.h, and what host sources share in it
 */
#include "source_error.h"
#include "idle_observer.h"
#include "source.h"

G_DEFINE_QUARK(vmheat_source_error, source_error)

gboolean source_error_of_observer(const char *name, GError *reason, GError **error)
{
	static const enum source_error codes[] = {
		[IDLE_OBSERVER_ERROR_UNAVAILABLE] = SOURCE_ERROR_UNAVAILABLE,
		[IDLE_OBSERVER_ERROR_GONE] = SOURCE_ERROR_GONE,
		[IDLE_OBSERVER_ERROR_FAILED] = SOURCE_ERROR_FAILED,
	};

	g_set_error(error, SOURCE_ERROR, codes[reason->code], "%s: %s", name, reason->message);
	g_error_free(reason);
	return FALSE;
}

gboolean source_is_of_domain(const struct domain *domain, GError **error)
{
	if (domain_is_alive(domain))
		return TRUE;
	g_set_error(error, SOURCE_ERROR, SOURCE_ERROR_GONE, "%s: process %d has ended", domain->name,
		    (int)domain->pid);
	return FALSE;
}
