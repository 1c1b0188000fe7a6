/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_guest.h - a guest in numbers: working sets, page cache, swap space, and a balloon that lags
 *
 * Theory of operation
 *
 * Time goes in ticks of a second, MODEL_TICKS of them make a window. A page stands for 1 MiB, so that a guest
 * has a thousand of them and a run takes milliseconds. Every page has a fixed number: first the kernel's, which
 * are used in every tick, then the page cache's, then anonymous ones.
 *
 * In each tick the load touches its hot set, which is steady, stepped, sawtooth or drifting, and reads a few
 * pages of a large file one after the other, as backups and logs do: cache that nobody wants again. Half of the
 * tick is what that takes at most if every page is there; one that must be read again costs
 * MODEL_FAULT_SECONDS, and one that must be written out first half of that. What does not fit into the tick is
 * work lost.
 *
 * What is resident and the balloon share the guest's memory. When there is not enough, the guest reclaims: cache
 * that was not used for a while, then anonymous memory, the least recently used first, as long as there is swap
 * space, then any cache. When nothing is left, the guest is out of memory: that is counted, and the touch is
 * lost. The balloon itself never goes so far: it stops. It moves at most MODEL_BALLOON_PAGES a tick.
 *
 * All memory has been used since boot, so what the guest holds of the host is what the balloon leaves it. Memory
 * that the load gives back is free in the guest, but for the host it is as if it was there, and idle.
 */
#ifndef VMHEAT_TESTS_MODEL_GUEST_H
#define VMHEAT_TESTS_MODEL_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_PAGES	    1024u
#define MODEL_WORDS	    (MODEL_PAGES / 64)
#define MODEL_TICKS	    5u
#define MODEL_FAULT_SECONDS 0.005
#define MODEL_BALLOON_PAGES 64u

enum model_pattern { MODEL_STEADY, MODEL_STEPPED, MODEL_SAWTOOTH, MODEL_DRIFTING, MODEL_PATTERNS };

/** model_pattern_name() - a word for tables; never NULL. */
const char *model_pattern_name(enum model_pattern pattern);

/** What a guest is and does. In pages and ticks. */
struct model_load {
	enum model_pattern pattern;
	unsigned int kernel, cache, anon; /* pages of each kind; together at most MODEL_PAGES */
	unsigned int swap;		  /* space */
	unsigned int cache_hot;		  /* pages of the cache that are in use */
	unsigned int low, high;		  /* the hot set: its size, or what that lies between; at most anon */
	unsigned int period;		  /* of a step or a tooth; of a page's way of a drifting set */
	unsigned int stream;		  /* pages of the large file a tick */
};

/** model_load_random() - a load of this pattern that fits into MODEL_PAGES, another one for each seed. */
struct model_load model_load_random(enum model_pattern pattern, uint64_t seed);

/** What happened since a guest began; of a window by difference. */
struct model_counts {
	uint64_t work, work_lost; /* touches of the hot set; those that did not happen */
	uint64_t swap_in, refaults;
	uint64_t out_of_memory;
	double stall_seconds;
};

struct model_guest {
	struct model_load load;
	uint64_t seed;
	unsigned int tick;
	unsigned int hot_first, hot_count; /* of the anonymous pages */
	unsigned int next_streamed;

	unsigned int balloon;  /* pages that the guest has; MODEL_PAGES at first */
	unsigned int target;   /* where the balloon should stand */
	unsigned int resident; /* pages in use, all kinds */
	unsigned int swapped;
	unsigned int last_touch[MODEL_PAGES]; /* a tick, from 1; 0: not in use */
	bool is_resident[MODEL_PAGES];
	uint64_t touched[MODEL_WORDS]; /* in this window */
	double busy_seconds;	       /* of this tick */
	struct model_counts counts;
};

/** model_guest_start() - a guest that has touched all of its anonymous memory, and has all of its memory. */
void model_guest_start(struct model_guest *guest, const struct model_load *load, uint64_t seed);

/** model_guest_run() - a window. */
void model_guest_run(struct model_guest *guest);

/** model_guest_usable() - what the guest can use without swapping: free memory, and cache that nobody uses. */
unsigned int model_guest_usable(const struct model_guest *guest);

/** model_guest_free() - what is in its free lists. */
unsigned int model_guest_free(const struct model_guest *guest);

#endif /* VMHEAT_TESTS_MODEL_GUEST_H */
