/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan_all.h - scanning all of any process
 */
#ifndef SOAK_SCAN_ALL_H
#define SOAK_SCAN_ALL_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * scan_all() - scan the whole address space of a process every 10 ms, mark and read its large mappings
 *
 * Return: true when the time is over or the process has exited; false after any error, which has been printed
 */
bool scan_all(pid_t pid, unsigned long seconds);

#endif /* SOAK_SCAN_ALL_H */
