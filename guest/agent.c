/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent.c - answers the host's requests on a port, see agent.h
 */
#include "agent.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "run_encoder.h"

/* The newest requests that wait for an answer. */
struct requests {
	bool hello;
	bool scan;
	uint32_t hello_sequence;
	uint32_t scan_sequence;
};

/* Send the frame whose payload of @length bytes lies in agent->frame. */
static int send_frame(struct agent *agent, enum vmheat_frame_type type, uint32_t sequence, size_t length)
{
	agent->frame.header = (struct vmheat_frame_header){
		.magic = htole32(VMHEAT_FRAME_MAGIC),
		.version = VMHEAT_PROTOCOL_VERSION,
		.type = (uint8_t)type,
		.sequence = htole32(sequence),
		.length = htole32((uint32_t)length),
	};
	return port_write(agent->port, &agent->frame, sizeof(agent->frame.header) + length);
}

/* The payload that the encoder hands out is the frame's own. */
static int send_pages(void *context, const uint8_t *payload, size_t length)
{
	struct agent *agent = context;

	return send_frame(agent, VMHEAT_FRAME_PAGES, agent->scan_sequence, length);
}

static int send_hello(struct agent *agent, uint32_t sequence)
{
	struct vmheat_hello hello;

	page_scanner_hello(&agent->scanner, &hello);
	hello.capabilities = htole32(hello.capabilities);
	hello.page_shift = htole32(hello.page_shift);
	hello.end_gfn = htole64(hello.end_gfn);
	memcpy(agent->frame.payload, &hello, sizeof(hello));
	return send_frame(agent, VMHEAT_FRAME_HELLO, sequence, sizeof(hello));
}

static int send_scan_end(struct agent *agent, const struct vmheat_scan_end *end)
{
	uint64_t fields[sizeof(*end) / sizeof(uint64_t)];

	memcpy(fields, end, sizeof(fields));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		fields[i] = htole64(fields[i]);
	memcpy(agent->frame.payload, fields, sizeof(fields));
	return send_frame(agent, VMHEAT_FRAME_SCAN_END, agent->scan_sequence, sizeof(fields));
}

static int send_error(struct agent *agent, int error, const char *failed)
{
	struct vmheat_error payload = { .error = htole32((uint32_t)-error) };
	size_t length = strnlen(failed, VMHEAT_ERROR_TEXT_MAX);

	memcpy(agent->frame.payload, &payload, sizeof(payload));
	memcpy(agent->frame.payload + sizeof(payload), failed, length);
	return send_frame(agent, VMHEAT_FRAME_ERROR, agent->scan_sequence, sizeof(payload) + length);
}

static int answer_scan(struct agent *agent, uint32_t sequence)
{
	struct run_encoder encoder = {
		.payload = agent->frame.payload,
		.capacity = sizeof(agent->frame.payload),
		.emit = send_pages,
		.context = agent,
	};
	struct vmheat_scan_end end;
	const char *failed;
	int error;

	agent->scan_sequence = sequence;
	error = page_scanner_run(&agent->scanner, &encoder, &end, &failed);
	if (error && failed)
		return send_error(agent, error, failed);
	return error ? error : send_scan_end(agent, &end);
}

/* Read all that has come; what was asked last goes into @requests. */
static int read_requests(struct agent *agent, struct requests *requests)
{
	uint8_t bytes[256];
	ssize_t size;

	while ((size = port_read(agent->port, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < size; i++) {
			struct vmheat_frame_header request;

			if (!frame_reader_push(&agent->reader, bytes[i], &request))
				continue;
			if (request.type == VMHEAT_FRAME_HELLO) {
				requests->hello = true;
				requests->hello_sequence = request.sequence;
			} else {
				requests->scan = true;
				requests->scan_sequence = request.sequence;
			}
		}
	}
	return (int)size;
}

/* An answer may fail alone: the host left, or the kernel had no memory for it. A port that is gone fails
 * reading too. */
static void answer(struct agent *agent, const struct requests *requests)
{
	if (requests->hello)
		(void)send_hello(agent, requests->hello_sequence);
	if (requests->scan)
		(void)answer_scan(agent, requests->scan_sequence);
}

int agent_open(struct agent *agent, struct port *port, const struct guest_paths *paths)
{
	int error;

	memset(agent, 0, sizeof(*agent));
	agent->port = port;
	page_scanner_open(&agent->scanner, paths);
	error = send_hello(agent, 0);
	if (error == 0 || error == -EPIPE)
		return 0;
	agent_close(agent);
	return error;
}

int agent_serve(struct agent *agent)
{
	for (;;) {
		struct requests requests = { .hello = false };
		int error = read_requests(agent, &requests);

		if (error)
			return error;
		if (requests.hello || requests.scan)
			answer(agent, &requests);
		else
			error = port_wait(agent->port);
		if (error)
			return error;
	}
}

void agent_close(struct agent *agent)
{
	page_scanner_close(&agent->scanner);
}
