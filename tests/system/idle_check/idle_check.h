/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_check.h - what the parts of the program idle_check share
 *
 * A check is a function that returns true if what it shows holds; otherwise it has printed what it saw
 * instead. The parts: check_file.c (the file's own behaviour), check_process.c (ordinary processes),
 * check_shared.c (processes that share a page table), check_vm.c (KVM guests), check_paths.c (each way to
 * reach memory), check_changes.c (mappings that change), check_scan.c (the scan ioctl), check_crowd.c (many
 * observers at once), check_memslots.c (the memslots ioctl), check_limits.c (what a scan may cost others),
 * check_unload.c (the module's end), check_oracle.c (guests of which each instruction was seen).
 */
#ifndef IDLE_CHECK_H
#define IDLE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** EXPECT() - end a check as failed, and say where and why, unless a condition holds */
#define EXPECT(condition, ...)                                                                               \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			expect_failed(__FILE__, __LINE__, #condition, " " __VA_ARGS__);                      \
			return false;                                                                        \
		}                                                                                            \
	} while (0)

void expect_failed(const char *file, int line, const char *condition, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * random_below() - a number from 0 to @limit - 1, from a sequence that the seed printed at the beginning
 * repeats
 */
unsigned int random_below(unsigned int limit);

/**
 * random_set() - choose each page with a density that is itself random: from none to all, sparse ones often.
 * Return: how many.
 */
size_t random_set(bool *set, size_t pages);

/** fill_set() - choose the pages from @first to @last, no others */
void fill_set(bool *set, size_t pages, size_t first, size_t last);

/** sets_equal() - compare what was read with what must be; prints the first differences */
bool sets_equal(const char *what, const bool *found, const bool *expected, size_t pages);

/** struct check - a check by its name on the command line */
struct check {
	const char *name;
	bool (*run)(void);
};

/* The checks of each part; the last one has no name. */
extern const struct check file_checks[];
extern const struct check process_checks[];
extern const struct check shared_checks[];
extern const struct check vm_checks[];
extern const struct check path_checks[];
extern const struct check change_checks[];
extern const struct check scan_checks[];
extern const struct check crowd_checks[];
extern const struct check memslots_checks[];
extern const struct check limits_checks[];
extern const struct check unload_checks[];
extern const struct check oracle_checks[];

#endif /* IDLE_CHECK_H */
