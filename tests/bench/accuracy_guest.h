/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accuracy_guest.h - what accuracy.c says to a guest: to its workload, and to vmheat-guest
 *
 * Each function ends the program with a message if it fails.
 */
#ifndef BENCH_ACCURACY_GUEST_H
#define BENCH_ACCURACY_GUEST_H

#include <stddef.h>
#include <stdint.h>
#include "guest_stream.h"
#include "page_map.h"

/**
 * struct accuracy_guest - the guest's two ports
 * @map:     its memory: one range, from guest frame 0 on
 * @stream:  what the agent says; guest_stream_pages() is its last answer
 * @scan_ns: what that scan took in the guest
 */
struct accuracy_guest {
	const char *workload;
	int agent;
	struct page_map *map;
	struct guest_stream *stream;
	uint32_t sequence;
	uint64_t scan_ns;
};

/** accuracy_guest_open() - @workload, @agent: paths of sockets; @vpn: of the guest's first page in its QEMU */
void accuracy_guest_open(struct accuracy_guest *guest, const char *workload, const char *agent, uint64_t vpn,
			 size_t pages);

/** accuracy_guest_tell() - send the workload a command; returns when it is done */
void accuracy_guest_tell(const struct accuracy_guest *guest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** accuracy_guest_scan() - let the agent tell what happened since the last scan, and mark the pages again */
void accuracy_guest_scan(struct accuracy_guest *guest);

#endif /* BENCH_ACCURACY_GUEST_H */
