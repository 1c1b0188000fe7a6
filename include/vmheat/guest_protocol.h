/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_protocol.h - what vmheat-guest and vmheatd say to one another
 *
 * Theory of operation
 *
 * A byte stream (a virtio-serial port, or a vsock connection that the host makes) carries frames: a fixed header,
 * then `length` bytes of payload. All integers are little-endian. The host asks, the guest answers; the guest
 * never speaks unasked, except for one HELLO when it opens the port.
 *
 *   host                  guest
 *   HELLO(sequence)  ->
 *                    <-   HELLO(sequence)      who and what the agent is
 *   SCAN(sequence)   ->
 *                    <-   PAGES(sequence) ...  what happened since the last SCAN, in rising gfn order
 *                    <-   CGROUP(sequence) ... whose memory that was, the most idle memory first
 *                    <-   SCAN_END(sequence)   true window, counters; the pages are marked again
 *                    <-   ERROR(sequence)      instead of SCAN_END, when the scan failed
 *
 * Invariants
 * - An answer carries the sequence number of its request; the host drops every frame with another one,
 *   so a late, replayed or duplicated answer is harmless.
 * - A PAGES payload is a first gfn (8 bytes) and runs: one page byte, then the run's length in pages as
 *   an unsigned LEB128 number of 1 to VMHEAT_RUN_LENGTH_BYTES_MAX bytes, never 0 and never longer than
 *   it needs to be. Of a gfn that no run covers nothing is known.
 * - Runs of one scan never overlap and never go back.
 * - There are at most VMHEAT_CGROUPS_MAX CGROUP frames a scan. No page belongs to two cgroups, so together they have no
 *   more pages than the guest.
 * - HELLO and SCAN_END may grow at their end. A reader takes a field that is not there for 0, and passes over what it
 *   does not know; up to VMHEAT_GROWING_PAYLOAD_MAX bytes.
 * - A reader that meets anything else (unknown magic, version, type, reserved bits set, a length beyond
 *   the maximum, a run past the guest's memory) drops the frame, counts it, and looks for the next
 *   magic.
 * - The guest is not trusted: nothing here may be used by the host without the checks above.
 */
#ifndef VMHEAT_GUEST_PROTOCOL_H
#define VMHEAT_GUEST_PROTOCOL_H

#include <stdint.h>

/** Name of the agent's virtio-serial port, and of the libvirt channel's target. */
#define VMHEAT_GUEST_PORT_NAME "org.vmheat.guest.0"

/** First four bytes of every frame: "VMHT". */
#define VMHEAT_FRAME_MAGIC 0x54484d56u

/**
 * The agent's vsock port. The agent listens and the host connects, for only so does the host itself say which guest it
 * means: by its CID, which the host's kernel gives to one VM at a time. Below 1024, so that in the guest only root can
 * stand where the agent should; and the agent serves no peer but the host (VMADDR_CID_HOST).
 */
#define VMHEAT_GUEST_VSOCK_PORT 848u

/** Raised when an older reader could misread a frame. */
#define VMHEAT_PROTOCOL_VERSION 1

/** Largest payload of a frame in bytes. */
#define VMHEAT_FRAME_PAYLOAD_MAX 65536u

/** Largest payload of a HELLO or SCAN_END in bytes. */
#define VMHEAT_GROWING_PAYLOAD_MAX 256u

/** CGROUP frames of one scan at most; the last may stand for all cgroups that found no place. */
#define VMHEAT_CGROUPS_MAX 64u

/** Longest path of a CGROUP in bytes; of a longer one the end is sent. */
#define VMHEAT_CGROUP_PATH_MAX 200u

/** Longest text of an ERROR in bytes. */
#define VMHEAT_ERROR_TEXT_MAX 255u

/** Longest LEB128 run length in bytes: enough for 2^35 - 1 pages. */
#define VMHEAT_RUN_LENGTH_BYTES_MAX 5

/** Frame types. */
enum vmheat_frame_type {
	VMHEAT_FRAME_HELLO =
		1, /* either way; payload: none from the host, struct vmheat_hello from the guest */
	VMHEAT_FRAME_SCAN = 2,	   /* host to guest; no payload */
	VMHEAT_FRAME_PAGES = 3,	   /* guest to host; payload: u64 first gfn, then runs */
	VMHEAT_FRAME_SCAN_END = 4, /* guest to host; payload: struct vmheat_scan_end */
	VMHEAT_FRAME_ERROR =
		5, /* guest to host; payload: struct vmheat_error, then text (UTF-8, not terminated) */
	VMHEAT_FRAME_CGROUP =
		6, /* guest to host; payload: struct vmheat_cgroup, then its path (not terminated) */
};

/** Header of every frame. 16 bytes, no padding. */
struct vmheat_frame_header {
	uint32_t magic;	   /* VMHEAT_FRAME_MAGIC */
	uint8_t version;   /* VMHEAT_PROTOCOL_VERSION */
	uint8_t type;	   /* enum vmheat_frame_type */
	uint16_t reserved; /* 0 */
	uint32_t sequence; /* of the request; an unasked HELLO has 0 */
	uint32_t length;   /* payload bytes, at most VMHEAT_FRAME_PAYLOAD_MAX */
};

/** What a guest's agent can tell (struct vmheat_hello.capabilities). */
#define VMHEAT_GUEST_HAS_PAGE_IDLE                                                                           \
	(1u << 0) /* /sys/kernel/mm/page_idle/bitmap: idle and accessed are known */
#define VMHEAT_GUEST_HAS_PAGE_FLAGS (1u << 1) /* /proc/kpageflags: free and kinds are known */
/*
 * Which memory of each cgroup is idle: page by page, by page_idle and /proc/kpagecgroup; or where there is no page_idle,
 * by the multi-generational LRU. That one counts what page tables show, and page cache that is read(2) may look idle.
 */
#define VMHEAT_GUEST_HAS_CGROUPS (1u << 2)
#define VMHEAT_GUEST_HAS_LRU_GEN (1u << 3)

/** Payload of the guest's HELLO. */
struct vmheat_hello {
	uint32_t capabilities; /* VMHEAT_GUEST_HAS_... */
	uint32_t page_shift;   /* log2 of the guest's page size; the host accepts 12 */
	uint64_t end_gfn;      /* one past the highest guest frame number that the agent may report */
};

/*
 * The page byte: a state in bits 0-1, kinds in bits 2-6, bit 7 zero.
 */
#define VMHEAT_PAGE_STATE_MASK 0x03u
/** States. Unknown is kernel memory, reserved memory, or memory of which the agent has no data. */
enum vmheat_page_state {
	VMHEAT_PAGE_UNKNOWN = 0,
	VMHEAT_PAGE_FREE = 1, /* in the guest's free lists, or given away to the balloon */
	VMHEAT_PAGE_IDLE = 2,
	VMHEAT_PAGE_ACCESSED = 3,
};
#define VMHEAT_PAGE_ANON	0x04u /* anonymous memory */
#define VMHEAT_PAGE_FILE	0x08u /* page cache */
#define VMHEAT_PAGE_DIRTY	0x10u /* page cache that must be written before it can go */
#define VMHEAT_PAGE_UNEVICTABLE 0x20u /* mlocked, ramfs, ... */
#define VMHEAT_PAGE_HUGE	0x40u /* part of a huge page of the guest */
#define VMHEAT_PAGE_RESERVED	0x80u /* always 0 */

/** Payload of SCAN_END. Counters run since the guest booted and are those of its /proc/vmstat and PSI files.
 */
struct vmheat_scan_end {
	uint64_t window_ns; /* from the end of the last marking to the start of this reading; 0 at the first
			       scan */
	uint64_t scan_ns;   /* what this scan took in the guest */
	uint64_t swap_in_pages;	    /* pswpin */
	uint64_t swap_out_pages;    /* pswpout */
	uint64_t major_faults;	    /* pgmajfault */
	uint64_t oom_kills;	    /* oom_kill */
	uint64_t refault_pages;	    /* workingset_refault_anon + workingset_refault_file */
	uint64_t memory_stall_us;   /* /proc/pressure/memory, "some" total; 0 where the guest has no PSI */
	uint64_t memory_total_kib;  /* MemTotal */
	uint64_t memory_free_kib;   /* MemFree */
	uint64_t memory_usable_kib; /* MemAvailable */
	uint64_t swap_free_kib;	    /* SwapFree: how much anonymous memory can go to swap */
	uint64_t flags;		    /* VMHEAT_SCAN_... */
	uint64_t cpu_ns; /* processor time that the agent spent on this scan, its answer included */
};

/** What a scan could not tell (struct vmheat_scan_end.flags). */
#define VMHEAT_SCAN_OVER_BUDGET                                                                              \
	(1u << 0) /* the agent may not work more now: no page was looked at, the window goes on */
#define VMHEAT_SCAN_NO_PAGE_IDLE (1u << 1) /* no page's state but "free" is known */

/** Payload of CGROUP: pages that are charged to one cgroup, without its children's. */
struct vmheat_cgroup {
	/* Its inode in the guest's cgroup file system, or its number in the multi-generational LRU's file. 0 stands for
	   all cgroups that have no frame of their own. */
	uint64_t id;
	uint64_t idle_anon_pages;
	uint64_t idle_file_pages;
	uint64_t idle_unmapped_pages; /* of idle_file: page cache that no process has mapped */
	uint64_t accessed_anon_pages;
	uint64_t accessed_file_pages;
	uint64_t unknown_pages; /* its kernel memory; all its memory as long as there is no window */
};

/** Payload of ERROR: a positive errno of the guest, then what failed, as text of at most
 * VMHEAT_ERROR_TEXT_MAX bytes.
 */
struct vmheat_error {
	uint32_t error;
};

_Static_assert(sizeof(struct vmheat_frame_header) == 16, "the frame header has no padding");
_Static_assert(sizeof(struct vmheat_hello) == 16, "HELLO has no padding");
_Static_assert(sizeof(struct vmheat_scan_end) == 112, "SCAN_END has no padding");
_Static_assert(sizeof(struct vmheat_cgroup) == 56, "CGROUP has no padding");

#endif /* VMHEAT_GUEST_PROTOCOL_H */
