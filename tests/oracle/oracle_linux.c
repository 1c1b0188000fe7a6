// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * oracle_linux.c - check what a scan says of a Linux guest against what its instructions have touched
 *
 * Usage: oracle_linux PID small|large CR3 IDT GDT TSS
 *   PID is QEMU's, small or large the leaves that map the guest; then registers of its processor, in hexadecimal.
 *
 * Theory of operation
 * -------------------
 * In each interval the guest is stopped, scanned, let go for a while, stopped, and scanned again. So the
 * intervals of the oracle and of the scan are the same, but for what happens while nobody runs.
 *
 * A page that an instruction touched must be accessed. One that is accessed and that no instruction touched
 * must be of a class that explains it; whatever is of none fails the check:
 *   tables      the processor has read, and marked, page tables
 *   exceptions  descriptor tables and stacks, which it reads and writes to deliver an exception
 *   host        QEMU or the host's kernel, on the guest's behalf, through QEMU's own page tables
 *   leaf        the page shares its leaf of 2 MiB with one that was touched or is of another class
 * The host's kernel also reaches memory by a mapping of its own, which leaves no accessed bit in QEMU's. So a
 * page that only the host has touched may be idle; these are counted as unmarked.
 *
 * One line an interval: how many pages of each class, in tab-separated NAME=NUMBER. Exit status 0 if all is
 * explained and no class is larger than can be.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "guest_memory.h"
#include "idle_map.h"
#include "oracle_client.h"
#include "page_scan.h"

#define INTERVALS   5
#define INTERVAL_US 1000000
#define MAX_PAGES   131072

/*
 * The most that a class may have in an interval: a share of the guest's pages, as one in so many. Page tables
 * map 512 pages each; the others have been seen to be a few pages.
 */
#define ONE_TABLE_IN	64
#define ONE_HOST_IN	64
#define ONE_UNMARKED_IN 64
#define EXCEPTION_PAGES 16

struct watched {
	pid_t pid;
	bool large;
	struct guest_registers registers;
	struct guest_memory memory;
	struct oracle oracle;
	int idle_map;
	int pagemap;
	bool accessed[MAX_PAGES];
	bool coarse[MAX_PAGES];
	bool table[MAX_PAGES];
	bool exception[MAX_PAGES];
	uint64_t frame[MAX_PAGES];
};

/* How many pages were what. */
struct classes {
	size_t touched;
	size_t missing;
	size_t tables;
	size_t exceptions;
	size_t host;
	size_t leaf;
	size_t unmarked;
	size_t unexplained;
};

