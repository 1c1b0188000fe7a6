/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_format.c - the line of /proc/PID/stat
 */
#include "proc_format.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of fields in proc(5). */
#define FIELD_STATE	 3
#define FIELD_FLAGS	 9
#define FIELD_START_TIME 22

/* Field @number, seen from the blank before the first one after the name; NULL if there are not so many. */
static const char *find_field(const char *text, int number)
{
	for (int field = FIELD_STATE; text != NULL && field < number; field++)
		text = strchr(text + 1, ' ');
	return text != NULL ? text + 1 : NULL;
}

static bool parse_field(const char *text, int number, uint64_t *value)
{
	const char *field = find_field(text, number);
	char *end;

	if (field == NULL || !isdigit((unsigned char)*field))
		return false;
	errno = 0;
	*value = strtoull(field, &end, 10);
	return errno == 0 && (*end == ' ' || *end == '\n' || *end == '\0');
}

bool proc_stat_parse(const char *text, struct proc_stat *stat)
{
	const char *fields = strrchr(text, ')');

	if (fields == NULL)
		return false;
	fields++;
	if (fields[0] != ' ' || !isalpha((unsigned char)fields[1]) || fields[2] != ' ')
		return false;
	stat->state = fields[1];
	return parse_field(fields, FIELD_FLAGS, &stat->flags) &&
	       parse_field(fields, FIELD_START_TIME, &stat->start_time);
}
