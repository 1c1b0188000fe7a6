/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent_client.c - agent-client, the host's end of an agent's port, step by step, for system tests
 *
 * Usage: agent-client SOCKET MEMORY_MIB STEP...
 *
 *   hello           ask for HELLO and print it
 *   scan            ask for a scan, wait for its end, and print what it says and what was wrong on the way
 *   wait:MS         do nothing
 *   garbage:BYTES   send so many bytes that are no request
 *   leave:BYTES     ask for a scan, read at least so many bytes of the answer, hang up, and connect anew
 *
 * hello and scan print one line of JSON each. The guest's memory is taken to lie at 0 without a hole, as it
 * does below 2 GiB.
 *
 * Exit code: 0 all answers came; 1 one did not within 30 s, or was an error; 2 wrong usage.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "guest_stream.h"
#include "page_map.h"

#define ANSWER_WAIT_MS 30000
#define MIB_PAGES      256u

struct client {
	const char *path;
	int fd;
	uint32_t sequence;
	const struct page_map *map;
	struct guest_stream *stream;
};

static bool connect_client(struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(client->path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, client->path, strlen(client->path));
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return client->fd >= 0 && connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool send_bytes(const struct client *client, const void *bytes, size_t size)
{
	return send(client->fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool send_request(struct client *client, enum vmheat_frame_type type)
{
	const struct vmheat_frame_header header = {
		.magic = VMHEAT_FRAME_MAGIC,
		.version = VMHEAT_PROTOCOL_VERSION,
		.type = (uint8_t)type,
		.sequence = ++client->sequence,
	};

	return send_bytes(client, &header, sizeof(header));
}

/* Read what comes next. False if nothing does in time. */
static bool read_some(const struct client *client)
{
	struct pollfd poll_in = { .fd = client->fd, .events = POLLIN };
	uint8_t bytes[4096];
	ssize_t size;

	if (poll(&poll_in, 1, ANSWER_WAIT_MS) <= 0)
		return false;
	size = read(client->fd, bytes, sizeof(bytes));
	if (size <= 0)
		return false;
	guest_stream_push(client->stream, bytes, (size_t)size);
	return true;
}

/* What the agent said unasked when it started lies before its answer, so two frames may have to come. */
static bool step_hello(struct client *client)
{
	const struct guest_stream_counts *counts = guest_stream_counts(client->stream);
	const struct vmheat_hello *hello;
	uint64_t before = counts->frames;

	if (!send_request(client, VMHEAT_FRAME_HELLO))
		return false;
	while (counts->frames == before)
		if (!read_some(client))
			return false;
	hello = guest_stream_hello(client->stream);
	if (!hello)
		return false;
	printf("{\"page_idle\": %s, \"page_flags\": %s, \"cgroups\": %s, \"lru_gen\": %s, ",
	       hello->capabilities & VMHEAT_GUEST_HAS_PAGE_IDLE ? "true" : "false",
	       hello->capabilities & VMHEAT_GUEST_HAS_PAGE_FLAGS ? "true" : "false",
	       hello->capabilities & VMHEAT_GUEST_HAS_CGROUPS ? "true" : "false",
	       hello->capabilities & VMHEAT_GUEST_HAS_LRU_GEN ? "true" : "false");
	printf("\"page_shift\": %u, \"end_gfn\": %llu}\n", hello->page_shift,
	       (unsigned long long)hello->end_gfn);
	return true;
}

/* How many pages have the state, and, if @kind is given, the kind. */
static unsigned long long count_pages(const struct client *client, enum vmheat_page_state state, uint8_t kind)
{
	unsigned long long count = 0;

	for (uint64_t i = 0; i < client->map->index_count; i++) {
		uint8_t page = guest_pages_get(guest_stream_pages(client->stream), i);

		count += (page & VMHEAT_PAGE_STATE_MASK) == state && (page & kind) == kind;
	}
	return count;
}

/* Their paths are as the parser lets them through; one in a test has nothing that JSON would want to be escaped. */
static void print_cgroups(const struct client *client)
{
	size_t count;
	const struct guest_cgroup *cgroups = guest_stream_cgroups(client->stream, &count);

	printf("\"cgroups\": [");
	for (size_t i = 0; i < count; i++)
		printf("%s{\"path\": \"%s\", \"idle_anon\": %llu, \"idle_file\": %llu, "
		       "\"accessed_anon\": %llu, \"accessed_file\": %llu, \"unknown\": %llu}",
		       i ? ", " : "", cgroups[i].path, (unsigned long long)cgroups[i].pages.idle_anon_pages,
		       (unsigned long long)cgroups[i].pages.idle_file_pages,
		       (unsigned long long)cgroups[i].pages.accessed_anon_pages,
		       (unsigned long long)cgroups[i].pages.accessed_file_pages,
		       (unsigned long long)cgroups[i].pages.unknown_pages);
	printf("], ");
}

static void print_scan(const struct client *client, uint64_t bytes)
{
	const struct guest_stream_counts *counts = guest_stream_counts(client->stream);
	const struct vmheat_scan_end *end = guest_stream_end(client->stream);

	printf("{\"window_ms\": %.3f, \"scan_ms\": %.3f, \"bytes\": %llu, ", (double)end->window_ns / 1e6,
	       (double)end->scan_ns / 1e6, (unsigned long long)bytes);
	printf("\"free\": %llu, \"unknown\": %llu, \"idle\": %llu, \"accessed\": %llu, ",
	       count_pages(client, VMHEAT_PAGE_FREE, 0), count_pages(client, VMHEAT_PAGE_UNKNOWN, 0),
	       count_pages(client, VMHEAT_PAGE_IDLE, 0), count_pages(client, VMHEAT_PAGE_ACCESSED, 0));
	printf("\"idle_anon\": %llu, \"accessed_anon\": %llu, \"idle_file\": %llu, \"accessed_file\": %llu, ",
	       count_pages(client, VMHEAT_PAGE_IDLE, VMHEAT_PAGE_ANON),
	       count_pages(client, VMHEAT_PAGE_ACCESSED, VMHEAT_PAGE_ANON),
	       count_pages(client, VMHEAT_PAGE_IDLE, VMHEAT_PAGE_FILE),
	       count_pages(client, VMHEAT_PAGE_ACCESSED, VMHEAT_PAGE_FILE));
	printf("\"memory_total_kib\": %llu, \"memory_free_kib\": %llu, \"memory_usable_kib\": %llu, "
	       "\"oom_kills\": %llu, \"major_faults\": %llu, \"memory_stall_us\": %llu, ",
	       (unsigned long long)end->memory_total_kib, (unsigned long long)end->memory_free_kib,
	       (unsigned long long)end->memory_usable_kib, (unsigned long long)end->oom_kills,
	       (unsigned long long)end->major_faults, (unsigned long long)end->memory_stall_us);
	print_cgroups(client);
	printf("\"cpu_ms\": %.3f, \"flags\": %llu, \"excess_cgroups\": %llu, ", (double)end->cpu_ns / 1e6,
	       (unsigned long long)end->flags, (unsigned long long)counts->excess_cgroups);
	printf("\"bad_frames\": %llu, \"stale_frames\": %llu, \"skipped_bytes\": %llu, \"foreign_pages\": "
	       "%llu}\n",
	       (unsigned long long)counts->bad_frames, (unsigned long long)counts->stale_frames,
	       (unsigned long long)counts->skipped_bytes, (unsigned long long)counts->foreign_pages);
}

static bool step_scan(struct client *client)
{
	uint64_t before = guest_stream_counts(client->stream)->bytes;

	guest_stream_start_scan(client->stream, client->sequence + 1);
	if (!send_request(client, VMHEAT_FRAME_SCAN))
		return false;
	while (guest_stream_state(client->stream) == GUEST_SCAN_PENDING)
		if (!read_some(client))
			return false;
	if (guest_stream_state(client->stream) == GUEST_SCAN_FAILED) {
		(void)fprintf(stderr, "agent-client: the agent says: %s\n",
			      guest_stream_error_text(client->stream));
		return false;
	}
	print_scan(client, guest_stream_counts(client->stream)->bytes - before);
	return true;
}

static bool step_garbage(const struct client *client, size_t size)
{
	/* Half a magic, a broken header and noise, again and again. */
	static const uint8_t noise[] = "VMHVMHT\x09\x02\x01\x01 noise VMHT\x01\xff";

	for (size_t sent = 0; sent < size; sent += sizeof(noise))
		if (!send_bytes(client, noise, size - sent < sizeof(noise) ? size - sent : sizeof(noise)))
			return false;
	return true;
}

static bool step_leave(struct client *client, uint64_t size)
{
	uint64_t before = guest_stream_counts(client->stream)->bytes;

	if (!send_request(client, VMHEAT_FRAME_SCAN))
		return false;
	while (guest_stream_counts(client->stream)->bytes - before < size)
		if (!read_some(client))
			return false;
	close(client->fd);
	guest_stream_reconnected(client->stream);
	return connect_client(client);
}

static bool run_step(struct client *client, const char *step)
{
	const char *value = strchr(step, ':');
	size_t number = value ? strtoul(value + 1, NULL, 10) : 0;

	if (strcmp(step, "hello") == 0)
		return step_hello(client);
	if (strcmp(step, "scan") == 0)
		return step_scan(client);
	if (strncmp(step, "garbage:", 8) == 0)
		return step_garbage(client, number);
	if (strncmp(step, "leave:", 6) == 0)
		return step_leave(client, number);
	if (strncmp(step, "wait:", 5) == 0) {
		const struct timespec time = { (time_t)(number / 1000), (long)(number % 1000) * 1000000 };

		return nanosleep(&time, NULL) == 0;
	}
	(void)fprintf(stderr, "agent-client: unknown step\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct client client = { .sequence = (uint32_t)getpid() * 1000u };
	const char *reason = "no memory";
	struct page_map *map;

	if (argc < 4) {
		(void)fprintf(stderr, "Usage: agent-client SOCKET MEMORY_MIB STEP...\n");
		return 2;
	}

	const struct ram_range memory = { .pages = strtoul(argv[2], NULL, 10) * MIB_PAGES };

	map = page_map_new(&memory, 1, &reason);
	client.stream = map ? guest_stream_new(map) : NULL;
	if (!client.stream) {
		(void)fprintf(stderr, "agent-client: %s\n", reason);
		return 2;
	}
	client.map = map;
	client.path = argv[1];
	if (!connect_client(&client)) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	for (int i = 3; i < argc; i++) {
		if (!run_step(&client, argv[i])) {
			(void)fprintf(stderr, "agent-client: %s: no answer\n", argv[i]);
			return EXIT_FAILURE;
		}
		(void)fflush(stdout);
	}
	return EXIT_SUCCESS;
}
