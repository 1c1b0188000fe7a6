/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subject.h - a process of which it is known what is touched all the time and what its memory must hold
 *
 * Its pages were all written once. The hot ones are touched in rounds, for ever; the others never again. Each page
 * holds a pattern, of which nothing may be lost whatever the kernel does to the memory.
 */
#ifndef SOAK_SUBJECT_H
#define SOAK_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE_SIZE	    4096UL
#define SUBJECT_BLOCK	    (2UL << 20)
#define SUBJECT_BLOCK_PAGES (SUBJECT_BLOCK / PAGE_SIZE)
#define SUBJECT_COLD_BLOCK  4 /* every so many blocks one has no hot page */

struct subject;

/**
 * struct subject_kind - what differs between processes and VMs
 * @start:  start one; exits the program if that fails
 * @rounds: how often all hot pages have been touched
 * @stir:   change something about it, that leaves the known pages as they are; may be NULL
 * @end:    end it. Return: whether its memory held what it must.
 */
struct subject_kind {
	const char *name;
	void (*start)(struct subject *subject);
	uint32_t (*rounds)(struct subject *subject);
	void (*stir)(struct subject *subject, unsigned int choice);
	bool (*end)(struct subject *subject);
};

/**
 * struct subject - one of them
 * @kind:    what it is
 * @pid:     the process
 * @address: of its first known page, aligned to 2 MiB
 * @pages:   how many
 */
struct subject {
	const struct subject_kind *kind;
	pid_t pid;
	uintptr_t address;
	size_t pages;
};

/** An ordinary process. */
extern const struct subject_kind subject_process;
/** A KVM guest and its VMM; memory slots beside the known one come and go. */
extern const struct subject_kind subject_vm;

/** subject_is_hot() - whether a page is one of the hot ones: every eleventh is, but none in a cold block */
bool subject_is_hot(size_t page);

/** subject_pattern() - what a word of a page holds; every fourth page holds the same as the others of these */
uint64_t subject_pattern(size_t page, size_t word);

#endif /* SOAK_SUBJECT_H */
