/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observe.h - observers of a subject: what is touched all the time is never idle
 */
#ifndef SOAK_OBSERVE_H
#define SOAK_OBSERVE_H

#include <pthread.h>
#include <stdbool.h>
#include "subject.h"

/**
 * struct observer - a thread that scans a subject every 10 ms, or as fast as the subject goes round
 * @subject: whom
 * @stop:    for it to end
 * @scans:   so far
 * @idle:    how many cold pages it found idle, in all scans
 * @wrong:   whether it found a hot page idle; it has said so, and has ended
 */
struct observer {
	struct subject *subject;
	pthread_t thread;
	_Atomic bool stop;
	unsigned long scans;
	unsigned long idle;
	bool wrong;
};

/** observer_start_reading() - one that marks and reads; it must be the only one of its kind */
void observer_start_reading(struct observer *observer, struct subject *subject);

/** observer_start_scanning() - one that uses the scan ioctl */
void observer_start_scanning(struct observer *observer, struct subject *subject);

/** observer_end() - Return: whether all that it saw was right */
bool observer_end(struct observer *observer);

#endif /* SOAK_OBSERVE_H */
