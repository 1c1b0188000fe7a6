/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.h - what the guest's kernel counts of its memory, for SCAN_END
 */
#ifndef VMHEAT_GUEST_COUNTERS_H
#define VMHEAT_GUEST_COUNTERS_H

#include "paths.h"
#include "vmheat/guest_protocol.h"

/** counters_add_vmstat_line() - take one line of /proc/vmstat ("pswpin 123") into its field of @end. */
void counters_add_vmstat_line(struct vmheat_scan_end *end, const char *line);

/** counters_add_meminfo_line() - take one line of /proc/meminfo ("MemFree:   123 kB") into its field of @end.
 */
void counters_add_meminfo_line(struct vmheat_scan_end *end, const char *line);

/** counters_add_pressure_line() - take the "some" line of /proc/pressure/memory into its field of @end. */
void counters_add_pressure_line(struct vmheat_scan_end *end, const char *line);

/** counters_read() - fill the counters of @end; a file or line that this kernel has not leaves 0. */
void counters_read(struct vmheat_scan_end *end, const struct guest_paths *paths);

#endif /* VMHEAT_GUEST_COUNTERS_H */
