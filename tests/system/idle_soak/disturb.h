/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disturb.h - what others do to a subject's memory meanwhile
 */
#ifndef SOAK_DISTURB_H
#define SOAK_DISTURB_H

#include "subject.h"

/**
 * struct disturbances - how often each of them succeeded
 * @moved:     its pages were moved to the other node
 * @aged:      the kernel took its accessed bits
 * @paged_out: cold pages were swapped out
 * @collapsed: pages were made one huge page
 */
struct disturbances {
	unsigned long moved;
	unsigned long aged;
	unsigned long paged_out;
	unsigned long collapsed;
};

/** disturb() - do one of these to a part of the subject's memory, or change something about it of its own */
void disturb(struct subject *subject, unsigned int choice, struct disturbances *done);

#endif /* SOAK_DISTURB_H */
