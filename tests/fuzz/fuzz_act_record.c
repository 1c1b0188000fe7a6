/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_act_record.c - lines of the journal, from any bytes
 *
 * What is taken for a record is written as a line again, and that line reads back as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "act_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it is, so that reading beyond its end is seen. */
	char *text = g_memdup2(data, size);
	struct act_record record, again;
	char *line, *second;

	/* Without the checksum, which the fuzzer would hardly ever guess. */
	if (text != NULL && act_record_from_json(text, size, &record, NULL)) {
		line = act_record_format(&record);
		if (!act_record_parse(line, strlen(line) - 1, &again, NULL))
			abort();
		second = act_record_format(&again);
		if (strcmp(line, second) != 0)
			abort();
		g_free(second);
		act_record_clear(&again);
		g_free(line);
		act_record_clear(&record);
	}
	if (text != NULL && act_record_parse(text, size, &record, NULL))
		act_record_clear(&record);
	g_free(text);
	return 0;
}
