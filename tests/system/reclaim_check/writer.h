/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer.h - the process that puts a memory cgroup under pressure
 */
#ifndef WRITER_H
#define WRITER_H

/**
 * writer_start() - start a process in a cgroup that writes to its own 64 MiB, page by page, again and again
 *
 * It is killed when this program ends.
 */
void writer_start(const char *cgroup, unsigned int pages_a_second);

#endif /* WRITER_H */
