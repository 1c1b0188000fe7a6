// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map_recorder.c - accessed pages into the bitmaps of a map file's observers, see map_recorder.h
 */
#include "map_recorder.h"
#include <string.h>
#include <unistd.h>

_Static_assert(VMHEAT_PLUGIN_MAP_RANGES >= RAM_LAYOUT_SEGMENTS_MAX, "each layout fits into the header");

int map_recorder_start(struct map_recorder *recorder, const char *path)
{
	memset(recorder, 0, sizeof(*recorder));
	pthread_mutex_init(&recorder->lock, NULL);
	return map_file_create(&recorder->file, path);
}

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Who asks to be recorded for. Those that have died no longer ask. */
static uint32_t find_wanted(struct map_recorder *recorder, bool find_dead)
{
	uint32_t mask = 0;

	for (unsigned int place = 0; place < VMHEAT_PLUGIN_MAP_OBSERVERS; place++) {
		struct vmheat_plugin_observer *observer = &recorder->file.map->observers[place];
		uint32_t wanted = load(&observer->wanted);

		if (wanted == 0 || wanted == recorder->refused[place])
			continue;
		/* Not if another has taken the place meanwhile: that one's number is a new one. */
		if (find_dead && !map_file_has_observer(&recorder->file, place) &&
		    __atomic_compare_exchange_n(&observer->wanted, &wanted, 0, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			continue;
		mask |= 1u << place;
	}
	return mask;
}

/* Make room at @place for all chunks that the others have. */
static int reserve_chunks(struct map_recorder *recorder, unsigned int place)
{
	int error = 0;

	for (uint64_t chunk = 0; chunk < MAP_CHUNKS && error == 0; chunk++)
		if (recorder->chunks[chunk] == MAP_CHUNK_RESERVED)
			error = map_file_reserve(&recorder->file, place, chunk);
	return error;
}

/* Make room at @place for who has come there, and tell if there is none. Under the lock. */
static bool admit(struct map_recorder *recorder, unsigned int place, uint32_t number)
{
	int error = reserve_chunks(recorder, place);

	recorder->refused[place] = error == 0 ? 0 : number;
	__atomic_store_n(&recorder->file.map->observers[place].error, (uint32_t)-error, __ATOMIC_RELEASE);
	return error == 0;
}

/* From now on record for those of @wanted for whom there is room. Under the lock. */
static void set_tracked(struct map_recorder *recorder, uint32_t wanted)
{
	struct vmheat_plugin_observer *observers = recorder->file.map->observers;
	uint32_t numbers[VMHEAT_PLUGIN_MAP_OBSERVERS];

	for (unsigned int place = 0; place < VMHEAT_PLUGIN_MAP_OBSERVERS; place++) {
		uint32_t bit = 1u << place;

		numbers[place] = load(&observers[place].wanted);
		if ((wanted & ~recorder->tracked & bit) != 0 && !admit(recorder, place, numbers[place]))
			wanted &= ~bit;
	}
	/* There may be room again. */
	for (uint64_t chunk = 0; chunk < MAP_CHUNKS; chunk++)
		if (recorder->chunks[chunk] == MAP_CHUNK_FULL)
			__atomic_store_n(&recorder->chunks[chunk], MAP_CHUNK_NEW, __ATOMIC_RELAXED);
	__atomic_store_n(&recorder->tracked, wanted, __ATOMIC_SEQ_CST);
	for (unsigned int place = 0; place < VMHEAT_PLUGIN_MAP_OBSERVERS; place++)
		__atomic_store_n(&observers[place].armed, (wanted & 1u << place) != 0 ? numbers[place] : 0,
				 __ATOMIC_RELEASE);
}

bool map_recorder_look(struct map_recorder *recorder, bool find_dead)
{
	bool takes_switch;
	uint32_t wanted;

	/* Somebody else looks already. */
	if (pthread_mutex_trylock(&recorder->lock) != 0)
		return false;
	/* Before the rest is read, so that nothing that is asked meanwhile goes unseen. */
	__atomic_store_n(&recorder->requests, load(&recorder->file.map->requests), __ATOMIC_RELAXED);
	wanted = find_wanted(recorder, find_dead);
	takes_switch = (wanted != 0) != (recorder->tracked != 0);
	if (!takes_switch)
		set_tracked(recorder, wanted);
	pthread_mutex_unlock(&recorder->lock);
	return takes_switch;
}

void map_recorder_switch(struct map_recorder *recorder)
{
	pthread_mutex_lock(&recorder->lock);
	set_tracked(recorder, find_wanted(recorder, false));
	pthread_mutex_unlock(&recorder->lock);
}

/* Make room for the bits of a chunk. Return: whether there is. */
static bool reserve_chunk(struct map_recorder *recorder, uint64_t chunk)
{
	enum map_chunk state;

	pthread_mutex_lock(&recorder->lock);
	state = (enum map_chunk)recorder->chunks[chunk];
	if (state == MAP_CHUNK_NEW) {
		state = MAP_CHUNK_RESERVED;
		for (unsigned int place = 0; place < VMHEAT_PLUGIN_MAP_OBSERVERS; place++)
			if ((recorder->tracked & 1u << place) != 0 &&
			    map_file_reserve(&recorder->file, place, chunk) != 0)
				state = MAP_CHUNK_FULL;
		__atomic_store_n(&recorder->chunks[chunk], (uint8_t)state, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&recorder->lock);
	return state == MAP_CHUNK_RESERVED;
}

static bool has_room(struct map_recorder *recorder, uint64_t gfn)
{
	uint64_t chunk = gfn >> MAP_FILE_CHUNK_SHIFT;

	if (chunk >= MAP_CHUNKS)
		return false;
	switch (__atomic_load_n(&recorder->chunks[chunk], __ATOMIC_ACQUIRE)) {
	case MAP_CHUNK_RESERVED:
		return true;
	case MAP_CHUNK_NEW:
		return reserve_chunk(recorder, chunk);
	default:
		return false;
	}
}

void map_recorder_record(struct map_recorder *recorder, uint64_t gfn)
{
	uint32_t places = __atomic_load_n(&recorder->tracked, __ATOMIC_RELAXED);
	uint64_t bit = UINT64_C(1) << gfn % 64;

	if (!has_room(recorder, gfn)) {
		map_recorder_lost(recorder);
		return;
	}
	for (; places != 0; places &= places - 1) {
		uint64_t *word =
			map_file_bitmap(&recorder->file, (unsigned int)__builtin_ctz(places)) + gfn / 64;

		/* Most pages have been accessed before; then the line stays shared among the processors. */
		if ((__atomic_load_n(word, __ATOMIC_RELAXED) & bit) == 0)
			__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	}
}

void map_recorder_lost(struct map_recorder *recorder)
{
	__atomic_fetch_add(&recorder->file.map->lost, 1, __ATOMIC_RELAXED);
}

void map_recorder_publish(struct map_recorder *recorder, const struct ram_layout *layout)
{
	struct vmheat_plugin_map *map = recorder->file.map;

	pthread_mutex_lock(&recorder->lock);
	__atomic_store_n(&map->ranges_sequence, map->ranges_sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&map->range_count, (uint32_t)layout->count, __ATOMIC_RELAXED);
	for (size_t i = 0; i < layout->count; i++) {
		struct vmheat_plugin_range *range = &map->ranges[i];

		__atomic_store_n(&range->gfn, layout->segments[i].gfn, __ATOMIC_RELAXED);
		__atomic_store_n(&range->hva, layout->segments[i].host, __ATOMIC_RELAXED);
		__atomic_store_n(&range->pages, layout->segments[i].pages, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&map->ranges_sequence, map->ranges_sequence + 1, __ATOMIC_RELEASE);
	/* Last: who finds it finds the ranges. */
	__atomic_store_n(&map->pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&recorder->lock);
}
