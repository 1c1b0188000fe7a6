/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_answers.c - the whole agent, on files as the kernel shows them, answers the host's parser
 *
 * The agent runs in a process of its own at one end of a socket pair, as it would at a port. Its guest has
 * pages 16-8191 and 12288-12543; the fixture's kpageflags makes every page of four a kind of its own: 4n
 * anonymous, 4n+1 free, 4n+2 slab, 4n+3 clean page cache.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/kernel-page-flags.h>
#include "agent.h"
#include "guest_frame.h"
#include "guest_stream.h"

#define KPF(flag) (UINT64_C(1) << KPF_##flag)
#define END_GFN	  12544
#define WORDS	  (END_GFN / 64)
#define IDLE_WORD UINT64_C(0x00000000ffffffff) /* the first half of every 64 pages is idle */

/* Files of the guest's kernel, in the order of struct guest_paths' fields. */
enum {
	BITMAP,
	FLAGS,
	COUNTS,
	CGROUPS,
	CGROUP_ROOT,
	LRU_GEN,
	LRU_GEN_ENABLED,
	IOMEM,
	VMSTAT,
	PRESSURE,
	MEMINFO,
	FILES
};
_Static_assert(sizeof(struct guest_paths) == FILES * sizeof(const char *), "every path has its file");

static const uint64_t kinds[4] = { KPF(LRU) | KPF(ANON), KPF(BUDDY), KPF(SLAB), KPF(LRU) };

struct fixture {
	char folder[32];
	char paths[FILES][64];
	struct guest_paths guest_paths;
	struct agent_limits limits; /* none, unless a test sets some before it starts the agent */
	pid_t agent;
	int host; /* our end */
	struct page_map *map;
	struct guest_stream *stream;
};

