/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapped_file.h - a shared mapping of a file that somebody else may make shorter
 *
 * Whoever touches a mapped page that its file no longer has gets SIGBUS. Here that ends nobody: the handler,
 * which the first mapping installs for the whole process, puts empty pages in the place of the mapping, and the
 * owner is told when it asks. A SIGBUS of anything else goes where it would have gone.
 */
#ifndef VMHEAT_HOST_MAPPED_FILE_H
#define VMHEAT_HOST_MAPPED_FILE_H

#include <glib.h>

/** Mappings at one time. */
#define MAPPED_FILES_MAX 1024u

struct mapped_file;

/**
 * mapped_file_new() - map the first @size bytes of @fd to read and to write
 *
 * Return: the mapping (mapped_file_free() it); NULL and errno if it cannot be mapped, EMFILE if there are too
 * many.
 */
struct mapped_file *mapped_file_new(int fd, gsize size);
void mapped_file_free(struct mapped_file *file);

/** mapped_file_data() - the first byte. */
void *mapped_file_data(const struct mapped_file *file);

/** mapped_file_is_lost() - whether the file was found shorter: what is mapped now is nothing. */
gboolean mapped_file_is_lost(const struct mapped_file *file);

#endif /* VMHEAT_HOST_MAPPED_FILE_H */
