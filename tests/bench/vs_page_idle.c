// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vs_page_idle.c - a scan of a guest by kvm_idle.ko beside the kernel's own IDLE_PAGE_TRACKING
 *
 * Runs in a host that has KVM and CONFIG_IDLE_PAGE_TRACKING, with the test VMM beside it. Each way marks the
 * pages idle, the guest touches some, and the way reads which are idle still:
 *   scan               the guest's pages, by the scan ioctl of /proc/PID/idle_bitmap, which marks them too
 *   idle_bitmap        the same by read() and write()
 *   page_idle          all pages of the host, by /sys/kernel/mm/page_idle/bitmap
 *   page_idle_pagemap  the same file, but only the words in which the guest has pages, as its pagemap tells
 * What each way says of each page of the guest is compared with what the guest did.
 *
 * The kernel's own ways are measured before the module is loaded, too: whatever it adds to the kernel cannot
 * make them slower there.
 *
 * Output, tab-separated, a line a round:
 *   WAY  loaded|unloaded  PATTERN  ROUND  SYSTEM-TIME  MISSED  FALSE  PAGES  PROCESSOR-TIME     in us
 * PATTERN is which pages the guest touches: all, half (at random), none. MISSED pages were touched and called
 * idle, FALSE ones were not touched and not called idle. System time is getrusage()'s, which the kernel scales so
 * that with the user's it sums up to processor time, and never lets go back: single short measurements can be off
 * by some milliseconds. Processor time is exact, but has the user's in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "bench_guest.h"
#include "measure.h"

#define PAGE_IDLE    "/sys/kernel/mm/page_idle/bitmap"
#define ROUNDS	     9
#define WORD_PAGES   64
#define CHUNK_WORDS  512		/* of that file: the kernel does no more in one call */
#define MAX_FRAMES   (1UL << 22)	/* 16 GiB of physical addresses */
#define FRAME_MASK   ((1ULL << 55) - 1) /* of a pagemap entry */
#define PAGE_PRESENT (1ULL << 63)

/*
 * struct host - what is measured
 * @guest_idle: a bit a page of the guest: idle
 * @frame:      of each page of the guest
 * @used:       a bit a frame: it is the guest's
 * @frame_idle: a bit a frame: idle
 * @words:      how many words page_idle's file has
 */
struct host {
	struct bench_guest guest;
	int idle_map;
	int page_idle;
	int pagemap;
	uint64_t guest_idle[BENCH_MAX_PAGES / WORD_PAGES];
	uint64_t frame[BENCH_MAX_PAGES];
	uint64_t used[MAX_FRAMES / WORD_PAGES];
	uint64_t frame_idle[MAX_FRAMES / WORD_PAGES];
	size_t words;
};

/*
 * struct way - how to mark pages idle, and how to read which still are
 * @by_frame:      into @frame_idle, and without the module; else into @guest_idle
 * @reading_marks: reading marks the pages again, so who watches a guest need do no more
 */
struct way {
	const char *name;
	void (*mark)(struct host *host);
	void (*read)(struct host *host);
	bool by_frame;
	bool reading_marks;
};

static bool bit(const uint64_t *words, size_t n)
{
	return words[n / WORD_PAGES] >> n % WORD_PAGES & 1;
}

static void mark_by_scan(struct host *host)
{
	bench_guest_scan(&host->guest, host->idle_map);
}

static void read_by_scan(struct host *host)
{
	bench_guest_scan(&host->guest, host->idle_map);
	bench_guest_scanned(&host->guest, host->guest_idle);
}

static void mark_idle_bitmap(struct host *host)
{
	bench_guest_mark(&host->guest, host->idle_map);
}

static void read_idle_bitmap(struct host *host)
{
	bench_guest_read(&host->guest, host->idle_map, host->guest_idle);
}

/* Words of page_idle's file. */
static void write_words(const struct host *host, const uint64_t *words, size_t first, size_t count)
{
	size_t bytes = count * sizeof(*words);

	transferred(pwrite(host->page_idle, words, bytes, (off_t)(first * sizeof(*words))), bytes, PAGE_IDLE);
}

