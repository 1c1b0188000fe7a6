/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure.h - what the benchmarks share: clocks, files of a process, loading the module
 *
 * Each function ends the program with a message if it fails.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/** die() - end the program; says errno unless that is 0 */
void die(const char *what) __attribute__((noreturn));

/** open_of_process() - open /proc/PID/NAME */
int open_of_process(pid_t pid, const char *name, int flags);

/** clock_us() - a clock, in microseconds */
double clock_us(clockid_t clock);

/** process_clock() - the clock of a process's, or of a kernel thread's, processor time */
clockid_t process_clock(pid_t pid);

/** system_us() - the time that the kernel has worked for this process, in microseconds */
double system_us(void);

/** transferred() - make sure that all was read or written; @done is what the system call returned */
void transferred(ssize_t done, size_t bytes, const char *what);

/** load_module() - load the kernel module that this file is */
void load_module(const char *path);

#endif /* BENCH_MEASURE_H */
