/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * garbage_agent.c - garbage-agent, what stands where an agent should, for the daemon's system test
 *
 * Usage: garbage-agent SOCKET
 *
 * Listens on the unix socket SOCKET and answers whatever it reads with the same blob: bytes without any
 * sense, a frame that says it is longer than a frame can be, pages in answer to a request that nobody made,
 * and an end of scan one byte too short. It never stops by itself.
 */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "vmheat/guest_protocol.h"

#define NOISE_BYTES    4096u
#define WRONG_SEQUENCE 0x5ca1ab1eu

struct blob {
	size_t length;
	uint8_t bytes[2 * NOISE_BYTES];
};

static void put(struct blob *blob, const void *bytes, size_t length)
{
	memcpy(blob->bytes + blob->length, bytes, length);
	blob->length += length;
}

static void put_header(struct blob *blob, enum vmheat_frame_type type, uint32_t length)
{
	struct vmheat_frame_header header = {
		.magic = htole32(VMHEAT_FRAME_MAGIC),
		.version = VMHEAT_PROTOCOL_VERSION,
		.type = (uint8_t)type,
		.sequence = htole32(WRONG_SEQUENCE),
		.length = htole32(length),
	};

	put(blob, &header, sizeof(header));
}

static void make_blob(struct blob *blob)
{
	static const uint8_t zeros[sizeof(struct vmheat_scan_end)];
	/* From frame 0 on: 100 pages accessed. */
	static const uint8_t pages[] = { 0, 0, 0, 0, 0, 0, 0, 0, VMHEAT_PAGE_ACCESSED, 100 };
	uint32_t noise = 1;

	blob->length = 0;
	while (blob->length < NOISE_BYTES) {
		noise = noise * 1664525u + 1013904223u;
		put(blob, &noise, sizeof(noise));
	}
	put_header(blob, VMHEAT_FRAME_PAGES, VMHEAT_FRAME_PAYLOAD_MAX + 1);
	put_header(blob, VMHEAT_FRAME_PAGES, sizeof(pages));
	put(blob, pages, sizeof(pages));
	put_header(blob, VMHEAT_FRAME_SCAN_END, sizeof(zeros) - 1);
	put(blob, zeros, sizeof(zeros) - 1);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0)
		return -1;
	return listener;
}

int main(int argc, char **argv)
{
	int listener = argc == 2 ? listen_at(argv[1]) : -1;
	struct blob blob;

	if (listener < 0) {
		fprintf(stderr, "usage: garbage-agent SOCKET (a path where nothing is yet)\n");
		return 2;
	}
	make_blob(&blob);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		char request[sizeof(struct vmheat_frame_header)];

		if (client < 0)
			return 1;
		while (read(client, request, sizeof(request)) > 0)
			if (send(client, blob.bytes, blob.length, MSG_NOSIGNAL) < 0)
				break;
		close(client);
	}
}
