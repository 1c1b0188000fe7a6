/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_format.h - formats of /proc/PID that daemon and control program both read: stat, pagemap
 *
 * A process chooses its own name, so nothing in it is trusted.
 */
#ifndef VMHEAT_CORE_PROC_FORMAT_H
#define VMHEAT_CORE_PROC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

/** In an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): a page is mapped. */
#define PROC_PAGEMAP_PRESENT (UINT64_C(1) << 63)

/** In such an entry: the frame's number, 0 for who lacks CAP_SYS_ADMIN. */
#define PROC_PAGEMAP_FRAME_MASK ((UINT64_C(1) << 55) - 1)

/** In the flags of /proc/PID/stat: a kernel thread (PF_KTHREAD, include/linux/sched.h). */
#define PROC_STAT_KERNEL_THREAD UINT64_C(0x00200000)

/** Fields of /proc/PID/stat, by their numbers in proc(5). */
struct proc_stat {
	char state;	/* field 3: 'Z' and 'X' are dead */
	uint64_t flags; /* field 9 */
	uint64_t
		start_time; /* field 22, in clock ticks since boot: tells a process from a later one with its pid */
};

/** proc_stat_parse() - false if @text is not a stat line. The name in it may hold anything, also ") R 1". */
bool proc_stat_parse(const char *text, struct proc_stat *stat);

#endif /* VMHEAT_CORE_PROC_FORMAT_H */