static void write_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void write_idle_words(const struct fixture *fixture, uint64_t word)
{
	uint64_t words[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		words[i] = word;
	write_file(fixture->guest_paths.page_idle_bitmap, words, sizeof(words));
}

static int set_up(void **state)
{
	static const char iomem[] = "00010000-01ffffff : System RAM\n03000000-030fffff : System RAM\n";
	static const char *const names[FILES] = { "bitmap",  "kpageflags", "kpagecount", "kpagecgroup",
						  "cgroups", "lru_gen",	   "enabled",	 "iomem",
						  "vmstat",  "pressure",   "meminfo" };
	static const struct ram_range ranges[] = { { 0, 0, 8192 }, { 12288, 51200, 256 } };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	uint64_t *flags = calloc(END_GFN, sizeof(*flags));
	const char *reason;

	assert_non_null(fixture);
	assert_non_null(flags);
	strcpy(fixture->folder, "/tmp/vmheat-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	for (size_t i = 0; i < FILES; i++)
		snprintf(fixture->paths[i], sizeof(fixture->paths[i]), "%s/%s", fixture->folder, names[i]);
	for (size_t i = 0; i < FILES; i++)
		((const char **)&fixture->guest_paths)[i] = fixture->paths[i];
	for (size_t i = 0; i < END_GFN; i++)
		flags[i] = kinds[i % 4];
	write_idle_words(fixture, IDLE_WORD);
	write_file(fixture->paths[FLAGS], flags, END_GFN * sizeof(*flags));
	write_file(fixture->paths[IOMEM], iomem, sizeof(iomem) - 1);
	write_file(fixture->paths[VMSTAT], "pswpin 5\n", 9);
	free(flags);
	fixture->map = page_map_new(ranges, 2, &reason);
	fixture->stream = guest_stream_new(fixture->map);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	kill(fixture->agent, SIGKILL);
	waitpid(fixture->agent, NULL, 0);
	close(fixture->host);
	for (size_t i = 0; i < FILES; i++)
		(void)remove(fixture->paths[i]);
	rmdir(fixture->folder);
	guest_stream_free(fixture->stream);
	page_map_free(fixture->map);
	free(fixture);
	return 0;
}

static void start_agent(struct fixture *fixture)
{
	const int small = 4096; /* so that the agent must wait for its host again and again */
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	fixture->host = ends[0];
	fixture->agent = fork();
	assert_true(fixture->agent >= 0);
	if (fixture->agent == 0) {
		static struct agent agent;
		struct port port;

		close(ends[0]);
		if (port_attach(&port, ends[1], PORT_SOCKET) == 0) {
			agent_open(&agent, &fixture->guest_paths, &fixture->limits);
			agent_serve(&agent, &port);
		}
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(fcntl(fixture->host, F_SETFL, 0), 0); /* blocking, for us */
}

/* Send requests as they were put together. */
static void request(const struct fixture *fixture, const struct guest_bytes *sent)
{
	assert_int_equal(write(fixture->host, sent->bytes, sent->length), sent->length);
}

/* Read one piece of the answer. */
static void read_some(struct fixture *fixture)
{
	struct timeval limit = { .tv_sec = 20 };
	uint8_t bytes[1000];
	ssize_t size;

	assert_int_equal(setsockopt(fixture->host, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	size = read(fixture->host, bytes, sizeof(bytes));
	assert_true(size > 0);
	guest_stream_push(fixture->stream, bytes, (size_t)size);
}

static enum guest_scan_state scan(struct fixture *fixture, uint32_t sequence)
{
	struct guest_bytes sent = { 0 };

	guest_stream_start_scan(fixture->stream, sequence);
	put_header(&sent, VMHEAT_FRAME_SCAN, sequence, 0);
	request(fixture, &sent);
	while (guest_stream_state(fixture->stream) == GUEST_SCAN_PENDING)
		read_some(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->bad_frames, 0);
	assert_int_equal(guest_stream_counts(fixture->stream)->skipped_bytes, 0);
	assert_int_equal(guest_stream_counts(fixture->stream)->foreign_pages, 0);
	return guest_stream_state(fixture->stream);
}

/* Check every page: @idle and @accessed are the states of LRU pages in the first and second half of 64. */
static void assert_pages(const struct fixture *fixture, uint8_t idle, uint8_t accessed)
{
	for (uint64_t gfn = 0; gfn < END_GFN; gfn++) {
		uint8_t state = gfn % 64 < 32 ? idle : accessed;
		const uint8_t expected[4] = { state | VMHEAT_PAGE_ANON, VMHEAT_PAGE_FREE, VMHEAT_PAGE_UNKNOWN,
					      state | VMHEAT_PAGE_FILE };
		uint64_t index;

		if (!page_map_index_of_gfn(fixture->map, gfn, &index))
			continue;
		assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), index),
				 gfn < 16 ? 0 : guest_page_kept(expected[gfn % 4]));
	}
}

/* The agent introduces itself unasked when it starts, and again when it is asked. */
static void test_hello(void **state)
{
	struct fixture *fixture = *state;
	struct guest_bytes sent = { 0 };
	const struct vmheat_hello *hello;

	start_agent(fixture);
	read_some(fixture);
	hello = guest_stream_hello(fixture->stream);
	assert_non_null(hello);
	assert_int_equal(hello->capabilities, VMHEAT_GUEST_HAS_PAGE_IDLE | VMHEAT_GUEST_HAS_PAGE_FLAGS);
	assert_int_equal(hello->page_shift, 12);
	assert_int_equal(hello->end_gfn, END_GFN);

	put_header(&sent, VMHEAT_FRAME_HELLO, 9, 0);
	request(fixture, &sent);
	read_some(fixture);
	assert_int_equal(guest_stream_counts(fixture->stream)->frames, 2);
}

/*
 * The first scan knows kinds and free pages but no window; the second tells idle from accessed by the bitmap,
 * over the true window; each marks what was not idle, and nothing else. The answer is many times the socket's
 * buffer.
 */
static void test_two_scans(void **state)
{
	struct fixture *fixture = *state;
	uint64_t words[WORDS];
	int fd;

	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->window_ns, 0);
	assert_int_equal(guest_stream_end(fixture->stream)->swap_in_pages, 5);
	assert_pages(fixture, VMHEAT_PAGE_UNKNOWN, VMHEAT_PAGE_UNKNOWN);

	fd = open(fixture->guest_paths.page_idle_bitmap, O_RDONLY);
	assert_int_equal(read(fd, words, sizeof(words)), sizeof(words));
	close(fd);
	for (uint64_t i = 0; i < WORDS; i++)
		assert_int_equal(words[i], i < 8192 / 64 || i >= 12288 / 64 ? ~IDLE_WORD : IDLE_WORD);

	write_idle_words(fixture, IDLE_WORD);
	usleep(100000);
	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	assert_in_range(guest_stream_end(fixture->stream)->window_ns, 100000000, 20000000000);
	assert_in_range(guest_stream_end(fixture->stream)->scan_ns, 1, 20000000000);
	assert_pages(fixture, VMHEAT_PAGE_IDLE, VMHEAT_PAGE_ACCESSED);
}

/* A bitmap that ends within the guest's memory (the kernel leaves out a last partial word): unknown from
 * there on. */
static void test_short_bitmap(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t word = UINT64_MAX;

	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	write_file(fixture->guest_paths.page_idle_bitmap, &word, sizeof(word));
	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), 60),
			 VMHEAT_PAGE_IDLE | VMHEAT_PAGE_ANON);
	assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), 64), VMHEAT_PAGE_UNKNOWN);
}

