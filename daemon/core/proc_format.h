/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_format.h - the line of /proc/PID/stat, which daemon and control program both read
 *
 * A process chooses its own name, so nothing in it is trusted.
 */
#ifndef VMHEAT_CORE_PROC_FORMAT_H
#define VMHEAT_CORE_PROC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

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
