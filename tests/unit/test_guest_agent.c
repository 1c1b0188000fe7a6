/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_agent.c - the agent source, with the test as QEMU and agent on the other end of the socket
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include "guest_frame.h"
#include "source.h"

#define PAGES 1024u

/* More than an agent may ever send for PAGES pages: 4 bytes a page and 1 MiB. */
#define FLOOD_BYTES 2097152u

struct bench {
	char *folder;
	struct domain domain;
	struct page_map *map;
	struct guest_source *source;
	int listener;
	int port; /* the agent's end; -1: not connected */
	struct guest_bytes answer;
};

static int open_bench(void **state)
{
	static const struct ram_range ram = { .gfn = 0, .vpn = 4096, .pages = PAGES };
	struct bench *bench = g_new0(struct bench, 1);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *reason;

	bench->folder = g_dir_make_tmp("vmheat-XXXXXX", NULL);
	assert_non_null(bench->folder);
	bench->domain.name = g_strdup("g1");
	bench->domain.agent_socket = g_strconcat(bench->folder, "/port", NULL);
	bench->map = page_map_new(&ram, 1, &reason);
	bench->port = -1;
	bench->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(address.sun_path, bench->domain.agent_socket, sizeof(address.sun_path));
	assert_int_equal(bind(bench->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(bench->listener, 1), 0);
	bench->source = guest_source_agent.open(&bench->domain, bench->map, NULL);
	assert_non_null(bench->source);
	*state = bench;
	return 0;
}

static void hang_up(struct bench *bench)
{
	if (bench->port >= 0)
		close(bench->port);
	bench->port = -1;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	guest_source_agent.close(bench->source);
	hang_up(bench);
	close(bench->listener);
	page_map_free(bench->map);
	(void)g_remove(bench->domain.agent_socket);
	(void)g_remove(bench->folder);
	g_free(bench->domain.agent_socket);
	g_free(bench->domain.name);
	g_free(bench->folder);
	g_free(bench);
	return 0;
}

/* Read the next request, which must be of @type; its sequence number is returned. */
static uint32_t read_request(const struct bench *bench, enum vmheat_frame_type type)
{
	struct vmheat_frame_header header;

	assert_int_equal(recv(bench->port, &header, sizeof(header), MSG_WAITALL), sizeof(header));
	assert_int_equal(le32toh(header.magic), VMHEAT_FRAME_MAGIC);
	assert_int_equal(header.version, VMHEAT_PROTOCOL_VERSION);
	assert_int_equal(header.type, type);
	assert_int_equal(header.reserved, 0);
	assert_int_equal(header.length, 0);
	assert_int_not_equal(header.sequence, 0);
	return le32toh(header.sequence);
}

/* Ask for a scan; as the agent, take the connection if it is new, and the request. Its sequence is returned.
 */
static uint32_t start(struct bench *bench)
{
	g_autoptr(GError) error = NULL;

	if (!guest_source_agent.start(bench->source, &error))
		fail_msg("%s", error->message);
	if (bench->port < 0) {
		bench->port = accept(bench->listener, NULL, NULL);
		assert_true(bench->port >= 0);
		read_request(bench, VMHEAT_FRAME_HELLO);
	}
	bench->answer.length = 0;
	return read_request(bench, VMHEAT_FRAME_SCAN);
}

static void send_answer(const struct bench *bench)
{
	assert_int_equal(send(bench->port, bench->answer.bytes, bench->answer.length, MSG_NOSIGNAL),
			 (ssize_t)bench->answer.length);
}

/* PAGES of one run: @pages pages from gfn @first on are @page. */
static void put_run(struct bench *bench, uint32_t sequence, uint64_t first, uint8_t page, uint8_t pages)
{
	const uint8_t run[] = { page, pages };

	put_pages(&bench->answer, sequence, first, run, sizeof(run));
}

static void assert_answer(struct bench *bench, guint64 accessed_from, guint64 accessed)
{
	const struct vmheat_scan_end *end;
	g_autoptr(GError) error = NULL;
	const struct guest_leaf *pages;

	if (!guest_source_agent.finish(bench->source, 20000, &pages, &end, &error))
		fail_msg("%s", error->message);
	assert_int_equal(end->window_ns, 1234);
	for (guint64 i = 0; i < PAGES; i++)
		assert_int_equal(guest_pages_get(pages, i), i >= accessed_from && i < accessed_from + accessed
								    ? VMHEAT_PAGE_ACCESSED
								    : VMHEAT_PAGE_UNKNOWN);
}

static void assert_no_answer(struct bench *bench, int timeout_ms, const char *message)
{
	const struct vmheat_scan_end *end;
	g_autoptr(GError) error = NULL;
	const struct guest_leaf *pages;

	assert_false(guest_source_agent.finish(bench->source, timeout_ms, &pages, &end, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_FAILED));
	if (strstr(error->message, message) == NULL)
		fail_msg("'%s' is not in '%s'", message, error->message);
	assert_true(g_str_has_prefix(error->message, "g1: its agent "));
}

static void answer_scan(struct bench *bench, uint32_t sequence, uint64_t first, uint8_t pages)
{
	put_run(bench, sequence, first, VMHEAT_PAGE_ACCESSED, pages);
	put_scan_end(&bench->answer, sequence, 1234);
}

/* The connection still stands (or does not): what the agent's end sees when it reads on. */
static void assert_connected(const struct bench *bench, gboolean connected)
{
	char byte;
	ssize_t count = recv(bench->port, &byte, 1, MSG_DONTWAIT);

	assert_int_equal(count, connected ? -1 : 0);
}

/* Two scans over one connection, each with pages of its own. */
static void test_answers(void **state)
{
	struct bench *bench = *state;
	uint32_t first = start(bench), second;

	answer_scan(bench, first, 10, 20);
	send_answer(bench);
	assert_answer(bench, 10, 20);
	second = start(bench);
	assert_int_not_equal(second, first);
	answer_scan(bench, second, 500, 7);
	send_answer(bench);
	assert_answer(bench, 500, 7);
	assert_int_equal(guest_source_agent.counts(bench->source)->bad_frames, 0);
}

struct late {
	struct bench *bench;
	gulong delay_us;
};

static gpointer send_late(gpointer data)
{
	const struct late *late = data;

	g_usleep(late->delay_us);
	send_answer(late->bench);
	return NULL;
}

/* finish() waits for an answer that comes 50 ms later. */
static void test_waits(void **state)
{
	struct bench *bench = *state;
	struct late late = { bench, 50000 };
	GThread *agent;

	answer_scan(bench, start(bench), 1, 2);
	agent = g_thread_new("agent", send_late, &late);
	assert_answer(bench, 1, 2);
	g_thread_join(agent);
}

/* An answer of which only a part comes in time is late, not lost: its rest is dropped as stale, the next
 * counts. */
static void test_late_answer(void **state)
{
	struct bench *bench = *state;
	uint32_t sequence = start(bench);

	put_run(bench, sequence, 3, VMHEAT_PAGE_ACCESSED, 100);
	send_answer(bench);
	assert_no_answer(bench, 20, "has not answered within 20 ms, but says something");
	assert_connected(bench, TRUE);

	bench->answer.length = 0;
	put_scan_end(&bench->answer, sequence, 99);
	send_answer(bench);
	sequence = start(bench);
	answer_scan(bench, sequence, 7, 1);
	send_answer(bench);
	assert_answer(bench, 7, 1);
	assert_int_equal(guest_source_agent.counts(bench->source)->stale_frames, 1);
}

/* An agent that says nothing is cut off, so that requests do not pile up; it may be there the next time. */
static void test_silence(void **state)
{
	struct bench *bench = *state;

	start(bench);
	assert_no_answer(bench, 20, "has not answered within 20 ms");
	assert_connected(bench, FALSE);
	assert_no_answer(bench, 20, "was not asked");
	hang_up(bench);
	answer_scan(bench, start(bench), 0, 1);
	send_answer(bench);
	assert_answer(bench, 0, 1);
}

/* Garbage around and between frames is passed over. */
static void test_garbage(void **state)
{
	struct bench *bench = *state;
	uint32_t sequence = start(bench);

	put_bytes(&bench->answer, "TMHVVMHT garbage\0\xff", 18);
	put_run(bench, sequence, 9, VMHEAT_PAGE_ACCESSED, 3);
	put_bytes(&bench->answer, "more", 4);
	put_scan_end(&bench->answer, sequence, 1234);
	send_answer(bench);
	assert_answer(bench, 9, 3);
	assert_true(guest_source_agent.counts(bench->source)->skipped_bytes > 0);
}

/* An answer to a number that was never given is no answer. */
static void test_stale_sequence(void **state)
{
	struct bench *bench = *state;

	answer_scan(bench, start(bench) - 2, 0, 64);
	send_answer(bench);
	assert_no_answer(bench, 20, "has not answered");
	assert_int_equal(guest_source_agent.counts(bench->source)->stale_frames, 2);
}

/* The agent's own report of a failure comes through, with its text. */
static void test_agent_reports(void **state)
{
	struct bench *bench = *state;
	uint32_t sequence = start(bench);

	put_error(&bench->answer, sequence, 2, "no page_idle");
	send_answer(bench);
	assert_no_answer(bench, 1000, "reports: no page_idle");
	assert_connected(bench, TRUE);
}

/* The agent goes in mid-answer; the next start() connects anew and the half frame does no harm. */
static void test_hang_up(void **state)
{
	struct bench *bench = *state;

	answer_scan(bench, start(bench), 5, 5);
	bench->answer.length -= 30;
	send_answer(bench);
	hang_up(bench);
	assert_no_answer(bench, 1000, "is cut off: its port was closed");
	answer_scan(bench, start(bench), 6, 6);
	send_answer(bench);
	assert_answer(bench, 6, 6);
}

static gpointer flood(gpointer data)
{
	const struct bench *bench = data;
	gsize sent = 0;

	while (sent < FLOOD_BYTES) {
		ssize_t count = send(bench->port, bench->answer.bytes, bench->answer.length, MSG_NOSIGNAL);

		if (count <= 0)
			break;
		sent += (gsize)count;
	}
	return GSIZE_TO_POINTER(sent);
}

/* Endless well-formed frames end the connection after 4 bytes a page and 1 MiB, not after the time limit. */
static void test_flood(void **state)
{
	struct bench *bench = *state;
	uint32_t sequence = start(bench);
	gint64 before = g_get_monotonic_time();
	GThread *agent;

	while (bench->answer.length < 65536)
		put_run(bench, sequence + 1, 0, VMHEAT_PAGE_IDLE, 1);
	agent = g_thread_new("agent", flood, bench);
	assert_no_answer(bench, 60000, "sends too much: more than 1052672 bytes");
	assert_true(g_get_monotonic_time() - before < (gint64)30 * G_USEC_PER_SEC);
	assert_true(GPOINTER_TO_SIZE(g_thread_join(agent)) < FLOOD_BYTES);
	hang_up(bench);
	answer_scan(bench, start(bench), 1, 1);
	send_answer(bench);
	assert_answer(bench, 1, 1);
}

static void assert_start_fails(struct bench *bench, enum source_error code, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_false(guest_source_agent.start(bench->source, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, code));
	assert_non_null(strstr(error->message, message));
}

/* A guest that reads nothing: its port fills up, and start() says so instead of waiting. */
static void test_port_full(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;
	guint starts = 0;

	while (guest_source_agent.start(bench->source, &error) && starts < 1000000)
		starts++;
	assert_true(starts > 0);
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_FAILED));
	assert_non_null(strstr(error->message, "could not be asked"));
}

