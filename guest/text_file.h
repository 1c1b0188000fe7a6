/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_file.h - read one of the kernel's text files line by line
 */
#ifndef VMHEAT_GUEST_TEXT_FILE_H
#define VMHEAT_GUEST_TEXT_FILE_H

/**
 * text_file_read() - call @take_line for every line of @path, without its line feed
 *
 * A line longer than any that the kernel writes into the files read here comes in pieces.
 *
 * Return: 0, or a negative errno.
 */
int text_file_read(const char *path, void (*take_line)(const char *line, void *context), void *context);

#endif /* VMHEAT_GUEST_TEXT_FILE_H */