/* A guest without page_idle says so; kinds and free pages are known still, states never. */
static void test_no_page_idle(void **state)
{
	struct fixture *fixture = *state;

	(void)remove(fixture->guest_paths.page_idle_bitmap);
	start_agent(fixture);
	for (uint32_t sequence = 1; sequence <= 2; sequence++) {
		assert_int_equal(scan(fixture, sequence), GUEST_SCAN_COMPLETE);
		assert_pages(fixture, VMHEAT_PAGE_UNKNOWN, VMHEAT_PAGE_UNKNOWN);
	}
	assert_int_equal(guest_stream_hello(fixture->stream)->capabilities, VMHEAT_GUEST_HAS_PAGE_FLAGS);
}

/* A guest without kpageflags can tell nothing of its pages, page_idle or not, and answers with its counters.
 */
static void test_no_page_flags(void **state)
{
	struct fixture *fixture = *state;

	(void)remove(fixture->guest_paths.page_flags);
	start_agent(fixture);
	for (uint32_t sequence = 1; sequence <= 2; sequence++) {
		assert_int_equal(scan(fixture, sequence), GUEST_SCAN_COMPLETE);
		for (uint64_t i = 0; i < fixture->map->index_count; i++)
			assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), i),
					 VMHEAT_PAGE_UNKNOWN);
	}
	assert_int_equal(guest_stream_hello(fixture->stream)->capabilities, 0);
	assert_int_equal(guest_stream_end(fixture->stream)->swap_in_pages, 5);
}

/* A scan that fails half-way says what failed; the next one works, without a window, since not all was
 * marked. */
static void test_failed_scan(void **state)
{
	struct fixture *fixture = *state;
	char kept[128];

	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	snprintf(kept, sizeof(kept), "%s.kept", fixture->guest_paths.physical_memory);
	assert_int_equal(rename(fixture->guest_paths.physical_memory, kept), 0);
	assert_int_equal(scan(fixture, 2), GUEST_SCAN_FAILED);
	assert_string_equal(guest_stream_error_text(fixture->stream), "reading iomem");
	assert_int_equal(rename(kept, fixture->guest_paths.physical_memory), 0);
	assert_int_equal(scan(fixture, 3), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->window_ns, 0);
	assert_pages(fixture, VMHEAT_PAGE_UNKNOWN, VMHEAT_PAGE_UNKNOWN);
}

/* Of many requests that wait, the newest scan is answered, once; garbage around them does not matter. */
static void test_newest_request(void **state)
{
	struct fixture *fixture = *state;
	struct guest_bytes sent = { 0 };

	start_agent(fixture);
	guest_stream_start_scan(fixture->stream, 50);
	put_bytes(&sent, "VMH garbage VM", 14);
	for (uint32_t sequence = 41; sequence <= 50; sequence++)
		put_header(&sent, VMHEAT_FRAME_SCAN, sequence, 0);
	put_bytes(&sent, "VMHT", 4);
	request(fixture, &sent);
	while (guest_stream_state(fixture->stream) == GUEST_SCAN_PENDING)
		read_some(fixture);
	assert_pages(fixture, VMHEAT_PAGE_UNKNOWN, VMHEAT_PAGE_UNKNOWN);
	assert_int_equal(guest_stream_counts(fixture->stream)->stale_frames, 0);
}

/*
 * Pages 4n (anonymous) belong to the cgroup of the folder "cgroups", 4n+3 (page cache) to that of none, 4n+2 (slab) to
 * a third; of the page cache every second page is mapped. In 64 pages there are 16 of each kind, half of them idle. The
 * guest has 132 words of pages less the first 16: 132 * 16 of each kind, less 4.
 */
