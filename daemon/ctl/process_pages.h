/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_pages.h - which pages of one process were referenced in a window, by mapping
 *
 * Errors are of the domains G_FILE_ERROR (NOENT no such process, ACCES and PERM no permission, INVAL not the kernel's
 * format, FAILED anything else) and IDLE_OBSERVER_ERROR (no module, the end of the process). Their messages are for
 * people.
 */
#ifndef VMHEAT_CTL_PROCESS_PAGES_H
#define VMHEAT_CTL_PROCESS_PAGES_H

#include <sys/types.h>
#include "process_maps.h"

/** A process whose files below /proc are open. They belong to the program that it ran then, for good. */
struct process_pages;

/** What was counted. */
struct process_report {
	pid_t pid;
	char *name;	       /* of the process; it may hold any bytes */
	double window;	       /* seconds between the two looks at a page: the shortest of all, */
	double window_longest; /* and the longest; 0 if no page was there both times */
	GArray *mappings;      /* struct process_mapping, in rising order of addresses */
};

/**
 * process_pages_open() - open the files of process @pid; process_pages_close() it
 * @proc: "/proc", or what stands for it
 */
struct process_pages *process_pages_open(const char *proc, pid_t pid, GError **error);
void process_pages_close(struct process_pages *pages);

/** process_pages_mark() - begin the window */
gboolean process_pages_mark(struct process_pages *pages, GError **error);

/** process_pages_check() - FALSE and @error if the process has ended, or runs another program. Quick. */
gboolean process_pages_check(const struct process_pages *pages, GError **error);

/**
 * process_pages_count() - end the window and count
 *
 * Return: what process_report_free() frees; NULL and @error if not all could be read.
 */
struct process_report *process_pages_count(const struct process_pages *pages, GError **error);
void process_report_free(struct process_report *report);

#endif /* VMHEAT_CTL_PROCESS_PAGES_H */
