/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_nodes.c - on which NUMA nodes the pages of a process lie, by the kernel's own word
 *
 * Usage: page_nodes PID < RUNS. A run is a line "FIRST-VIRTUAL-PAGE PAGES CLASS". Asks move_pages(2) without
 * a target, which moves nothing and gives each page's node, and prints one JSON object: for each class the
 * pages that are mapped, the ones that are not, and the count on each node. It knows nothing of vmheat, so
 * that it can be a witness.
 */
#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE	4096u
#define BATCH_PAGES	4096u
#define CLASS_COUNT_MAX 8u
#define NODE_COUNT_MAX	16u
#define CLASS_NAME_SIZE 32u
#define LINE_SIZE	128u

struct class_count {
	char name[CLASS_NAME_SIZE];
	uint64_t nodes[NODE_COUNT_MAX];
	uint64_t mapped;
	uint64_t not_mapped;
};

/* The class called @name, made if it is new; NULL when there are too many. */
static struct class_count *class_count_get(struct class_count *classes, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(classes[i].name, name) == 0)
			return &classes[i];
	if (*count == CLASS_COUNT_MAX)
		return NULL;
	snprintf(classes[*count].name, sizeof(classes[*count].name), "%s", name);
	return &classes[(*count)++];
}

/* Add the nodes of @pages pages from @vpn on to @class. 0, or -1 with errno. */
static int count_run(int pid, uint64_t vpn, uint64_t pages, struct class_count *class)
{
	static void *addresses[BATCH_PAGES];
	static int status[BATCH_PAGES];

	while (pages) {
		unsigned long batch = pages < BATCH_PAGES ? pages : BATCH_PAGES;

		for (unsigned long i = 0; i < batch; i++)
			addresses[i] = (void *)(uintptr_t)((vpn + i) * PAGE_SIZE);
		if (move_pages(pid, batch, addresses, NULL, status, 0) < 0)
			return -1;
		for (unsigned long i = 0; i < batch; i++) {
			if (status[i] >= 0 && status[i] < (int)NODE_COUNT_MAX) {
				class->nodes[status[i]]++;
				class->mapped++;
			} else {
				class->not_mapped++;
			}
		}
		vpn += batch;
		pages -= batch;
	}
	return 0;
}

/* "FIRST-VIRTUAL-PAGE PAGES CLASS". @name has CLASS_NAME_SIZE bytes. */
static bool read_run(const char *line, uint64_t *vpn, uint64_t *pages, char *name)
{
	char *end;
	size_t length;

	*vpn = strtoull(line, &end, 10);
	if (end == line || *end != ' ')
		return false;
	line = end + 1;
	*pages = strtoull(line, &end, 10);
	if (end == line || *end != ' ')
		return false;
	line = end + 1;
	length = strcspn(line, "\n");
	if (length == 0 || length >= CLASS_NAME_SIZE)
		return false;
	memcpy(name, line, length);
	name[length] = '\0';
	return true;
}

static void print_json(const struct class_count *classes, size_t count)
{
	printf("{");
	for (size_t i = 0; i < count; i++) {
		printf("%s\"%s\":{\"mapped\":%" PRIu64 ",\"not_mapped\":%" PRIu64 ",\"nodes\":[",
		       i ? "," : "", classes[i].name, classes[i].mapped, classes[i].not_mapped);
		for (size_t node = 0; node < NODE_COUNT_MAX; node++)
			printf("%s%" PRIu64, node ? "," : "", classes[i].nodes[node]);
		printf("]}");
	}
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct class_count classes[CLASS_COUNT_MAX] = { 0 };
	size_t count = 0;
	uint64_t vpn;
	uint64_t pages;
	char name[CLASS_NAME_SIZE];
	char line[LINE_SIZE];
	char *end;
	long pid;

	errno = 0;
	pid = argc == 2 ? strtol(argv[1], &end, 10) : 0;
	if (argc != 2 || pid <= 0 || errno || *end) {
		fprintf(stderr, "usage: page_nodes PID < RUNS\n");
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		struct class_count *class = NULL;

		if (read_run(line, &vpn, &pages, name))
			class = class_count_get(classes, &count, name);
		if (!class) {
			fprintf(stderr, "page_nodes: not a run, or of one class too many: %s", line);
			return 1;
		}
		if (count_run((int)pid, vpn, pages, class) < 0) {
			fprintf(stderr, "page_nodes: move_pages of process %ld: %s\n", pid, strerror(errno));
			return 1;
		}
	}
	print_json(classes, count);
	return 0;
}