static void read_words(struct host *host, size_t first, size_t count)
{
	size_t bytes = count * sizeof(*host->frame_idle);

	transferred(pread(host->page_idle, &host->frame_idle[first], bytes,
			  (off_t)(first * sizeof(*host->frame_idle))),
		    bytes, PAGE_IDLE);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void mark_page_idle(struct host *host)
{
	static const uint64_t ones[CHUNK_WORDS] = { [0 ... CHUNK_WORDS - 1] = ~0ULL };
	size_t first;

	for (first = 0; first < host->words; first += CHUNK_WORDS)
		write_words(host, ones, first, min_size(CHUNK_WORDS, host->words - first));
}

static void read_page_idle(struct host *host)
{
	size_t first;

	for (first = 0; first < host->words; first += CHUNK_WORDS)
		read_words(host, first, min_size(CHUNK_WORDS, host->words - first));
}

/* Where the guest's pages are now. */
static void find_frames(struct host *host)
{
	size_t page;

	bench_guest_pagemap(&host->guest, host->pagemap, host->frame);
	memset(host->used, 0, sizeof(host->used));
	for (page = 0; page < host->guest.pages; page++) {
		uint64_t frame = host->frame[page] & FRAME_MASK;

		if (!(host->frame[page] & PAGE_PRESENT) || !frame || frame >= MAX_FRAMES) {
			errno = 0;
			die("the frame of a page");
		}
		host->frame[page] = frame;
		host->used[frame / WORD_PAGES] |= 1ULL << frame % WORD_PAGES;
	}
}

/* What page_idle says of the guest's pages, which may have moved while it was read. */
static void translate(struct host *host)
{
	size_t page;

	find_frames(host);
	memset(host->guest_idle, 0, sizeof(host->guest_idle));
	for (page = 0; page < host->guest.pages; page++)
		host->guest_idle[page / WORD_PAGES] |= (uint64_t)bit(host->frame_idle, host->frame[page])
						       << page % WORD_PAGES;
}

/*
 * The next words, from *@first on, in which the guest has pages: at most as many as the kernel does in one
 * call.
 * Return: how many; 0 if there are none left
 */
static size_t next_words(const struct host *host, size_t *first)
{
	size_t count = 0;

	while (*first < host->words && !host->used[*first])
		++*first;
	while (count < CHUNK_WORDS && *first + count < host->words && host->used[*first + count])
		count++;
	return count;
}

static void mark_frames(struct host *host)
{
	size_t first, count;

	find_frames(host);
	for (first = 0; (count = next_words(host, &first)); first += count)
		write_words(host, &host->used[first], first, count);
}

static void read_frames(struct host *host)
{
	size_t first, count;

	for (first = 0; (count = next_words(host, &first)); first += count)
		read_words(host, first, count);
}

static const struct way ways[] = {
	{ "scan", mark_by_scan, read_by_scan, false, true },
	{ "idle_bitmap", mark_idle_bitmap, read_idle_bitmap, false, false },
	{ "page_idle", mark_page_idle, read_page_idle, true, false },
	{ "page_idle_pagemap", mark_frames, read_frames, true, false },
};

/* enum pattern - which pages the guest touches between marking and reading */
enum pattern {
	PATTERN_ALL,
	PATTERN_HALF,
	PATTERN_NONE,
	PATTERN_COUNT,
};

static const char *const pattern_name[] = {
	[PATTERN_ALL] = "all",
	[PATTERN_HALF] = "half",
	[PATTERN_NONE] = "none",
};
_Static_assert(sizeof(pattern_name) / sizeof(pattern_name[0]) == PATTERN_COUNT, "every pattern has a name");

static void choose_pages(enum pattern pattern, bool *set, size_t pages)
{
	size_t page;

	for (page = 0; page < pages; page++)
		set[page] = pattern == PATTERN_ALL || (pattern == PATTERN_HALF && random() & 1);
}

/* struct cost - what this process has used, in us */
struct cost {
	double system;
	double processor;
};

static struct cost cost_now(void)
{
	return (struct cost){ .system = system_us(), .processor = clock_us(CLOCK_THREAD_CPUTIME_ID) };
}

static void add_since(struct cost *sum, struct cost start)
{
	struct cost now = cost_now();

	sum->system += now.system - start.system;
	sum->processor += now.processor - start.processor;
}

static void measure(struct host *host, const struct way *way, enum pattern pattern, bool loaded,
		    unsigned int round)
{
	static bool set[BENCH_MAX_PAGES];
	size_t page, missed = 0, extra = 0;
	struct cost cost = { 0 }, start;

	choose_pages(pattern, set, host->guest.pages);
	start = cost_now();
	way->mark(host);
	if (!way->reading_marks)
		add_since(&cost, start);
	bench_guest_touch(&host->guest, "touch", 'r', set);
	start = cost_now();
	way->read(host);
	add_since(&cost, start);
	if (way->by_frame)
		translate(host);
	for (page = 0; page < host->guest.pages; page++) {
		missed += set[page] && bit(host->guest_idle, page);
		extra += !set[page] && !bit(host->guest_idle, page);
	}
	printf("%s\t%s\t%s\t%u\t%.0f\t%zu\t%zu\t%zu\t%.0f\n", way->name, loaded ? "loaded" : "unloaded",
	       pattern_name[pattern], round, cost.system, missed, extra, host->guest.pages, cost.processor);
	fflush(stdout);
}

static void measure_all(struct host *host, bool loaded)
{
	unsigned int round, pattern, i;

	for (round = 1; round <= ROUNDS; round++)
		for (pattern = 0; pattern < PATTERN_COUNT; pattern++)
			for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
				if (loaded || ways[i].by_frame)
					measure(host, &ways[i], pattern, loaded, round);
}

static void open_page_idle(struct host *host)
{
	ssize_t bytes;

	host->page_idle = open(PAGE_IDLE, O_RDWR | O_CLOEXEC);
	if (host->page_idle < 0)
		die(PAGE_IDLE);
	for (;;) {
		bytes = pread(host->page_idle, &host->frame_idle[host->words],
			      CHUNK_WORDS * sizeof(*host->frame_idle),
			      (off_t)(host->words * sizeof(*host->frame_idle)));
		if (bytes <= 0)
			break;
		host->words += (size_t)bytes / sizeof(*host->frame_idle);
		if (host->words + CHUNK_WORDS > MAX_FRAMES / WORD_PAGES)
			die("the size of " PAGE_IDLE);
	}
	if (bytes < 0)
		die(PAGE_IDLE);
}

/* page_idle knows only pages that have arrived on the kernel's lists. Compacting a node waits for that first. */
static void settle_lists(void)
{
	int fd = open("/sys/devices/system/node/node1/compact", O_WRONLY | O_CLOEXEC);

	transferred(write(fd, "1", 1), 1, "waiting for the kernel's lists");
	close(fd);
}

int main(int argc, char **argv)
{
	static struct host host; /* large */

	if (argc != 3) {
		fprintf(stderr, "usage: vs_page_idle MIB MODULE\n");
		return 2;
	}
	open_page_idle(&host);
	bench_guest_start(&host.guest, strtoul(argv[1], NULL, 10), false);
	host.pagemap = open_of_process(host.guest.vmm.pid, "pagemap", O_RDONLY);
	bench_guest_touch(&host.guest, "touch", 'w', NULL);
	settle_lists();
	find_frames(&host);
	measure_all(&host, false);
	load_module(argv[2]);
	host.idle_map = open_of_process(host.guest.vmm.pid, VMHEAT_IDLE_BITMAP_NAME, O_RDWR);
	measure_all(&host, true);
	bench_guest_stop(&host.guest);
	return 0;
}