/* No port, a port nobody serves, a path too long for a socket: each names the VM and what is wrong. */
static void test_unreachable(void **state)
{
	struct bench *bench = *state;
	g_autofree char *good = bench->domain.agent_socket;
	g_autofree char *long_path = g_strnfill(200, 'x');
	g_autoptr(GError) error = NULL;

	assert_int_equal(g_remove(good), 0);
	assert_start_fails(bench, SOURCE_ERROR_UNAVAILABLE, "g1: its agent cannot be reached");
	guest_source_agent.close(bench->source);

	bench->domain.agent_socket = NULL;
	assert_null(guest_source_agent.open(&bench->domain, bench->map, &error));
	assert_true(g_error_matches(error, SOURCE_ERROR, SOURCE_ERROR_UNAVAILABLE));
	assert_non_null(strstr(error->message, "the domain lacks org.vmheat.guest.0"));

	bench->domain.agent_socket = long_path;
	bench->source = guest_source_agent.open(&bench->domain, bench->map, NULL);
	assert_start_fails(bench, SOURCE_ERROR_UNAVAILABLE, "too long for a socket");
	bench->domain.agent_socket = g_steal_pointer(&good);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_answers),	BENCH_TEST(test_waits),	      BENCH_TEST(test_late_answer),
		BENCH_TEST(test_silence),	BENCH_TEST(test_garbage),     BENCH_TEST(test_stale_sequence),
		BENCH_TEST(test_agent_reports), BENCH_TEST(test_hang_up),     BENCH_TEST(test_flood),
		BENCH_TEST(test_port_full),	BENCH_TEST(test_unreachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
