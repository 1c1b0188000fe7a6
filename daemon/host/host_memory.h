/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_memory.h - how much memory the host has left, and how long it waits for some
 *
 * From /proc/meminfo and /proc/pressure/memory.
 *
 * What a balloon gives back out of the middle of a huge page is not mapped any more, but the kernel frees it only
 * when it needs memory and splits the page; MemAvailable does not count it. It is anonymous memory on the
 * kernel's lists that nobody maps, so it can be told: Active(anon) + Inactive(anon), less AnonPages, Shmem and
 * SwapCached. Without it a host whose guests lie on huge pages would seem to get nothing from them, and go on
 * taking. Locked memory is in AnonPages alone, and makes the figure smaller, never larger.
 *
 * Both files are answered from the kernel's own counters: reading them
 * does not block, and is fit for the main loop. The parsers are pure.
 */
#ifndef VMHEAT_HOST_HOST_MEMORY_H
#define VMHEAT_HOST_HOST_MEMORY_H

#include <glib.h>

struct host_memory {
	guint64 total_kib;     /* MemTotal */
	guint64 available_kib; /* MemAvailable, and what splitting huge pages would free */
	guint64 stall_us;      /* something waited for memory, since boot (PSI some); 0 without PSI */
};

/** host_memory_parse() - FALSE if @text is not /proc/meminfo. */
gboolean host_memory_parse(const char *text, struct host_memory *memory);

/** host_memory_parse_pressure() - FALSE if @text is not /proc/pressure/memory. */
gboolean host_memory_parse_pressure(const char *text, struct host_memory *memory);

/** host_memory_read() - now. A kernel without PSI is no error. */
gboolean host_memory_read(struct host_memory *memory, GError **error);

#endif /* VMHEAT_HOST_HOST_MEMORY_H */
