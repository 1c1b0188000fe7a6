// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subject.c - which pages of a subject are hot, and what they hold
 */
#include "subject.h"

bool subject_is_hot(size_t page)
{
	return page % 11 == 0 && page / SUBJECT_BLOCK_PAGES % SUBJECT_COLD_BLOCK != 0;
}

uint64_t subject_pattern(size_t page, size_t word)
{
	uint64_t salt = page % 4 == 1 ? 1 : page;

	return (salt << 16 ^ word) * 0x9e3779b97f4a7c15ULL;
}
