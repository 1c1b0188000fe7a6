/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_guest.c - a guest in numbers, see model_guest.h
 */
#include <string.h>
#include "model_guest.h"

/* Cache that was not used for so many ticks goes before anything else. */
#define CACHE_IDLE_TICKS 10u

/* What a tick's work takes while nothing is missing. */
#define BUSY_SECONDS 0.5

static const char *const pattern_names[] = { "steady", "stepped", "sawtooth", "drifting" };
_Static_assert(sizeof(pattern_names) / sizeof(pattern_names[0]) == MODEL_PATTERNS,
	       "every pattern has a name");

const char *model_pattern_name(enum model_pattern pattern)
{
	return (unsigned int)pattern < MODEL_PATTERNS ? pattern_names[pattern] : "unknown";
}

/* Random numbers (Knuth's MMIX), from @least to @most. */
static unsigned int random_between(uint64_t *seed, unsigned int least, unsigned int most)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return least + (unsigned int)((*seed >> 33) % (most - least + 1));
}

struct model_load model_load_random(enum model_pattern pattern, uint64_t seed)
{
	struct model_load load = { .pattern = pattern };

	seed = seed * 1000003 + pattern;
	load.kernel = random_between(&seed, 24, 48);
	load.anon = random_between(&seed, 400, 640);
	load.cache = MODEL_PAGES - load.kernel - load.anon - 64;
	load.swap = random_between(&seed, 300, 800);
	load.cache_hot = random_between(&seed, 0, 60);
	load.low = random_between(&seed, 60, 200);
	load.high = random_between(&seed, load.low + 20, load.low + 150);
	load.period =
		pattern == MODEL_DRIFTING ? random_between(&seed, 2, 10) : random_between(&seed, 60, 300);
	load.stream = random_between(&seed, 0, 2);
	return load;
}

static unsigned int anon_first(const struct model_guest *guest)
{
	return guest->load.kernel + guest->load.cache;
}

static bool is_cache(const struct model_guest *guest, unsigned int page)
{
	return page >= guest->load.kernel && page < anon_first(guest);
}

static void evict(struct model_guest *guest, unsigned int page)
{
	guest->is_resident[page] = false;
	guest->touched[page / 64] &= ~(UINT64_C(1) << page % 64);
	guest->resident--;
	if (!is_cache(guest, page))
		guest->swapped++;
}

enum reclaim_kind { RECLAIM_IDLE_CACHE, RECLAIM_ANON, RECLAIM_CACHE, RECLAIM_KINDS };

/* The page of this kind that was not used for longest; MODEL_PAGES if none can go. */
static unsigned int victim(const struct model_guest *guest, enum reclaim_kind kind)
{
	unsigned int first = kind == RECLAIM_ANON ? anon_first(guest) : guest->load.kernel;
	unsigned int end = kind == RECLAIM_ANON ? first + guest->load.anon : anon_first(guest);
	unsigned int found = MODEL_PAGES;

	if (kind == RECLAIM_ANON && guest->swapped >= guest->load.swap)
		return MODEL_PAGES;
	for (unsigned int page = first; page < end; page++)
		if (guest->is_resident[page] &&
		    (found == MODEL_PAGES || guest->last_touch[page] < guest->last_touch[found]))
			found = page;
	if (kind == RECLAIM_IDLE_CACHE && found < MODEL_PAGES &&
	    guest->last_touch[found] + CACHE_IDLE_TICKS > guest->tick)
		return MODEL_PAGES;
	return found;
}

/* Make room for a page. @costly: somebody waits for it. Whether that was possible. */
static bool reclaim_page(struct model_guest *guest, bool costly)
{
	for (unsigned int kind = 0; kind < RECLAIM_KINDS; kind++) {
		unsigned int page = victim(guest, kind);

		if (page == MODEL_PAGES)
			continue;
		evict(guest, page);
		if (costly && kind == RECLAIM_ANON) {
			guest->busy_seconds += MODEL_FAULT_SECONDS / 2;
			guest->counts.stall_seconds += MODEL_FAULT_SECONDS / 2;
		}
		return true;
	}
	return false;
}

/* Make a page resident. Whether there was memory for it. */
static bool bring_in(struct model_guest *guest, unsigned int page)
{
	bool again = guest->last_touch[page] != 0;

	if (guest->resident >= guest->balloon && !reclaim_page(guest, true)) {
		guest->counts.out_of_memory++;
		return false;
	}
	guest->is_resident[page] = true;
	guest->resident++;
	if (!again)
		return true;
	guest->busy_seconds += MODEL_FAULT_SECONDS;
	guest->counts.stall_seconds += MODEL_FAULT_SECONDS;
	guest->counts.refaults++;
	if (!is_cache(guest, page)) {
		guest->swapped--;
		guest->counts.swap_in++;
	}
	return true;
}

