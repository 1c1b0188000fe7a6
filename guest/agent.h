/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent.h - answers the host's requests on a port (guest_protocol.h)
 */
#ifndef VMHEAT_GUEST_AGENT_H
#define VMHEAT_GUEST_AGENT_H

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

/** An agent at work; private to agent.c. About 50 KiB, all the memory that it ever uses. */
struct agent {
	struct port *port;
	struct frame_reader reader;
	struct page_scanner scanner;
	uint32_t scan_sequence; /* of the scan that is being answered */
	struct {
		struct vmheat_frame_header header;
		uint8_t payload[AGENT_PAYLOAD_MAX];
	} frame;
};

/** agent_open() - say HELLO on @port, which outlives the agent as @paths do. 0 or a negative errno. */
int agent_open(struct agent *agent, struct port *port, const struct guest_paths *paths);

/**
 * agent_serve() - answer requests until the port fails
 *
 * Only the newest request of each type is answered: the host drops answers to older ones. An answer that the
 * host does not stay for is dropped.
 *
 * Return: the negative errno with which the port failed.
 */
int agent_serve(struct agent *agent);

void agent_close(struct agent *agent);

#endif /* VMHEAT_GUEST_AGENT_H */
