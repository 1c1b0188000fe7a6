/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_scan.h - one window of one VM: from its sources into its pages
 *
 * Theory of operation
 *
 * The agent is asked to scan right before the host's data is harvested, so that both windows are nearly the
 * same, and its answer is waited for afterwards. As the guest's word is needed to merge, the host's words
 * of the whole VM are kept until then: three bits a page, for the length of the scan.
 *
 * Guest data is a help, never a condition: a scan whose agent is late, wrong or gone is merged from the
 * host's data alone and says why. So is one whose guest window is not the host's: a page that the guest saw
 * idle for a shorter time than the host looked may well have been accessed.
 *
 * A harvest that breaks off has read and marked the chunks before that point: they are merged all the same,
 * for what they say would be lost. The others just have a longer next window.
 */
#ifndef VMHEAT_SERVICE_VM_SCAN_H
#define VMHEAT_SERVICE_VM_SCAN_H

#include <glib.h>
#include "source.h"
#include "vm_pages.h"

/** Where a VM's data comes from. The guest's side may be NULL. */
struct vm_sources {
	const struct host_source_ops *host_ops;
	struct host_source *host;
	const struct guest_source_ops *guest_ops;
	struct guest_source *guest;
};

/** What came of a scan. Clear it with vm_scan_result_clear(). */
struct vm_scan_result {
	double window_seconds; /* true window; 0: the pages were marked for the first time, there is no data
				*/
	double guest_seconds;  /* the guest's own window; 0 without an answer */
	struct vm_window_counts counts;
	gboolean guest_answered; /* guest_end is valid */
	gboolean guest_used;	 /* its bytes were merged */
	struct vmheat_scan_end guest_end;
	GError *guest_error; /* why there was no answer, or why its bytes were not used; NULL if they were */
};

struct vm_scan_settings {
	int agent_timeout_ms;	/* longest wait for the agent's answer after the harvest */
	double working_set_age; /* in seconds, see vm_pages_begin_window() */
};

/**
 * vm_scan() - scan once
 *
 * Return: FALSE with an error of SOURCE_ERROR when the host's data failed, in whole or in part. @result is
 * valid in any case.
 */
gboolean vm_scan(const struct vm_sources *sources, struct vm_pages *pages,
		 const struct vm_scan_settings *settings, struct vm_scan_result *result, GError **error);

void vm_scan_result_clear(struct vm_scan_result *result);

#endif /* VMHEAT_SERVICE_VM_SCAN_H */
