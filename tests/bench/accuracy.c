// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accuracy.c - which pages of a Linux guest are hot: what each way to find out says and costs, beside the truth
 *
 * Usage: accuracy NAME PID MIB WORKLOAD-SOCKET AGENT-SOCKET MODULE
 *   NAME is the domain's, PID its QEMU's, MIB its memory.
 *
 * Runs in a host that has KVM, CONFIG_IDLE_PAGE_TRACKING and CONFIG_DAMON_VADDR. The guest's workload keeps a
 * set of pages hot, scattered over its memory, and moves it before each window. Each way watches some windows
 * by itself, because most of them take the accessed bits that the others need. The module comes last, so that
 * it adds nothing to the kernel before.
 *
 * The truth is what instructions have touched in the window, the guest's and QEMU's, by the oracle. It slows the
 * host down, so costs are measured without: if the environment has no ORACLE_MAP there is no truth.
 *
 * Output, tab-separated, a line a window:
 *   WAY  WINDOW  COST  CALLED  RIGHT  HOT  MAPPED      COST in us of processor time for this window
 * CALLED pages were called hot, RIGHT ones of them were, HOT ones all were, of MAPPED ones. Two ways tell only
 * how many are hot, not which: for these RIGHT is what as many pages would have got right, taken at random.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "../oracle/oracle_client.h"
#include "accuracy_guest.h"
#include "damon.h"
#include "measure.h"
#include "merge.h"

#define PAGE_IDLE	"/sys/kernel/mm/page_idle/bitmap"
#define PAGE_FLAGS	"/proc/kpageflags"
#define FLAG_TAIL	(1ULL << 16) /* KPF_COMPOUND_TAIL, include/uapi/linux/kernel-page-flags.h */
#define PAGE_SHIFT	VMHEAT_IDLE_BITMAP_PAGE_SHIFT
#define WORD_PAGES	64
#define LEAF_PAGES	512UL
#define MAX_PAGES	65536UL
#define MAX_FRAMES	(1UL << 21)
#define FRAME_WORDS	(MAX_FRAMES / WORD_PAGES)
#define WORD_BYTES	sizeof(uint64_t)
#define CHUNK_WORDS	512 /* of page_idle's file: the kernel does no more in one call */
#define NO_PLACES	SIZE_MAX
#define WINDOWS		3
#define WINDOW_SECONDS	2
#define WARM_UP_SECONDS 3
#define SETTLE_SECONDS	1
#define HOT_MIB		12
#define TOUCHED_MIB	96

/*
 * struct watched - the guest, and what was found of it in a window
 * @name:   the domain's
 * @hva:    where QEMU has its memory
 * @cost:   processor time of the way, in us
 * @found:  a byte a page: called hot
 * @amount: how many are, of a way that cannot tell which; else NO_PLACES
 * @frame:  of each page
 */
struct watched {
	const char *name;
	pid_t pid;
	const char *module;
	struct accuracy_guest guest;
	struct oracle oracle;
	bool has_oracle;
	uint64_t hva;
	size_t pages;
	int pagemap;
	int idle_map;
	double cost;
	bool found[MAX_PAGES];
	size_t amount;
	uint64_t frame[MAX_PAGES];
	size_t mapped;

	/* What the ways keep from the beginning of a window to its end. */
	int page_idle;
	int page_flags;
	uint64_t used[FRAME_WORDS]; /* a bit a frame: the guest's */
	uint64_t idle[FRAME_WORDS];
	clockid_t damon;
	double damon_start;
	struct vmheat_idle_scan scan;
	uint64_t accessed[MAX_PAGES / WORD_PAGES + LEAF_PAGES / WORD_PAGES];
	uint64_t present[MAX_PAGES / WORD_PAGES + LEAF_PAGES / WORD_PAGES];
	uint64_t coarse[MAX_PAGES / WORD_PAGES + LEAF_PAGES / WORD_PAGES];
};

