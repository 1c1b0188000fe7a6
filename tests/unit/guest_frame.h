/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_frame.h - build frames of the guest protocol, right and wrong ones, for tests
 */
#ifndef TESTS_GUEST_FRAME_H
#define TESTS_GUEST_FRAME_H

#include <endian.h>
#include <stdint.h>
#include <string.h>
#include "vmheat/guest_protocol.h"

/** Bytes of a stream, put together piece by piece. */
struct guest_bytes {
	size_t length;
	uint8_t bytes[4 * 65536];
};

static inline void put_bytes(struct guest_bytes *to, const void *bytes, size_t length)
{
	if (length)
		memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
}

/** A frame's header, whatever it claims. */
static inline void put_header(struct guest_bytes *to, uint8_t type, uint32_t sequence, uint32_t length)
{
	struct vmheat_frame_header header = {
		.magic = htole32(VMHEAT_FRAME_MAGIC),
		.version = VMHEAT_PROTOCOL_VERSION,
		.type = type,
		.sequence = htole32(sequence),
		.length = htole32(length),
	};

	put_bytes(to, &header, sizeof(header));
}

static inline void put_frame(struct guest_bytes *to, uint8_t type, uint32_t sequence, const void *payload,
			     size_t length)
{
	put_header(to, type, sequence, (uint32_t)length);
	put_bytes(to, payload, length);
}

/** PAGES whose runs are given as bytes: page byte, LEB128 length, and so on. */
static inline void put_pages(struct guest_bytes *to, uint32_t sequence, uint64_t gfn, const void *runs,
			     size_t length)
{
	uint64_t first = htole64(gfn);

	put_header(to, VMHEAT_FRAME_PAGES, sequence, (uint32_t)(sizeof(first) + length));
	put_bytes(to, &first, sizeof(first));
	put_bytes(to, runs, length);
}

static inline void put_hello(struct guest_bytes *to, uint32_t page_shift, uint64_t end_gfn)
{
	struct vmheat_hello hello = {
		.capabilities = htole32(VMHEAT_GUEST_HAS_PAGE_IDLE | VMHEAT_GUEST_HAS_PAGE_FLAGS),
		.page_shift = htole32(page_shift),
		.end_gfn = htole64(end_gfn),
	};

	put_frame(to, VMHEAT_FRAME_HELLO, 0, &hello, sizeof(hello));
}

static inline void put_scan_end(struct guest_bytes *to, uint32_t sequence, uint64_t window_ns)
{
	struct vmheat_scan_end end = { .window_ns = htole64(window_ns) };

	put_frame(to, VMHEAT_FRAME_SCAN_END, sequence, &end, sizeof(end));
}

/** CGROUP of @pages, in the host's byte order, with a path of any @length bytes. */
static inline void put_cgroup(struct guest_bytes *to, uint32_t sequence, const struct vmheat_cgroup *pages,
			      const char *path, size_t length)
{
	const uint64_t numbers[] = { htole64(pages->id),
				     htole64(pages->idle_anon_pages),
				     htole64(pages->idle_file_pages),
				     htole64(pages->idle_unmapped_pages),
				     htole64(pages->accessed_anon_pages),
				     htole64(pages->accessed_file_pages),
				     htole64(pages->unknown_pages) };

	put_header(to, VMHEAT_FRAME_CGROUP, sequence, (uint32_t)(sizeof(numbers) + length));
	put_bytes(to, numbers, sizeof(numbers));
	put_bytes(to, path, length);
}

static inline void put_error(struct guest_bytes *to, uint32_t sequence, uint32_t error, const char *text)
{
	uint32_t number = htole32(error);

	put_header(to, VMHEAT_FRAME_ERROR, sequence, (uint32_t)(sizeof(number) + strlen(text)));
	put_bytes(to, &number, sizeof(number));
	put_bytes(to, text, strlen(text));
}

#endif /* TESTS_GUEST_FRAME_H */
