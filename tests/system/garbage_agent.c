/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * garbage_agent.c - garbage-agent, what stands where an agent should, for the daemon's system tests
 *
 * Usage: garbage-agent SOCKET [MODE]
 *
 * Listens on the unix socket SOCKET and answers each request in its own way; it never stops by itself:
 *
 *   garbage  (the default) bytes without any sense, a frame that says it is longer than a frame can be, pages in answer to
 *            a request that nobody made, and an end of scan too short
 *   flood    well-formed frames without an end
 *   stall    half a frame, and then nothing
 *   lie      a whole answer: all memory is idle, the window is the one that lets it count, and the guest has more cgroups
 *            than there may be, with more pages than there are, whose names are commands for a terminal
 *   replay   always the answer to the first request of the connection
 */
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "vmheat/guest_protocol.h"

#define NOISE_BYTES    4096u
#define WRONG_SEQUENCE 0x5ca1ab1eu
#define LYING_CGROUPS  (2 * VMHEAT_CGROUPS_MAX)
#define LYING_WINDOW   2000000000 /* ns, as long as the interval of the tests */

struct blob {
	size_t length;
	uint8_t bytes[65536];
};

static void put(struct blob *blob, const void *bytes, size_t length)
{
	memcpy(blob->bytes + blob->length, bytes, length);
	blob->length += length;
}

static void put_header(struct blob *blob, enum vmheat_frame_type type, uint32_t sequence, uint32_t length)
{
	struct vmheat_frame_header header = {
		.magic = htole32(VMHEAT_FRAME_MAGIC),
		.version = VMHEAT_PROTOCOL_VERSION,
		.type = (uint8_t)type,
		.sequence = htole32(sequence),
		.length = htole32(length),
	};

	put(blob, &header, sizeof(header));
}

/* From frame 0 on: 100 pages of one state. */
static void put_pages(struct blob *blob, uint32_t sequence, enum vmheat_page_state state)
{
	const uint8_t pages[] = { 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)state, 100 };

	put_header(blob, VMHEAT_FRAME_PAGES, sequence, sizeof(pages));
	put(blob, pages, sizeof(pages));
}

static void put_end(struct blob *blob, uint32_t sequence)
{
	const struct vmheat_scan_end end = { .window_ns = htole64(LYING_WINDOW) };

	put_header(blob, VMHEAT_FRAME_SCAN_END, sequence, sizeof(end));
	put(blob, &end, sizeof(end));
}

static void make_garbage(struct blob *blob)
{
	static const uint8_t zeros[64];
	uint32_t noise = 1;

	while (blob->length < NOISE_BYTES) {
		noise = noise * 1664525u + 1013904223u;
		put(blob, &noise, sizeof(noise));
	}
	put_header(blob, VMHEAT_FRAME_PAGES, WRONG_SEQUENCE, VMHEAT_FRAME_PAYLOAD_MAX + 1);
	put_pages(blob, WRONG_SEQUENCE, VMHEAT_PAGE_ACCESSED);
	put_header(blob, VMHEAT_FRAME_SCAN_END, WRONG_SEQUENCE, sizeof(zeros));
	put(blob, zeros, sizeof(zeros));
}

static void make_lie(struct blob *blob, uint32_t sequence)
{
	static const char name[] = "/\x1b]0;owned\x07\x1b[2J\n\xff";
	const struct vmheat_cgroup all = { .id = htole64(1), .idle_anon_pages = htole64(UINT64_MAX) };
	const struct vmheat_cgroup one = { .id = htole64(2), .idle_anon_pages = htole64(1) };

	put_pages(blob, sequence, VMHEAT_PAGE_IDLE);
	for (unsigned int i = 0; i < LYING_CGROUPS; i++) {
		put_header(blob, VMHEAT_FRAME_CGROUP, sequence, sizeof(one) + sizeof(name) - 1);
		put(blob, i % 2 ? &one : &all, sizeof(one));
		put(blob, name, sizeof(name) - 1);
	}
	put_end(blob, sequence);
}

static bool send_blob(int client, const struct blob *blob)
{
	return send(client, blob->bytes, blob->length, MSG_NOSIGNAL) == (ssize_t)blob->length;
}

/* Answer one request. False when there is nobody to answer any more. */
static bool answer(int client, const char *mode, uint32_t sequence, uint32_t first)
{
	struct blob blob = { .length = 0 };

	if (strcmp(mode, "stall") == 0) {
		put_pages(&blob, sequence, VMHEAT_PAGE_ACCESSED);
		blob.length /= 2;
	} else if (strcmp(mode, "flood") == 0) {
		while (blob.length < sizeof(blob.bytes) / 2)
			put_pages(&blob, WRONG_SEQUENCE, VMHEAT_PAGE_ACCESSED);
		while (send_blob(client, &blob))
			;
		return false;
	} else if (strcmp(mode, "lie") == 0) {
		make_lie(&blob, sequence);
	} else if (strcmp(mode, "replay") == 0) {
		put_pages(&blob, first, VMHEAT_PAGE_ACCESSED);
		put_end(&blob, first);
	} else {
		make_garbage(&blob);
	}
	return send_blob(client, &blob);
}

/* The connection's first scan is answered by a replayer, too: honestly, of a time when nobody watched. */
static void serve(int client, const char *mode)
{
	struct vmheat_frame_header request;
	uint32_t first = 0;

	while (recv(client, &request, sizeof(request), MSG_WAITALL) == (ssize_t)sizeof(request)) {
		if (request.type != VMHEAT_FRAME_SCAN)
			continue;
		if (first == 0)
			first = le32toh(request.sequence);
		if (!answer(client, mode, le32toh(request.sequence), first))
			return;
	}
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
	int listener = argc == 2 || argc == 3 ? listen_at(argv[1]) : -1;

	if (listener < 0) {
		(void)fprintf(stderr, "usage: garbage-agent SOCKET [MODE] (a path where nothing is yet)\n");
		return 2;
	}
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			return 1;
		serve(client, argc == 3 ? argv[2] : "garbage");
		close(client);
	}
}
