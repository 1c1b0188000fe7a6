/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame_reader.h - what the host asks (guest_protocol.h)
 *
 * Theory of operation
 *
 * A host's frame is a header without payload, so the reader holds at most one header: the last bytes that may
 * yet become one. Whatever cannot is passed over byte by byte until the next magic, which also finds the way
 * back after a host that left in mid-frame.
 */
#ifndef VMHEAT_GUEST_FRAME_READER_H
#define VMHEAT_GUEST_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmheat/guest_protocol.h"

/** Zero it before first use. */
struct frame_reader {
	size_t length;
	uint8_t bytes[sizeof(struct vmheat_frame_header)];
};

/** frame_reader_push() - take one byte. Return: whether it ended a request, which is in *@request then. */
bool frame_reader_push(struct frame_reader *reader, uint8_t byte, struct vmheat_frame_header *request);

#endif /* VMHEAT_GUEST_FRAME_READER_H */
