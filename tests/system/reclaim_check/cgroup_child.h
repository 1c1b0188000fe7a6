/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_child.h - a child process in a cgroup
 */
#ifndef CGROUP_CHILD_H
#define CGROUP_CHILD_H

#include <sys/types.h>

/** die() - say what failed, and errno if it is set, and exit */
void die(const char *what) __attribute__((noreturn));

/**
 * cgroup_fork() - as fork(); the child is in the cgroup whose folder is given, and killed when this process
 * ends. Exits the program if it fails.
 */
pid_t cgroup_fork(const char *cgroup);

#endif /* CGROUP_CHILD_H */
