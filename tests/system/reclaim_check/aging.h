/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aging.h - how often the host's reclaim asks whether pages are young, counted by the kernel's own event tracing
 */
#ifndef AGING_H
#define AGING_H

#include <stdbool.h>
#include <stdint.h>

/**
 * aging_start() - begin to count for the pages of an address range
 * @vm: count how often KVM is asked, else how often the host's page tables are
 *
 * Exits the program if it fails.
 */
void aging_start(bool vm, uintptr_t start, uintptr_t end);
void aging_stop(void);

/** aging_count() - pages aged since aging_start() */
uint64_t aging_count(void);

/** probes_arm() - arm or disarm all kernel probes, the module's and everybody else's */
void probes_arm(bool armed);

#endif /* AGING_H */
