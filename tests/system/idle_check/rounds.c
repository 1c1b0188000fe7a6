// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rounds.c - touch random sets of pages, and compare what each observer is told with what must come out
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "idle_check.h"
#include "idle_map.h"
#include "page_scan.h"
#include "rounds.h"

/* The observers: two files that scan, and the shared one. */
#define SCANNERS 2

/*
 * What must come out, one byte a page:
 * @mapped:  by the process
 * @guest:   by the guest layer
 * @written: once, so that it can be called
 * @idle:    marked by a write and not touched since
 * @touched: since the last scan by each of the files
 * @set, @found, @present, @coarse: for what is being done
 * @memory: for all of these
 */
struct model {
	const struct rounds *rounds;
	int shared;
	int scanner[SCANNERS];
	bool *mapped;
	bool *guest;
	bool *written;
	bool *idle;
	bool *touched[SCANNERS];
	bool *set;
	bool *found;
	bool *present;
	bool *coarse;
	bool *memory;
	uint8_t *leaves;
};

/* Return: false if the test cannot begin; model_free() is to be called even then. */
static bool model_new(struct model *model, const struct rounds *rounds)
{
	bool **sets[] = { &model->mapped,     &model->guest,	  &model->written, &model->idle,
			  &model->touched[0], &model->touched[1], &model->set,	   &model->found,
			  &model->present,    &model->coarse };
	size_t i;

	*model = (struct model){ .rounds = rounds, .shared = idle_map_open(rounds->pid) };
	for (i = 0; i < SCANNERS; i++)
		model->scanner[i] = idle_map_open(rounds->pid);
	model->memory = calloc(sizeof(sets) / sizeof(sets[0]), rounds->pages);
	model->leaves = calloc(1, rounds->pages / SCAN_BLOCK_PAGES);
	EXPECT(model->shared >= 0 && model->scanner[0] >= 0 && model->scanner[1] >= 0);
	EXPECT(model->memory && model->leaves);
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		*sets[i] = model->memory + i * rounds->pages;
	if (rounds->ready) {
		memset(model->mapped, true, rounds->pages);
		memset(model->written, true, rounds->pages);
		memset(model->touched[0], true, rounds->pages);
		memset(model->touched[1], true, rounds->pages);
	}
	return true;
}

static void model_free(struct model *model)
{
	size_t i;

	close(model->shared);
	for (i = 0; i < SCANNERS; i++)
		close(model->scanner[i]);
	free(model->leaves);
	free(model->memory);
}

static bool mark(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	size_t i;
	int ret = idle_map_mark(model->shared, rounds->address, rounds->pages, model->set);

	EXPECT(ret == 0, "marking: %s", strerror(-ret));
	for (i = 0; i < rounds->pages; i++) {
		if (model->set[i])
			model->idle[i] = model->mapped[i];
	}
	return true;
}

static bool read_all(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	int ret = idle_map_read(model->shared, rounds->address, rounds->pages, model->found);

	EXPECT(ret == 0, "reading: %s", strerror(-ret));
	return sets_equal("read", model->found, model->idle, rounds->pages);
}

static bool rounds_are_aligned(const struct rounds *rounds)
{
	return rounds->address % SCAN_BLOCK_SIZE == 0 && rounds->pages % SCAN_BLOCK_PAGES == 0;
}

/* Which leaves map a block, as a scan must tell it. */
static uint8_t expected_leaves(const struct model *model, size_t block)
{
	const size_t first = block * SCAN_BLOCK_PAGES;
	uint8_t host = VMHEAT_IDLE_LEAF_HOST_4K, guest = VMHEAT_IDLE_LEAF_GUEST_4K, leaves = 0;
	size_t i;

	if (model->rounds->leaf > 1) {
		bool larger = model->rounds->leaf > SCAN_BLOCK_PAGES;

		host = larger ? VMHEAT_IDLE_LEAF_HOST_1G : VMHEAT_IDLE_LEAF_HOST_2M;
		guest = larger ? VMHEAT_IDLE_LEAF_GUEST_1G : VMHEAT_IDLE_LEAF_GUEST_2M;
	}
	for (i = first; i < first + SCAN_BLOCK_PAGES; i++) {
		if (model->mapped[i])
			leaves |= host;
		if (model->guest[i])
			leaves |= guest;
	}
	return leaves;
}

static size_t count(const bool *set, size_t pages)
{
	size_t i, sum = 0;

	for (i = 0; i < pages; i++)
		sum += set[i];
	return sum;
}

static bool scan(struct model *model, unsigned int scanner)
{
	const struct rounds *rounds = model->rounds;
	struct vmheat_idle_scan sum;
	size_t i;
	int calls = page_scan(model->scanner[scanner], rounds->address, rounds->pages, random_below(2),
			      model->found, model->present, model->coarse, &sum);

	EXPECT(calls > 0, "scanning: %s", strerror(-calls));
	/* A scan of whole blocks counts the process's other pages in them, too. */
	EXPECT(!rounds_are_aligned(rounds) ||
	       (sum.pages_present == count(model->present, rounds->pages) &&
		sum.pages_accessed == count(model->found, rounds->pages) && sum.pages_skipped == 0));
	EXPECT(!rounds->paths || sum.paths == rounds->paths, "paths %x", sum.paths);
	if (!sets_equal("present", model->present, model->mapped, rounds->pages) ||
	    !sets_equal("accessed", model->found, model->touched[scanner], rounds->pages))
		return false;
	/* Only large leaves are coarse. */
	for (i = 0; i < rounds->pages; i++)
		model->found[i] &= rounds->leaf > 1;
	memset(model->touched[scanner], false, rounds->pages);
	return sets_equal("coarse", model->coarse, model->found, rounds->pages);
}

