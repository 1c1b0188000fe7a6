// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accuracy_guest.c - what accuracy.c says to a guest: to its workload, and to vmheat-guest
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "accuracy_guest.h"
#include "measure.h"

#define ANSWER_WAIT_MS 60000

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		die(path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die(path);
	return fd;
}

/* Read what comes next. Return: how many bytes, at least 1. */
static size_t read_some(int fd, void *buffer, size_t size)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	ssize_t bytes;

	errno = 0;
	if (poll(&in, 1, ANSWER_WAIT_MS) <= 0)
		die("the guest's answer");
	bytes = read(fd, buffer, size);
	if (bytes <= 0)
		die("the guest's answer");
	return (size_t)bytes;
}

void accuracy_guest_open(struct accuracy_guest *guest, const char *workload, const char *agent, uint64_t vpn,
			 size_t pages)
{
	const struct ram_range memory = { .gfn = 0, .vpn = vpn, .pages = pages };
	const char *reason;

	guest->workload = workload;
	guest->agent = connect_to(agent);
	guest->map = page_map_new(&memory, 1, &reason);
	guest->stream = guest->map ? guest_stream_new(guest->map) : NULL;
	if (!guest->stream)
		die("the guest's memory");
}

void accuracy_guest_tell(const struct accuracy_guest *guest, const char *format, ...)
{
	int fd = connect_to(guest->workload), length;
	char line[1024];
	va_list arguments;
	size_t used = 0;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	transferred(write(fd, line, (size_t)length), (size_t)length, "the workload's port");
	transferred(write(fd, "\n", 1), 1, "the workload's port");
	do
		used += read_some(fd, line + used, sizeof(line) - used);
	while (used < sizeof(line) && !memchr(line, '\n', used));
	if (used == sizeof(line) || memmem(line, used, "\"error\"", strlen("\"error\"")))
		die("the workload's answer");
	close(fd);
}

void accuracy_guest_scan(struct accuracy_guest *guest)
{
	const struct vmheat_frame_header request = { .magic = VMHEAT_FRAME_MAGIC,
						     .version = VMHEAT_PROTOCOL_VERSION,
						     .type = VMHEAT_FRAME_SCAN,
						     .sequence = ++guest->sequence };
	uint8_t bytes[4096];

	guest_stream_start_scan(guest->stream, guest->sequence);
	transferred(write(guest->agent, &request, sizeof(request)), sizeof(request), "the agent's port");
	while (guest_stream_state(guest->stream) == GUEST_SCAN_PENDING)
		guest_stream_push(guest->stream, bytes, read_some(guest->agent, bytes, sizeof(bytes)));
	if (guest_stream_state(guest->stream) != GUEST_SCAN_COMPLETE)
		die(guest_stream_error_text(guest->stream));
	guest->scan_ns = guest_stream_end(guest->stream)->scan_ns;
}