/* struct way - @start, @stop: before its first window and after its last; may be NULL, as @begin */
struct way {
	const char *name;
	void (*start)(struct watched *watched);
	void (*begin)(struct watched *watched);
	void (*end)(struct watched *watched);
	void (*stop)(struct watched *watched);
};

static double now(void)
{
	return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static bool bit(const uint64_t *words, size_t n)
{
	return words[n / WORD_PAGES] >> n % WORD_PAGES & 1;
}

/* ---- the host's page_idle, of the guest's frames ---- */

#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)
#define NO_FRAME	UINT64_MAX

static void find_frames(struct watched *watched)
{
	size_t bytes = watched->pages * sizeof(uint64_t), page;

	transferred(pread(watched->pagemap, watched->frame, bytes, (off_t)(watched->hva >> PAGE_SHIFT) * 8),
		    bytes, "pagemap");
	watched->mapped = 0;
	for (page = 0; page < watched->pages; page++) {
		uint64_t entry = watched->frame[page];

		watched->frame[page] = entry & PAGEMAP_PRESENT ? entry & PAGEMAP_FRAME : NO_FRAME;
		watched->mapped += !!(entry & PAGEMAP_PRESENT);
		if ((entry & PAGEMAP_PRESENT) && watched->frame[page] >= MAX_FRAMES) {
			errno = 0;
			die("the frame of a page");
		}
	}
}

/* A huge page has one idle bit, that of its first page. */
static uint64_t head_frame(const struct watched *watched, uint64_t frame)
{
	uint64_t flags;

	transferred(pread(watched->page_flags, &flags, sizeof(flags), (off_t)(frame * sizeof(flags))),
		    sizeof(flags), PAGE_FLAGS);
	return flags & FLAG_TAIL ? frame & -LEAF_PAGES : frame;
}

/*
 * The next words of page_idle's file, from *@first on, in which the guest has frames: at most as many as the
 * kernel does in one call.
 * Return: how many; 0 if there are none left
 */
static size_t next_words(const struct watched *watched, size_t *first)
{
	size_t count = 0;

	while (*first < FRAME_WORDS && !watched->used[*first])
		++*first;
	while (count < CHUNK_WORDS && *first + count < FRAME_WORDS && watched->used[*first + count])
		count++;
	return count;
}

static void page_idle_begin(struct watched *watched)
{
	double start = now();
	size_t page, first, count;

	find_frames(watched);
	memset(watched->used, 0, sizeof(watched->used));
	for (page = 0; page < watched->pages; page++) {
		uint64_t frame = watched->frame[page];

		if (frame != NO_FRAME)
			watched->used[frame / WORD_PAGES] |= 1ULL << frame % WORD_PAGES;
	}
	for (first = 0; (count = next_words(watched, &first)); first += count)
		transferred(pwrite(watched->page_idle, &watched->used[first], count * WORD_BYTES,
				   (off_t)(first * WORD_BYTES)),
			    count * WORD_BYTES, PAGE_IDLE);
	watched->cost += now() - start;
}

static void page_idle_end(struct watched *watched)
{
	double start = now();
	size_t page, first, count;

	for (first = 0; (count = next_words(watched, &first)); first += count)
		transferred(pread(watched->page_idle, &watched->idle[first], count * WORD_BYTES,
				  (off_t)(first * WORD_BYTES)),
			    count * WORD_BYTES, PAGE_IDLE);
	find_frames(watched);
	watched->cost += now() - start;
	/* Whoever uses it needs to know heads once; that is not counted. */
	for (page = 0; page < watched->pages; page++)
		watched->found[page] = watched->frame[page] != NO_FRAME &&
				       !bit(watched->idle, head_frame(watched, watched->frame[page]));
}

static void page_idle_start(struct watched *watched)
{
	watched->page_idle = open(PAGE_IDLE, O_RDWR | O_CLOEXEC);
	watched->page_flags = open(PAGE_FLAGS, O_RDONLY | O_CLOEXEC);
	if (watched->page_idle < 0 || watched->page_flags < 0)
		die(PAGE_IDLE);
}

static void page_idle_stop(struct watched *watched)
{
	close(watched->page_idle);
	close(watched->page_flags);
}

/* ---- DAMON ---- */

static void damon_start_with(struct watched *watched, const struct damon_settings *settings)
{
	watched->damon = process_clock(
		damon_start(settings, watched->pid, watched->hva >> PAGE_SHIFT, watched->pages));
	sleep(WARM_UP_SECONDS);
}

static void damon_default_start(struct watched *watched)
{
	damon_start_with(watched, &(struct damon_settings){ .sample = 5000,
							    .aggregate = 100000,
							    .update = 1000000,
							    .min_regions = 10,
							    .max_regions = 1000 });
}

/* An aggregation is a window, in which each region is looked at ten times; a region is a few pages. */
static void damon_tuned_start(struct watched *watched)
{
	damon_start_with(watched, &(struct damon_settings){ .sample = 200000,
							    .aggregate = 2000000,
							    .update = 4000000,
							    .min_regions = 5000,
							    .max_regions = 50000 });
}

/* What finds single pages at the least cost: each is a region, neither split nor merged, and looked at once. */
static void damon_pages_start(struct watched *watched)
{
	damon_start_with(watched, &(struct damon_settings){ .sample = 1000000,
							    .aggregate = 1000000,
							    .update = 1000000000,
							    .min_regions = (unsigned int)watched->pages,
							    .max_regions = 2 * (unsigned int)watched->pages,
							    .pages = true });
}

static void damon_begin(struct watched *watched)
{
	damon_trace_start();
	watched->damon_start = clock_us(watched->damon);
}

/* A page is hot if its region was found accessed in an aggregation that ended in the window. */
static void damon_end(struct watched *watched)
{
	uint64_t first = watched->hva >> PAGE_SHIFT, page;
	struct damon_region region;
	char line[256];
	FILE *trace;

	watched->cost += clock_us(watched->damon) - watched->damon_start;
	damon_trace_stop();
	trace = damon_open_trace();
	while (fgets(line, sizeof(line), trace)) {
		if (!damon_parse_region(line, &region) || !region.accesses)
			continue;
		for (page = region.start >> PAGE_SHIFT; page < region.end >> PAGE_SHIFT; page++) {
			if (page >= first && page - first < watched->pages)
				watched->found[page - first] = true;
		}
	}
	fclose(trace);
}

static void damon_end_all(struct watched *watched)
{
	damon_stop();
}

/* ---- ways that only count ---- */

static void smaps_begin(struct watched *watched)
{
	int file = open_of_process(watched->pid, "clear_refs", O_WRONLY);
	double start = now();

	transferred(write(file, "1", 1), 1, "clear_refs");
	watched->cost += now() - start;
	close(file);
}

/* The mapping that holds the guest's memory: its lines follow one that begins with its address. */
static void smaps_end(struct watched *watched)
{
	FILE *file = fdopen(open_of_process(watched->pid, "smaps", O_RDONLY), "r");
	unsigned long first, end;
	bool within = false;
	char line[512], *rest;
	double start = now();

	if (!file)
		die("smaps");
	watched->amount = 0;
	while (fgets(line, sizeof(line), file)) {
		first = strtoul(line, &rest, 16);
		if (*rest == '-') {
			end = strtoul(rest + 1, NULL, 16);
			within = first <= watched->hva && watched->hva < end;
		} else if (within && !strncmp(line, "Referenced:", strlen("Referenced:"))) {
			watched->amount = strtoul(line + strlen("Referenced:"), NULL, 10) / 4;
		}
	}
	watched->cost += now() - start;
	fclose(file);
}

/* What is used is all that is not "usable", the guest's MemAvailable; both in KiB. */
static void balloon_end(struct watched *watched)
{
	unsigned long available = 0, usable = 0;
	struct rusage before, after;
	char command[128], line[128];
	FILE *file;

	getrusage(RUSAGE_CHILDREN, &before);
	snprintf(command, sizeof(command), "virsh dommemstat %s", watched->name);
	file = popen(command, "r"); /* NOLINT(cert-env33-c): the name is the job's own */
	if (!file)
		die(command);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "available ", strlen("available ")))
			available = strtoul(line + strlen("available "), NULL, 10);
		if (!strncmp(line, "usable ", strlen("usable ")))
			usable = strtoul(line + strlen("usable "), NULL, 10);
	}
	if (pclose(file) || !available || usable > available) {
		errno = 0;
		die(command);
	}
	getrusage(RUSAGE_CHILDREN, &after);
	watched->amount = (available - usable) / 4;
	watched->cost += 1e6 * (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
					after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
			 (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
				  before.ru_stime.tv_usec);
}

