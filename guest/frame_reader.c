/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame_reader.c - what the host asks, see frame_reader.h
 */
#include "frame_reader.h"

#include <endian.h>
#include <string.h>

/* Whether the bytes so far may be the beginning of a frame. */
static bool may_be_frame(const struct frame_reader *reader)
{
	const uint32_t magic = htole32(VMHEAT_FRAME_MAGIC);
	size_t size = reader->length < sizeof(magic) ? reader->length : sizeof(magic);

	return memcmp(reader->bytes, &magic, size) == 0;
}

/* Give up the frame at the front; go on with what may be the next. */
static void drop_frame(struct frame_reader *reader)
{
	do {
		reader->length--;
		memmove(reader->bytes, reader->bytes + 1, reader->length);
	} while (!may_be_frame(reader));
}

bool frame_reader_push(struct frame_reader *reader, uint8_t byte, struct vmheat_frame_header *request)
{
	reader->bytes[reader->length++] = byte;
	if (!may_be_frame(reader)) {
		drop_frame(reader);
		return false;
	}
	if (reader->length < sizeof(*request))
		return false;

	memcpy(request, reader->bytes, sizeof(*request));
	request->sequence = le32toh(request->sequence);
	if (request->version != VMHEAT_PROTOCOL_VERSION || request->reserved != 0 || request->length != 0 ||
	    (request->type != VMHEAT_FRAME_HELLO && request->type != VMHEAT_FRAME_SCAN)) {
		drop_frame(reader);
		return false;
	}
	reader->length = 0;
	return true;
}