static void test_cgroups(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t all = 132 * 16 - 4, idle = 132 * 8 - 4;
	uint64_t *ids = calloc(END_GFN, sizeof(*ids)), *counts = calloc(END_GFN, sizeof(*counts));
	const struct guest_cgroup *cgroups;
	struct stat root;
	size_t count;

	assert_int_equal(mkdir(fixture->guest_paths.cgroup_root, 0700), 0);
	assert_int_equal(stat(fixture->guest_paths.cgroup_root, &root), 0);
	for (uint64_t i = 0; i < END_GFN; i++) {
		ids[i] = i % 4 == 0 ? root.st_ino : i % 4 == 3 ? 7 : i % 4 == 2 ? 8 : 0;
		counts[i] = i % 8 == 7;
	}
	write_file(fixture->guest_paths.page_cgroups, ids, END_GFN * sizeof(*ids));
	write_file(fixture->guest_paths.page_counts, counts, END_GFN * sizeof(*counts));
	start_agent(fixture);

	/* The first has no window: whose memory it is is known, and nothing else. */
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_hello(fixture->stream)->capabilities,
			 VMHEAT_GUEST_HAS_PAGE_IDLE | VMHEAT_GUEST_HAS_PAGE_FLAGS | VMHEAT_GUEST_HAS_CGROUPS);
	cgroups = guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(cgroups[i].pages.unknown_pages, all);

	write_idle_words(fixture, IDLE_WORD);
	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	cgroups = guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < 2; i++) {
		bool anon = cgroups[i].pages.id == root.st_ino;
		const struct vmheat_cgroup *pages = &cgroups[i].pages;

		assert_string_equal(cgroups[i].path, anon ? "/" : "");
		assert_int_equal(pages->idle_anon_pages, anon ? idle : 0);
		assert_int_equal(pages->accessed_anon_pages, anon ? all - idle : 0);
		assert_int_equal(pages->idle_file_pages, anon ? 0 : idle);
		assert_int_equal(pages->idle_unmapped_pages, anon ? 0 : idle / 2);
		assert_int_equal(pages->accessed_file_pages, anon ? 0 : all - idle);
		assert_int_equal(pages->unknown_pages, 0);
	}
	/* The one without idle memory comes last. */
	assert_int_equal(cgroups[2].pages.id, 8);
	assert_int_equal(cgroups[2].pages.unknown_pages, all);
	assert_int_equal(guest_stream_counts(fixture->stream)->excess_cgroups, 0);
	free(ids);
	free(counts);
}

/* A huge page is charged once, at its head; its 511 tails belong to the same cgroup, and are as idle as the head. */
static void test_cgroup_of_huge_page(void **state)
{
	struct fixture *fixture = *state;
	uint64_t *flags = calloc(END_GFN, sizeof(*flags)), *ids = calloc(END_GFN, sizeof(*ids));
	const struct guest_cgroup *cgroups;
	size_t count;

	flags[4096] = KPF(LRU) | KPF(ANON) | KPF(THP) | KPF(COMPOUND_HEAD);
	for (size_t i = 4097; i < 4096 + 512; i++)
		flags[i] = KPF(THP) | KPF(COMPOUND_TAIL);
	ids[4096] = 9;
	write_file(fixture->guest_paths.page_flags, flags, END_GFN * sizeof(*flags));
	write_file(fixture->guest_paths.page_cgroups, ids, END_GFN * sizeof(*ids));
	write_file(fixture->guest_paths.page_counts, ids, END_GFN * sizeof(*ids));
	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	write_idle_words(fixture, IDLE_WORD);
	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	cgroups = guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, 1);
	assert_int_equal(cgroups[0].pages.id, 9);
	assert_int_equal(cgroups[0].pages.idle_anon_pages, 512);
	free(flags);
	free(ids);
}

/*
 * The first scan sends more than the 2000 bytes that ten seconds save, so the second is left out: counters, but no pages,
 * and the marks stay.
 */
