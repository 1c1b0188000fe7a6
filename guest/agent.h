/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent.h - answers the host's requests on a port (guest_protocol.h)
 */
#ifndef VMHEAT_GUEST_AGENT_H
#define VMHEAT_GUEST_AGENT_H

#include "budget.h"
#include "frame_reader.h"
#include "page_scanner.h"
#include "paths.h"
#include "port.h"
#include "vmheat/guest_protocol.h"

/**
 * Payload bytes of the agent's own frames. A frame then is one page, and so is the copy that the kernel makes
 * of it: a guest short of memory need not find larger pieces.
 */
#define AGENT_PAYLOAD_MAX (4096 - sizeof(struct vmheat_frame_header))

/** What the agent may use in the long run; 0: no limit. */
struct agent_limits {
	double cpu;   /* seconds of processor time a second */
	double bytes; /* sent, a second */
};

/** An agent at work; private to agent.c. About 210 KiB, all the memory that it ever uses. */
struct agent {
	struct port *port;
	struct budget cpu;
	struct budget bytes;
	uint64_t sent_bytes; /* since it was opened */
	struct frame_reader reader;
	struct page_scanner scanner;
	uint32_t scan_sequence; /* of the scan that is being answered */
	struct {
		struct vmheat_frame_header header;
		uint8_t payload[AGENT_PAYLOAD_MAX];
	} frame;
};

/** agent_open() - look what this guest has of @paths, which outlive the agent. */
void agent_open(struct agent *agent, const struct guest_paths *paths, const struct agent_limits *limits);

/**
 * agent_serve() - say HELLO on @port, and answer requests until it fails
 *
 * Only the newest request of each type is answered: the host drops answers to older ones. An answer that the
 * host does not stay for is dropped. A scan that is asked for while the limits leave nothing to spend is answered with
 * the kernel's counters alone: the pages stay as they were marked, and the next scan tells of the longer window.
 *
 * Return: the negative errno with which the port failed.
 */
int agent_serve(struct agent *agent, struct port *port);

void agent_close(struct agent *agent);

#endif /* VMHEAT_GUEST_AGENT_H */
