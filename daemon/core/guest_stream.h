/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_stream.h - reads what the agent sends (guest_protocol.h), trusting nothing
 *
 * Theory of operation
 *
 * A push parser over one bounded buffer: bytes go in as they come, whole frames are checked and taken out. It
 * is a function of the bytes alone (no I/O, no clock). A frame that breaks a rule is dropped and counted; the
 * parser then looks for the next magic, so that it recovers from any garbage. Memory is bounded by two frames,
 * VMHEAT_CGROUPS_MAX cgroups and half a byte a guest page, whatever the guest sends.
 */
#ifndef VMHEAT_CORE_GUEST_STREAM_H
#define VMHEAT_CORE_GUEST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "guest_pages.h"
#include "page_map.h"
#include "vmheat/guest_protocol.h"

/** Where the answer to the current request stands. */
enum guest_scan_state {
	GUEST_SCAN_NONE,     /* nothing asked */
	GUEST_SCAN_PENDING,  /* asked, not ended */
	GUEST_SCAN_COMPLETE, /* SCAN_END came: pages and end are valid */
	GUEST_SCAN_FAILED,   /* the guest reported an error, see error_text */
	GUEST_SCAN_STATES
};

/** guest_scan_state_name() - for logs; never NULL. */
const char *guest_scan_state_name(enum guest_scan_state state);

/** What went wrong so far, counted. */
struct guest_stream_counts {
	uint64_t bytes;
	uint64_t frames;	/* whole and well-formed, stale ones included */
	uint64_t bad_frames;	/* broken header or payload */
	uint64_t stale_frames;	/* another request's sequence, or after the end of the answer */
	uint64_t skipped_bytes; /* passed over in search of a magic */
	uint64_t foreign_pages; /* something was said of pages that are not the VM's memory */
	uint64_t
		excess_cgroups; /* more cgroups than a scan may have, or more pages in them than the VM has */
};

/** One cgroup of the guest, as the guest tells it. */
struct guest_cgroup {
	struct vmheat_cgroup pages;
	char path[VMHEAT_CGROUP_PATH_MAX + 1]; /* printable ASCII; "" if the guest does not know it */
};

struct guest_stream;

/** guest_stream_new() - NULL if memory is short. @map must outlive the stream. */
struct guest_stream *guest_stream_new(const struct page_map *map);

void guest_stream_free(struct guest_stream *stream);

/**
 * guest_stream_start_scan() - forget the last answer and expect one to @sequence (not 0)
 *
 * What the last one said is cleared: a page that no run covers is unknown.
 */
void guest_stream_start_scan(struct guest_stream *stream, uint32_t sequence);

/** guest_stream_push() - take @length bytes, any split. Never fails: what is wrong is dropped and counted. */
void guest_stream_push(struct guest_stream *stream, const uint8_t *bytes, size_t length);

/** guest_stream_reconnected() - what follows comes over a new connection: forget a frame that has begun. */
void guest_stream_reconnected(struct guest_stream *stream);

enum guest_scan_state guest_stream_state(const struct guest_stream *stream);

/** guest_stream_pages() - what it said of every index of the map; valid once the state is COMPLETE. Owned by
 * the stream. */
const struct guest_leaf *guest_stream_pages(const struct guest_stream *stream);

/**
 * guest_stream_cgroups() - what the answer says of cgroups; valid once the state is COMPLETE. Owned by the stream.
 *
 * All their pages together are no more than the VM has.
 */
const struct guest_cgroup *guest_stream_cgroups(const struct guest_stream *stream, size_t *count);

/** guest_stream_end() - counters of the last complete scan; NULL before. Owned by the stream. */
const struct vmheat_scan_end *guest_stream_end(const struct guest_stream *stream);

/**
 * guest_stream_hello() - the agent's last HELLO; NULL before. Owned by the stream.
 *
 * Its page size is as the guest said; while it is not 4 KiB no PAGES are taken.
 */
const struct vmheat_hello *guest_stream_hello(const struct guest_stream *stream);

/** guest_stream_error_text() - printable ASCII, of the last ERROR; "" before. Owned by the stream. */
const char *guest_stream_error_text(const struct guest_stream *stream);

/** guest_stream_counts() - since guest_stream_new(). Owned by the stream. */
const struct guest_stream_counts *guest_stream_counts(const struct guest_stream *stream);

#endif /* VMHEAT_CORE_GUEST_STREAM_H */