static bool scan_leaves(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	size_t block;
	int ret = page_scan_leaves(model->shared, rounds->address, rounds->pages, model->leaves);

	EXPECT(ret == 0, "scanning for leaves: %s", strerror(-ret));
	for (block = 0; block < rounds->pages / SCAN_BLOCK_PAGES; block++) {
		uint8_t expected = expected_leaves(model, block);

		EXPECT(model->leaves[block] == expected, "block %zu: leaves %x instead of %x", block,
		       model->leaves[block], expected);
	}
	return true;
}

/* Each file scans or does not. */
static bool scan_some(struct model *model)
{
	unsigned int scanner;

	if (rounds_are_aligned(model->rounds) && !random_below(3) && !scan_leaves(model))
		return false;

	for (scanner = 0; scanner < SCANNERS; scanner++) {
		if (!random_below(3) && !scan(model, scanner)) {
			printf("scanner %u\n", scanner);
			return false;
		}
	}
	return true;
}

/* Under large leaves a set of some leaves, one page of each: more would touch nothing else. */
static void random_touches(const struct rounds *rounds, bool *set)
{
	size_t leaf;

	if (rounds->leaf == 1) {
		random_set(set, rounds->pages);
		return;
	}
	memset(set, false, rounds->pages);
	for (leaf = 0; leaf < rounds->pages; leaf += rounds->leaf) {
		if (random_below(2))
			set[leaf + random_below(rounds->leaf)] = true;
	}
}

/* All pages of a leaf were mapped and touched. */
static void model_touch(struct model *model, size_t leaf)
{
	const size_t size = model->rounds->leaf;
	size_t i;

	memset(model->mapped + leaf, true, size);
	memset(model->idle + leaf, false, size);
	for (i = 0; i < SCANNERS; i++)
		memset(model->touched[i] + leaf, true, size);
}

static void model_unmap(struct model *model, size_t page)
{
	size_t i;

	model->mapped[page] = model->guest[page] = model->written[page] = model->idle[page] = false;
	for (i = 0; i < SCANNERS; i++)
		model->touched[i][page] = false;
}

/* Touch model->set. */
static void touch(struct model *model, unsigned int way, char mode)
{
	const struct rounds *rounds = model->rounds;
	size_t i, leaf;

	rounds->touch(rounds->context, way, mode, model->set, rounds->pages);
	for (i = 0; i < rounds->pages; i++) {
		if (!model->set[i])
			continue;
		if (mode == 'u') {
			model_unmap(model, i);
			continue;
		}
		leaf = i - i % rounds->leaf;
		model_touch(model, leaf);
		if (rounds->ways[way].guest)
			memset(model->guest + leaf, true, rounds->leaf);
		else if (rounds->zeroes && mode == 'w' && !model->written[i])
			model->guest[i] = false;
		model->written[i] |= mode == 'w';
	}
}

static unsigned int count_ways(const struct rounds *rounds)
{
	unsigned int ways = 0;

	while (ways < ROUNDS_MAX_WAYS && rounds->ways[ways].modes)
		ways++;
	return ways;
}

static void touch_all(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	unsigned int way;

	for (way = 0; way < count_ways(rounds); way++) {
		if (!strchr(rounds->ways[way].modes, 'w'))
			continue;
		memset(model->set, true, rounds->pages);
		touch(model, way, 'w');
	}
}

static void touch_some(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	unsigned int way = random_below(count_ways(rounds));
	const char *modes = rounds->ways[way].modes;
	char mode = modes[random_below(strlen(modes))];
	size_t i;

	random_touches(rounds, model->set);
	/* Of pages that were never written, instructions cannot be fetched. */
	for (i = 0; mode == 'x' && i < rounds->pages; i++)
		model->set[i] &= model->written[i];
	touch(model, way, mode);
}

/* The guest layer maps nothing any more, and nobody can tell what was touched before: no page is idle. */
static void change(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	size_t scanner;

	rounds->change(rounds->context);
	memset(model->guest, false, rounds->pages);
	memset(model->idle, false, rounds->pages);
	for (scanner = 0; scanner < SCANNERS; scanner++)
		memcpy(model->touched[scanner], model->mapped, rounds->pages);
}

static bool run_round(struct model *model)
{
	const struct rounds *rounds = model->rounds;
	unsigned int touches = 1 + random_below(2), reading;

	if (rounds->change)
		change(model);
	random_set(model->set, rounds->pages);
	if ((!rounds->crowded && !mark(model)) || !scan_some(model))
		return false;
	while (touches--) {
		touch_some(model);
		if (!scan_some(model))
			return false;
	}
	for (reading = 0; reading < 2 && !rounds->crowded; reading++) {
		if (!read_all(model))
			return false;
	}
	return true;
}

bool rounds_run(const struct rounds *rounds, unsigned int count)
{
	struct model model;
	unsigned int round = 0;
	bool right = model_new(&model, rounds);

	if (right && rounds->mapped)
		touch_all(&model);
	for (; right && round < count; round += right)
		right = run_round(&model);
	model_free(&model);
	printf("%u of %u rounds of %zu pages were right\n", round, count, rounds->pages);
	return right;
}
