/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map_recorder.h - accessed pages into the bitmaps of a map file's observers, and who these are at the moment
 *
 * Theory of operation
 *
 * `tracked` is the set of observers for whom pages are recorded. A virtual processor reads it at each access;
 * it changes under `lock`, in map_recorder_look(), which compares it with what the observers want. Two changes
 * take more than that: from nobody to somebody and back, for then QEMU must translate all code anew, with or
 * without what records. The caller does that, and calls map_recorder_switch() when no processor runs.
 *
 * An observer is told that it is recorded for (`armed`) after `tracked` has it. Whoever has seen the one sees
 * the other, so an access that begins after the observer has seen `armed` is not missed.
 *
 * Bits are set where the file has been given room (map_file.h), chunk by chunk as they are first needed.
 * `chunks` says for which that is done, for all observers in `tracked` alike: an observer that comes gets room
 * for all of these before it is in it.
 */
#ifndef QEMU_PLUGIN_MAP_RECORDER_H
#define QEMU_PLUGIN_MAP_RECORDER_H

#include <pthread.h>
#include <stdbool.h>
#include "map_file.h"
#include "ram_layout.h"

#define MAP_CHUNKS (VMHEAT_PLUGIN_MAP_END_GFN >> MAP_FILE_CHUNK_SHIFT)

enum map_chunk {
	MAP_CHUNK_NEW,
	MAP_CHUNK_RESERVED,
	MAP_CHUNK_FULL, /* there is no room for it */
};

struct map_recorder {
	struct map_file file;
	pthread_mutex_t lock;
	uint32_t tracked;  /* a bit a place */
	uint32_t requests; /* the header's, as seen last */
	/* What an observer was wanted by when there was no room for it: it must ask again. */
	uint32_t refused[VMHEAT_PLUGIN_MAP_OBSERVERS];
	uint8_t chunks[MAP_CHUNKS]; /* enum map_chunk */
};

/** map_recorder_start() - for nobody yet. Return: as map_file_create(). */
int map_recorder_start(struct map_recorder *recorder, const char *path);

/** map_recorder_is_asked() - whether an observer has asked for something since the last look. Quick. */
static inline bool map_recorder_is_asked(const struct map_recorder *recorder)
{
	return __atomic_load_n(&recorder->file.map->requests, __ATOMIC_ACQUIRE) !=
	       __atomic_load_n(&recorder->requests, __ATOMIC_RELAXED);
}

/**
 * map_recorder_look() - do what the observers want
 * @find_dead: look for observers that have ended without a word, too
 *
 * Return: whether it takes a switch: call map_recorder_switch() when no virtual processor runs.
 */
bool map_recorder_look(struct map_recorder *recorder, bool find_dead);

/** map_recorder_switch() - likewise, switch or not. */
void map_recorder_switch(struct map_recorder *recorder);

/** map_recorder_is_on() - whether anybody is recorded for. */
static inline bool map_recorder_is_on(const struct map_recorder *recorder)
{
	return __atomic_load_n(&recorder->tracked, __ATOMIC_RELAXED) != 0;
}

/** map_recorder_record() - page @gfn has been accessed. On any thread. */
void map_recorder_record(struct map_recorder *recorder, uint64_t gfn);

/** map_recorder_lost() - a page has been accessed, nobody knows which. On any thread. */
void map_recorder_lost(struct map_recorder *recorder);

/** map_recorder_publish() - tell observers the machine's memory. */
void map_recorder_publish(struct map_recorder *recorder, const struct ram_layout *layout);

#endif /* QEMU_PLUGIN_MAP_RECORDER_H */
