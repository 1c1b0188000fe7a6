// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - idle_check: check /proc/PID/idle_bitmap against what processes and guests really touch
 *
 *   idle_check NAME [SEED]   run one check; exit status 0 if it holds
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "idle_check.h"

static uint64_t random_state;

unsigned int random_below(unsigned int limit)
{
	/* xorshift64* */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dULL >> 32) % limit;
}

size_t random_set(bool *set, size_t pages)
{
	static const unsigned int one_in[] = { 1, 2, 3, 8, 64, 512 };
	unsigned int choice = random_below(1 + sizeof(one_in) / sizeof(one_in[0]));
	size_t count = 0, i;

	for (i = 0; i < pages; i++) {
		set[i] = choice && !random_below(one_in[choice - 1]);
		count += set[i];
	}
	return count;
}

void fill_set(bool *set, size_t pages, size_t first, size_t last)
{
	size_t i;

	for (i = 0; i < pages; i++)
		set[i] = i >= first && i <= last;
}

bool sets_equal(const char *what, const bool *found, const bool *expected, size_t pages)
{
	size_t differences = 0, i;

	for (i = 0; i < pages; i++) {
		if (found[i] == expected[i])
			continue;
		if (differences++ < 8)
			printf("%s: page %zu: %d instead of %d\n", what, i, found[i], expected[i]);
	}
	if (differences)
		printf("%s: %zu of %zu pages are wrong\n", what, differences, pages);
	return !differences;
}

void expect_failed(const char *file, int line, const char *condition, const char *format, ...)
{
	va_list arguments;

	printf("%s:%d: not so: %s ", file, line, condition);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static const struct check *find_check(const char *name)
{
	static const struct check *const parts[] = { file_checks,   process_checks, shared_checks,
						     vm_checks,	    path_checks,    change_checks,
						     scan_checks,   crowd_checks,   memslots_checks,
						     limits_checks, unload_checks,  oracle_checks };
	const struct check *check;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (check = parts[i]; check->name; check++) {
			if (!strcmp(check->name, name))
				return check;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct check *check = argc >= 2 && argc <= 3 ? find_check(argv[1]) : NULL;

	if (!check) {
		fprintf(stderr, "usage: idle_check NAME [SEED]\n");
		return 2;
	}
	random_state = argc == 3 ? strtoull(argv[2], NULL, 10) : (uint64_t)getpid();
	printf("seed %llu\n", (unsigned long long)random_state);
	random_state = random_state * 0x9e3779b97f4a7c15ULL | 1;
	return check->run() ? 0 : 1;
}