static bool touch(struct model_guest *guest, unsigned int page)
{
	if (!guest->is_resident[page] && !bring_in(guest, page))
		return false;
	guest->last_touch[page] = guest->tick;
	guest->touched[page / 64] |= UINT64_C(1) << page % 64;
	return true;
}

/* Give an anonymous page back, wherever it is. */
static void drop(struct model_guest *guest, unsigned int page)
{
	if (guest->is_resident[page]) {
		evict(guest, page);
		guest->swapped--;
	} else if (guest->last_touch[page] != 0) {
		guest->swapped--;
	}
	guest->last_touch[page] = 0;
}

static void choose_hot_set(struct model_guest *guest)
{
	const struct model_load *load = &guest->load;
	unsigned int phase = guest->tick % load->period;
	unsigned int before = guest->hot_count;

	switch (load->pattern) {
	case MODEL_STEPPED:
		if (phase == 0)
			guest->hot_count = random_between(&guest->seed, load->low, load->high);
		break;
	case MODEL_SAWTOOTH:
		guest->hot_count = load->low + (load->high - load->low) * phase / load->period;
		for (unsigned int page = guest->hot_count; page < before; page++)
			drop(guest, anon_first(guest) + page);
		break;
	case MODEL_DRIFTING:
		if (phase == 0)
			guest->hot_first = (guest->hot_first + 1) % (load->anon - guest->hot_count);
		break;
	default:
		break;
	}
}

/* The balloon's way of a tick. */
static void move_balloon(struct model_guest *guest)
{
	for (unsigned int i = 0; i < MODEL_BALLOON_PAGES && guest->balloon != guest->target; i++) {
		if (guest->balloon < guest->target) {
			guest->balloon++;
			continue;
		}
		if (guest->resident >= guest->balloon && !reclaim_page(guest, false))
			return;
		guest->balloon--;
	}
}

static void run_tick(struct model_guest *guest)
{
	const struct model_load *load = &guest->load;
	double a_touch = BUSY_SECONDS / (load->high + load->cache_hot);

	guest->tick++;
	guest->busy_seconds = 0;
	move_balloon(guest);
	choose_hot_set(guest);
	for (unsigned int page = 0; page < load->kernel; page++)
		(void)touch(guest, page);
	for (unsigned int i = 0; i < guest->hot_count + load->cache_hot; i++) {
		unsigned int page = i < guest->hot_count ? anon_first(guest) + guest->hot_first + i
							 : load->kernel + i - guest->hot_count;

		guest->counts.work++;
		guest->busy_seconds += a_touch;
		if (guest->busy_seconds > 1.0 || !touch(guest, page))
			guest->counts.work_lost++;
	}
	/* A file that is read for the first time, for ever: its pages take the places of others like them. */
	for (unsigned int i = 0; i < load->stream; i++) {
		unsigned int page = load->kernel + load->cache_hot + guest->next_streamed;

		guest->next_streamed = (guest->next_streamed + 1) % (load->cache - load->cache_hot);
		if (!guest->is_resident[page])
			guest->last_touch[page] = 0;
		if (guest->busy_seconds <= 1.0)
			(void)touch(guest, page);
	}
}

void model_guest_start(struct model_guest *guest, const struct model_load *load, uint64_t seed)
{
	memset(guest, 0, sizeof(*guest));
	guest->load = *load;
	guest->seed = seed;
	guest->balloon = guest->target = MODEL_PAGES;
	guest->hot_count = load->low;
	guest->tick = 1;
	for (unsigned int page = 0; page < load->kernel; page++)
		(void)touch(guest, page);
	for (unsigned int page = 0; page < load->anon; page++)
		(void)touch(guest, anon_first(guest) + page);
}

void model_guest_run(struct model_guest *guest)
{
	memset(guest->touched, 0, sizeof(guest->touched));
	for (unsigned int i = 0; i < MODEL_TICKS; i++)
		run_tick(guest);
}

unsigned int model_guest_free(const struct model_guest *guest)
{
	return guest->balloon > guest->resident ? guest->balloon - guest->resident : 0;
}

unsigned int model_guest_usable(const struct model_guest *guest)
{
	unsigned int usable = model_guest_free(guest);

	for (unsigned int page = guest->load.kernel; page < anon_first(guest); page++)
		usable +=
			guest->is_resident[page] && guest->last_touch[page] + CACHE_IDLE_TICKS <= guest->tick;
	return usable;
}
