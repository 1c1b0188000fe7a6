/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_file.c - read one of the kernel's text files line by line
 */
#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int text_file_read(const char *path, void (*take_line)(const char *line, void *context), void *context)
{
	char line[4096 + 32]; /* a path and what stands beside it */
	FILE *file = fopen(path, "re");
	int error = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		take_line(line, context);
	}
	if (ferror(file))
		error = -EIO;
	(void)fclose(file);
	return error;
}
