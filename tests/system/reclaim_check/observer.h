/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observer.h - who looks again and again at which pages were accessed, through /proc/PID/idle_bitmap
 */
#ifndef OBSERVER_H
#define OBSERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "page_set.h"

/** enum observer_kind - how it looks */
enum observer_kind {
	OBSERVER_MARKS, /* read() the idle bits, then write() ones: the state that all share */
	OBSERVER_SCAN,	/* VMHEAT_IDLE_IOC_SCAN: a state of its own */
};

/**
 * struct observer - one of them
 * @kind:
 * @fd:      the idle_bitmap
 * @address: of page 0
 * @looks:   how many there were; what follows is valid after the second
 * @idle:    which pages the last look reported as idle
 * @from_ns, @to_ns: an access between these times must show in the last look
 * @earliest_ns: an access before this time must not
 */
struct observer {
	enum observer_kind kind;
	int fd;
	uintptr_t address;
	unsigned int looks;
	bool idle[MEMORY_PAGES];
	uint64_t from_ns;
	uint64_t to_ns;
	uint64_t earliest_ns;
	/* of the look after the last */
	uint64_t next_from_ns;
	uint64_t next_earliest_ns;
};

/** observer_open() - begin. Exits the program if it fails. */
void observer_open(struct observer *observer, enum observer_kind kind, pid_t pid, uintptr_t address);
void observer_close(struct observer *observer);

/** observer_look() - see what was accessed since the last look. Exits the program if it fails. */
void observer_look(struct observer *observer);

#endif /* OBSERVER_H */