/* ---- the module, alone and with what the guest says ---- */

static void module_start(struct watched *watched)
{
	if (watched->idle_map < 0) {
		load_module(watched->module);
		watched->idle_map = open_of_process(watched->pid, VMHEAT_IDLE_BITMAP_NAME, O_RDWR);
	}
}

static void module_begin(struct watched *watched)
{
	if (ioctl(watched->idle_map, VMHEAT_IDLE_IOC_SCAN, &watched->scan))
		die("scanning");
}

/* A scan also begins the next window, so that one is all that a window costs. */
static void module_end(struct watched *watched)
{
	size_t shift = (watched->hva >> PAGE_SHIFT) % LEAF_PAGES, page;
	double start = now();

	module_begin(watched);
	watched->cost += now() - start;
	for (page = 0; page < watched->pages; page++)
		watched->found[page] = bit(watched->accessed, shift + page);
}

static void merged_begin(struct watched *watched)
{
	accuracy_guest_scan(&watched->guest);
	module_begin(watched);
}

/* What the guest's scan costs it says itself. */
static void merged_end(struct watched *watched)
{
	static uint64_t idle[MAX_PAGES / WORD_PAGES + LEAF_PAGES / WORD_PAGES],
		merged[sizeof(idle) / sizeof(idle[0])];
	const struct host_view view = { .present = watched->present,
					.idle = idle,
					.coarse = watched->coarse };
	size_t words = watched->guest.map->index_count / WORD_PAGES, word, page;
	struct merge_counts counts = { 0 };
	uint8_t large[MAX_PAGES / LEAF_PAGES + 1];
	uint64_t index;
	double start;

	module_end(watched);
	accuracy_guest_scan(&watched->guest);
	watched->cost += (double)watched->guest.scan_ns / 1e3;
	start = now();
	for (word = 0; word < words; word++)
		idle[word] = watched->present[word] & ~watched->accessed[word];
	merge_pages(&view, guest_stream_pages(watched->guest.stream), words / LEAF_VECTOR_WORDS, merged,
		    large, &counts);
	watched->cost += now() - start;
	for (page = 0; page < watched->pages; page++)
		watched->found[page] =
			page_map_index_of_gfn(watched->guest.map, page, &index) && bit(merged, index);
}

