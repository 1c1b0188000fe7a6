/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent.c - answers the host's requests on a port, see agent.h
 */
#include "agent.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "clock.h"
#include "counters.h"
#include "run_encoder.h"

/* In a structure of numbers that is sent. */
#define NUMBERS_MAX 16
_Static_assert(sizeof(struct vmheat_scan_end) <= NUMBERS_MAX * sizeof(uint64_t) &&
		       sizeof(struct vmheat_cgroup) <= NUMBERS_MAX * sizeof(uint64_t),
	       "all that is sent has room");

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
	agent->sent_bytes += sizeof(agent->frame.header) + length;
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

/* A structure of nothing but @count numbers of 8 bytes into the frame's payload. Return: its size. */
static size_t put_numbers(struct agent *agent, const void *structure, size_t count)
{
	uint64_t fields[NUMBERS_MAX];

	memcpy(fields, structure, count * sizeof(fields[0]));
	for (size_t i = 0; i < count; i++)
		fields[i] = htole64(fields[i]);
	memcpy(agent->frame.payload, fields, count * sizeof(fields[0]));
	return count * sizeof(fields[0]);
}

static int send_scan_end(struct agent *agent, const struct vmheat_scan_end *end)
{
	size_t size = put_numbers(agent, end, sizeof(*end) / sizeof(uint64_t));

	return send_frame(agent, VMHEAT_FRAME_SCAN_END, agent->scan_sequence, size);
}

static int send_cgroups(struct agent *agent)
{
	const struct vmheat_cgroup *cgroups;
	size_t count = page_scanner_cgroups(&agent->scanner, &cgroups);

	for (size_t i = 0; i < count; i++) {
		const char *path = cgroup_names_find(&agent->scanner.names, cgroups[i].id);
		size_t size = put_numbers(agent, &cgroups[i], sizeof(cgroups[i]) / sizeof(uint64_t));
		size_t length = strlen(path);
		int error;

		memcpy(agent->frame.payload + size, path, length);
		error = send_frame(agent, VMHEAT_FRAME_CGROUP, agent->scan_sequence, size + length);
		if (error)
			return error;
	}
	return 0;
}

static int send_error(struct agent *agent, int error, const char *failed)
{
	struct vmheat_error payload = { .error = htole32((uint32_t)-error) };
	size_t length = strnlen(failed, VMHEAT_ERROR_TEXT_MAX);

	memcpy(agent->frame.payload, &payload, sizeof(payload));
	memcpy(agent->frame.payload + sizeof(payload), failed, length);
	return send_frame(agent, VMHEAT_FRAME_ERROR, agent->scan_sequence, sizeof(payload) + length);
}

/* Scan, send what was found, and spend what it took. */
static int scan_and_send(struct agent *agent)
{
	struct run_encoder encoder = {
		.payload = agent->frame.payload,
		.capacity = sizeof(agent->frame.payload),
		.emit = send_pages,
		.context = agent,
	};
	uint64_t cpu_before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t bytes_before = agent->sent_bytes;
	struct vmheat_scan_end end;
	const char *failed;
	int error;

	error = page_scanner_run(&agent->scanner, &encoder, &end, &failed);
	if (!error)
		error = send_cgroups(agent);
	end.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
	if (error && failed)
		error = send_error(agent, error, failed);
	else if (!error)
		error = send_scan_end(agent, &end);
	budget_spend(&agent->cpu, (double)end.cpu_ns / 1e9);
	budget_spend(&agent->bytes, (double)(agent->sent_bytes - bytes_before));
	return error;
}

static int answer_scan(struct agent *agent, uint32_t sequence)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	bool cpu_left = budget_allows(&agent->cpu, now_ns);
	bool bytes_left = budget_allows(&agent->bytes, now_ns);
	struct vmheat_scan_end end = { .flags = VMHEAT_SCAN_OVER_BUDGET };

	agent->scan_sequence = sequence;
	if (cpu_left && bytes_left)
		return scan_and_send(agent);
	counters_read(&end, agent->scanner.paths);
	return send_scan_end(agent, &end);
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

void agent_open(struct agent *agent, const struct guest_paths *paths, const struct agent_limits *limits)
{
	memset(agent, 0, sizeof(*agent));
	agent->cpu.rate = limits->cpu;
	agent->bytes.rate = limits->bytes;
	page_scanner_open(&agent->scanner, paths);
}

int agent_serve(struct agent *agent, struct port *port)
{
	int error;

	agent->port = port;
	agent->reader = (struct frame_reader){ 0 };
	error = send_hello(agent, 0);
	/* Nobody has to be there to hear it. */
	if (error == -EPIPE)
		error = 0;
	while (!error) {
		struct requests requests = { .hello = false };

		error = read_requests(agent, &requests);
		if (error)
			break;
		if (requests.hello || requests.scan)
			answer(agent, &requests);
		else
			error = port_wait(agent->port);
	}
	return error;
}

void agent_close(struct agent *agent)
{
	page_scanner_close(&agent->scanner);
}
