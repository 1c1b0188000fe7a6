/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_folder.h - a /proc for tests, with the idle_bitmap of one process
 */
#ifndef TESTS_PROC_FOLDER_H
#define TESTS_PROC_FOLDER_H

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/types.h>
#include <unistd.h>

/** struct proc_folder - the folder, in it that of the process, and in that an empty idle_bitmap */
struct proc_folder {
	char *proc, *process, *file;
};

/** proc_folder_new() - make one; the test fails if it cannot be made */
static inline void proc_folder_new(struct proc_folder *folder, pid_t pid)
{
	int fd;

	folder->proc = g_dir_make_tmp("vmheat-XXXXXX", NULL);
	assert_non_null(folder->proc);
	folder->process = g_strdup_printf("%s/%d", folder->proc, (int)pid);
	folder->file = g_strconcat(folder->process, "/idle_bitmap", NULL);
	assert_int_equal(g_mkdir(folder->process, 0700), 0);
	fd = open(folder->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/** proc_folder_free() - remove it; parts that a test has removed may be missing */
static inline void proc_folder_free(struct proc_folder *folder)
{
	(void)g_remove(folder->file);
	(void)g_remove(folder->process);
	(void)g_remove(folder->proc);
	g_free(folder->file);
	g_free(folder->process);
	g_free(folder->proc);
}

#endif /* TESTS_PROC_FOLDER_H */