static const struct way ways[] = {
	{ "page_idle by pagemap", page_idle_start, page_idle_begin, page_idle_end, page_idle_stop },
	{ "DAMON, default", damon_default_start, damon_begin, damon_end, damon_end_all },
	{ "DAMON, tuned", damon_tuned_start, damon_begin, damon_end, damon_end_all },
	{ "DAMON, a region a page", damon_pages_start, damon_begin, damon_end, damon_end_all },
	{ "smaps Referenced", NULL, smaps_begin, smaps_end, NULL },
	{ "balloon statistics", NULL, NULL, balloon_end, NULL },
	{ "module", module_start, module_begin, module_end, NULL },
	{ "module and guest", module_start, merged_begin, merged_end, NULL },
};

/* Hot pages from another place on lie at other distances, too. */
static void move_hot_set(const struct watched *watched)
{
	static const unsigned int places_mib[] = { 0, 24, 48 };
	static unsigned int moves;

	accuracy_guest_tell(&watched->guest, "hot %u %d 100 spread",
			    places_mib[moves++ % (sizeof(places_mib) / sizeof(places_mib[0]))], HOT_MIB);
	sleep(SETTLE_SECONDS);
}

static void report(struct watched *watched, const char *way, unsigned int window)
{
	size_t page, hot = 0, called = 0;
	double right = 0;

	find_frames(watched);
	for (page = 0; page < watched->pages; page++) {
		bool touched = watched->has_oracle && watched->frame[page] != NO_FRAME &&
			       oracle_page(&watched->oracle, watched->frame[page]);

		hot += touched;
		called += watched->found[page];
		right += touched && watched->found[page];
	}
	if (watched->amount != NO_PLACES) {
		called = watched->amount < watched->mapped ? watched->amount : watched->mapped;
		right = (double)called * (double)hot / (double)watched->mapped;
	}
	printf("%s\t%u\t%.0f\t%zu\t%.0f\t%zu\t%zu\n", way, window, watched->cost, called, right, hot,
	       watched->mapped);
	fflush(stdout);
}