__attribute__((noreturn)) static void die(const char *what)
{
	printf("oracle_linux: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
	exit(1);
}

/* Whether a thread is stopped: the letter behind its name, which is in parentheses. */
static bool thread_is_stopped(pid_t pid, const char *thread)
{
	char path[96], text[256] = "";
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", (int)pid, thread);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] == 'T';
}

static bool all_stopped(pid_t pid)
{
	const struct dirent *entry;
	bool stopped = true;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (!threads)
		die(path);
	while ((entry = readdir(threads)))
		stopped = stopped && (entry->d_name[0] == '.' || thread_is_stopped(pid, entry->d_name));
	closedir(threads);
	return stopped;
}

static void stop_guest(const struct watched *watched)
{
	if (kill(watched->pid, SIGSTOP))
		die("stopping QEMU");
	while (!all_stopped(watched->pid))
		usleep(1000);
}

static void scan(struct watched *watched)
{
	if (page_scan(watched->idle_map, watched->memory.hva, watched->memory.pages, 0, watched->accessed,
		      NULL, watched->coarse, NULL) <= 0)
		die("scanning");
}

/* Let the guest run for a while. */
static void run_interval(struct watched *watched)
{
	stop_guest(watched);
	scan(watched);
	oracle_begin();
	kill(watched->pid, SIGCONT);
	usleep(INTERVAL_US);
	stop_guest(watched);
	oracle_end(&watched->oracle);
	scan(watched);
}

static unsigned int touched_by(const struct watched *watched, size_t page)
{
	return watched->frame[page] == ORACLE_NO_FRAME ? 0
						       : oracle_page(&watched->oracle, watched->frame[page]);
}

static bool is_explained_alone(const struct watched *watched, size_t page)
{
	return touched_by(watched, page) || watched->table[page] || watched->exception[page];
}

/* Whether a page is known to be accessed by a large leaf alone, and that one by a page that explains it. */
static bool is_in_leaf(const struct watched *watched, size_t page)
{
	size_t in_leaf = (watched->memory.hva / IDLE_PAGE_SIZE + page) % SCAN_BLOCK_PAGES, i;

	if (!watched->coarse[page] || in_leaf > page)
		return false;
	for (i = page - in_leaf; i < page - in_leaf + SCAN_BLOCK_PAGES && i < watched->memory.pages; i++) {
		if (is_explained_alone(watched, i))
			return true;
	}
	return false;
}

static void add_page(const struct watched *watched, size_t page, struct classes *classes)
{
	unsigned int touched = touched_by(watched, page);

	if (touched & ORACLE_BY_GUEST) {
		classes->touched++;
		classes->missing += !watched->accessed[page];
	} else if (!watched->accessed[page]) {
		classes->unmarked += !!touched;
	} else if (watched->table[page]) {
		classes->tables++;
	} else if (watched->exception[page]) {
		classes->exceptions++;
	} else if (touched) {
		classes->host++;
	} else if (is_in_leaf(watched, page)) {
		classes->leaf++;
	} else {
		printf("page %zx: accessed, and nobody knows why\n", page);
		classes->unexplained++;
	}
}

static bool judge(const struct watched *watched, const struct classes *classes)
{
	size_t pages = watched->memory.pages;

	return classes->touched && !classes->missing && !classes->unexplained &&
	       classes->tables <= pages / ONE_TABLE_IN && classes->exceptions <= EXCEPTION_PAGES &&
	       classes->host <= pages / ONE_HOST_IN && classes->unmarked <= pages / ONE_UNMARKED_IN &&
	       !classes->leaf == !watched->large;
}

static bool check_interval(struct watched *watched)
{
	struct classes classes = { 0 };
	size_t page;

	run_interval(watched);
	oracle_frames(&watched->oracle, watched->pagemap, watched->memory.hva / IDLE_PAGE_SIZE,
		      watched->memory.pages, watched->frame);
	guest_memory_find_tables(&watched->memory, watched->registers.cr3, watched->table);
	guest_memory_find_exceptions(&watched->memory, &watched->registers, watched->exception);
	kill(watched->pid, SIGCONT);
	for (page = 0; page < watched->memory.pages; page++)
		add_page(watched, page, &classes);
	printf("touched=%zu\tmissing=%zu\ttables=%zu\texceptions=%zu\thost=%zu\tleaf=%zu\tunmarked=%"
	       "zu\tunexplained=%zu\n",
	       classes.touched, classes.missing, classes.tables, classes.exceptions, classes.host,
	       classes.leaf, classes.unmarked, classes.unexplained);
	return judge(watched, &classes);
}

int main(int argc, char **argv)
{
	static struct watched watched; /* large */
	unsigned int interval;
	bool right = true;

	if (argc != 7) {
		fprintf(stderr, "usage: oracle_linux PID small|large CR3 IDT GDT TSS\n");
		return 2;
	}
	watched.pid = (pid_t)strtol(argv[1], NULL, 10);
	watched.large = !strcmp(argv[2], "large");
	watched.registers = (struct guest_registers){ .cr3 = strtoull(argv[3], NULL, 16),
						      .idt = strtoull(argv[4], NULL, 16),
						      .gdt = strtoull(argv[5], NULL, 16),
						      .tss = strtoull(argv[6], NULL, 16) };
	watched.idle_map = idle_map_open(watched.pid);
	if (watched.idle_map < 0)
		die("idle_bitmap");
	oracle_open(&watched.oracle);
	watched.pagemap = oracle_open_pagemap(watched.pid);
	guest_memory_open(&watched.memory, watched.pid, watched.idle_map);
	if (watched.memory.pages > MAX_PAGES || watched.memory.pages % SCAN_BLOCK_PAGES)
		die("the size of the guest");
	for (interval = 0; right && interval < INTERVALS; interval++)
		right = check_interval(&watched);
	guest_memory_close(&watched.memory);
	oracle_close(&watched.oracle);
	return right ? 0 : 1;
}
