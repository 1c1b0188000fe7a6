// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rounds.c - mark, touch and read random sets of pages, and compare with what must come out
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "idle_check.h"
#include "idle_map.h"
#include "rounds.h"

/* What must come out, one byte a page. */
struct model {
	bool *mapped;
	bool *written;
	bool *idle;
	bool *set;
	bool *found;
};

static void model_mark(struct model *model, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++) {
		if (model->set[i])
			model->idle[i] = model->mapped[i];
	}
}

/* Touch model->set; of pages that were never written, instructions cannot be fetched. */
static void model_touch(const struct rounds *rounds, struct model *model, char mode)
{
	size_t i;

	for (i = 0; i < rounds->pages; i++) {
		if (tolower(mode) == 'x')
			model->set[i] &= model->written[i];
		if (!model->set[i])
			continue;
		model->mapped[i] = true;
		model->written[i] |= tolower(mode) == 'w';
		model->idle[i] = false;
	}
	rounds->touch(rounds->context, mode, model->set, rounds->pages);
}

static bool run_round(const struct rounds *rounds, struct model *model, unsigned int round)
{
	unsigned int touches = 1 + random_below(2), reading;
	char what[32];
	int ret;

	random_set(model->set, rounds->pages);
	ret = idle_map_mark(rounds->idle_fd, rounds->address, rounds->pages, model->set);
	EXPECT(ret == 0, "round %u: marking: %s", round, strerror(-ret));
	model_mark(model, rounds->pages);

	while (touches--) {
		random_set(model->set, rounds->pages);
		model_touch(rounds, model, rounds->modes[random_below(strlen(rounds->modes))]);
	}
	for (reading = 0; reading < 2; reading++) {
		ret = idle_map_read(rounds->idle_fd, rounds->address, rounds->pages, model->found);
		EXPECT(ret == 0, "round %u: reading: %s", round, strerror(-ret));
		snprintf(what, sizeof(what), "round %u, reading %u", round, reading);
		if (!sets_equal(what, model->found, model->idle, rounds->pages))
			return false;
	}
	return true;
}

bool rounds_run(const struct rounds *rounds, unsigned int count)
{
	bool *memory = calloc(5, rounds->pages), right = memory != NULL;
	struct model model = {
		.mapped = memory,
		.written = memory + rounds->pages,
		.idle = memory + 2 * rounds->pages,
		.set = memory + 3 * rounds->pages,
		.found = memory + 4 * rounds->pages,
	};
	unsigned int round;

	if (right && rounds->mapped) {
		fill_set(model.set, rounds->pages, 0, rounds->pages - 1);
		model_touch(rounds, &model, 'w');
	}
	for (round = 0; right && round < count; round++)
		right = run_round(rounds, &model, round);
	free(memory);
	if (right)
		printf("%u rounds of %zu pages: all right\n", count, rounds->pages);
	return right;
}
