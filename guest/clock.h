/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the kernel's clocks in nanoseconds
 */
#ifndef VMHEAT_GUEST_CLOCK_H
#define VMHEAT_GUEST_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - what @clock shows; it exists on every kernel that the agent runs on. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif /* VMHEAT_GUEST_CLOCK_H */