static void watch_window(struct watched *watched, const struct way *way, unsigned int window)
{
	move_hot_set(watched);
	watched->cost = 0;
	watched->amount = NO_PLACES;
	memset(watched->found, false, sizeof(watched->found));
	if (way->begin)
		way->begin(watched);
	oracle_begin();
	sleep(WINDOW_SECONDS);
	if (watched->has_oracle)
		oracle_end(&watched->oracle);
	way->end(watched);
	report(watched, way->name, window);
}

/* Where QEMU has the guest's memory: the mapping of just that size. */
static uint64_t find_memory(pid_t pid, uint64_t size)
{
	FILE *file = fdopen(open_of_process(pid, "maps", O_RDONLY), "r");
	unsigned long start, found = 0;
	char line[512], *rest;

	while (file && !found && fgets(line, sizeof(line), file)) {
		start = strtoul(line, &rest, 16);
		if (*rest == '-' && strtoul(rest + 1, NULL, 16) - start == size)
			found = start;
	}
	if (file)
		fclose(file);
	if (!found) {
		errno = 0;
		die("the guest's memory");
	}
	return found;
}

static void open_guest(struct watched *watched, char **argv)
{
	uint64_t size = strtoull(argv[3], NULL, 10) << 20, block = 1UL << VMHEAT_IDLE_BITMAP_BLOCK_SHIFT;

	watched->name = argv[1];
	watched->pid = (pid_t)strtol(argv[2], NULL, 10);
	watched->module = argv[6];
	watched->pages = size >> PAGE_SHIFT;
	watched->idle_map = -1;
	if (watched->pages > MAX_PAGES) {
		errno = 0;
		die("the guest is too large");
	}
	watched->hva = find_memory(watched->pid, size);
	watched->pagemap = open_of_process(watched->pid, "pagemap", O_RDONLY);
	watched->scan = (struct vmheat_idle_scan){ .size = sizeof(watched->scan),
						   .start = watched->hva & -block,
						   .end = (watched->hva + size + block - 1) & -block,
						   .accessed = (uintptr_t)watched->accessed,
						   .present = (uintptr_t)watched->present,
						   .coarse = (uintptr_t)watched->coarse };
	accuracy_guest_open(&watched->guest, argv[4], argv[5], watched->hva >> PAGE_SHIFT, watched->pages);
	watched->has_oracle = getenv("ORACLE_MAP");
	if (watched->has_oracle)
		oracle_open(&watched->oracle);
}

int main(int argc, char **argv)
{
	static struct watched watched; /* large */
	unsigned int i, window;

	if (argc != 7) {
		fprintf(stderr, "usage: accuracy NAME PID MIB WORKLOAD-SOCKET AGENT-SOCKET MODULE\n");
		return 2;
	}
	open_guest(&watched, argv);
	accuracy_guest_tell(&watched.guest, "touch %d", TOUCHED_MIB);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].start)
			ways[i].start(&watched);
		for (window = 1; window <= WINDOWS; window++)
			watch_window(&watched, &ways[i], window);
		if (ways[i].stop)
			ways[i].stop(&watched);
	}
	close(watched.idle_map);
	return 0;
}