static void test_over_budget(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t untouched = UINT64_MAX;
	uint64_t word;
	int fd;

	fixture->limits.bytes = 200.0;
	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, 0);
	assert_true(guest_stream_end(fixture->stream)->cpu_ns > 0);
	write_file(fixture->guest_paths.page_idle_bitmap, &untouched, sizeof(untouched));

	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, VMHEAT_SCAN_OVER_BUDGET);
	assert_int_equal(guest_stream_end(fixture->stream)->window_ns, 0);
	assert_int_equal(guest_stream_end(fixture->stream)->swap_in_pages, 5);
	for (uint64_t i = 0; i < fixture->map->index_count; i++)
		assert_int_equal(guest_pages_get(guest_stream_pages(fixture->stream), i),
				 VMHEAT_PAGE_UNKNOWN);
	fd = open(fixture->guest_paths.page_idle_bitmap, O_RDONLY);
	assert_int_equal(read(fd, &word, sizeof(word)), sizeof(word));
	close(fd);
	assert_int_equal(word, untouched);
}

/* The same for processor time: a scan takes more than the microsecond that ten seconds save. */
static void test_over_cpu_budget(void **state)
{
	struct fixture *fixture = *state;

	fixture->limits.cpu = 1e-7;
	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, 0);
	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, VMHEAT_SCAN_OVER_BUDGET);
}

/* A budget that is large enough is not felt: 10 MiB are saved, an answer has some 50 KiB. */
static void test_within_budget(void **state)
{
	struct fixture *fixture = *state;

	fixture->limits.bytes = 1048576.0;
	fixture->limits.cpu = 1.0;
	start_agent(fixture);
	for (uint32_t sequence = 1; sequence <= 5; sequence++) {
		assert_int_equal(scan(fixture, sequence), GUEST_SCAN_COMPLETE);
		assert_int_equal(guest_stream_end(fixture->stream)->flags, 0);
	}
}

/*
 * Without page_idle, but with the multi-generational LRU: nothing of single pages but what is free, but cgroups by it.
 * What stands in the file is of its format, see lru_gen.c; commands overwrite its beginning here, which is a comment.
 */
static void test_lru_gen(void **state)
{
	static const char text[] = "#############################################################\n"
				   "memcg     5 /web\n node     0\n"
				   "          1     900000        100         20 \n"
				   "          2          0         30          4 \n";
	struct fixture *fixture = *state;
	const struct guest_cgroup *cgroups;
	size_t count;

	(void)remove(fixture->guest_paths.page_idle_bitmap);
	write_file(fixture->guest_paths.lru_gen, text, sizeof(text) - 1);
	write_file(fixture->guest_paths.lru_gen_enabled, "0x0007\n", 7);
	start_agent(fixture);
	assert_int_equal(scan(fixture, 1), GUEST_SCAN_COMPLETE);
	assert_int_equal(guest_stream_hello(fixture->stream)->capabilities,
			 VMHEAT_GUEST_HAS_PAGE_FLAGS | VMHEAT_GUEST_HAS_LRU_GEN | VMHEAT_GUEST_HAS_CGROUPS);
	assert_int_equal(guest_stream_end(fixture->stream)->flags, VMHEAT_SCAN_NO_PAGE_IDLE);
	cgroups = guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, 1);
	assert_int_equal(cgroups[0].pages.unknown_pages, 154);

	assert_int_equal(scan(fixture, 2), GUEST_SCAN_COMPLETE);
	assert_pages(fixture, VMHEAT_PAGE_UNKNOWN, VMHEAT_PAGE_UNKNOWN);
	cgroups = guest_stream_cgroups(fixture->stream, &count);
	assert_int_equal(count, 1);
	assert_string_equal(cgroups[0].path, "/web");
	assert_int_equal(cgroups[0].pages.id, 5);
	assert_int_equal(cgroups[0].pages.idle_anon_pages, 100);
	assert_int_equal(cgroups[0].pages.idle_file_pages, 20);
	assert_int_equal(cgroups[0].pages.accessed_anon_pages, 30);
	assert_int_equal(cgroups[0].pages.accessed_file_pages, 4);
	assert_int_equal(cgroups[0].pages.unknown_pages, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hello),
		TEST(test_two_scans),
		TEST(test_short_bitmap),
		TEST(test_no_page_idle),
		TEST(test_no_page_flags),
		TEST(test_failed_scan),
		TEST(test_newest_request),
		TEST(test_cgroups),
		TEST(test_over_budget),
		TEST(test_over_cpu_budget),
		TEST(test_within_budget),
		TEST(test_lru_gen),
		TEST(test_cgroup_of_huge_page),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
