/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lru_gen.c - how much of each cgroup's memory is idle, by the multi-generational LRU, see lru_gen.h
 *
 * The file (mm/vmscan.c, lru_gen_seq_show), for each cgroup:
 *
 *	memcg    12 /system.slice/ssh.service
 *	 node     0
 *	         17      10234         12          34
 *	         18       5010        567           0x
 *
 * that is, of each generation its number, its age in ms, its anonymous and its file pages; an x marks a size that does not
 * count any more. A command is a line written into it: "+ CGROUP NODE YOUNGEST_GENERATION CAN_SWAP FORCE". With CAN_SWAP
 * anonymous pages are aged, too, and with FORCE they are even when there are four generations already: the two oldest
 * become one.
 */
#include "lru_gen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "text_file.h"

/* What a line is of. */
struct place {
	unsigned long long cgroup;
	unsigned long long node;
	unsigned long long
		youngest; /* generation so far; 0: none, for they are counted from MIN_NR_GENS on */
};

struct generation {
	unsigned long long number, age_ms, anon, file;
};

struct aging {
	int fd;
	struct place place;
};

struct counting {
	struct place place;
	uint64_t window_ms;
	struct cgroup_table *table;
};

/* If @line is "WORD NUMBER...", the number goes to @number. Return: what follows it, else NULL. */
static const char *after_word(const char *line, const char *word, unsigned long long *number)
{
	size_t length = strlen(word);
	char *end;

	if (strncmp(line, word, length) != 0)
		return NULL;
	*number = strtoull(line + length, &end, 10);
	return end > line + length ? end : NULL;
}

static bool parse_generation(const char *line, struct generation *generation)
{
	unsigned long long *const fields[] = { &generation->number, &generation->age_ms, &generation->anon,
					       &generation->file };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char *end;

		*fields[i] = strtoull(line, &end, 10);
		if (end == line)
			return false;
		/* A size that does not count is of pages that are about to be counted elsewhere. */
		if (*end == 'x') {
			*fields[i] = 0;
			end++;
		}
		line = end;
	}
	return true;
}

/* Ages the place whose generations have all been read. A cgroup that is gone by now is none of our concern. */
static void age_place(const struct aging *aging)
{
	char command[128];
	int length;

	if (aging->place.youngest == 0)
		return;
	length = snprintf(command, sizeof(command), "+ %llu %llu %llu 1 1\n", aging->place.cgroup,
			  aging->place.node, aging->place.youngest);
	if (write(aging->fd, command, (size_t)length) < 0)
		return;
}

static void age_line(const char *line, void *context)
{
	struct aging *aging = context;
	struct generation generation;
	unsigned long long number;

	if (after_word(line, "memcg ", &number)) {
		age_place(aging);
		aging->place = (struct place){ .cgroup = number };
	} else if (after_word(line, " node ", &number)) {
		age_place(aging);
		aging->place.node = number;
		aging->place.youngest = 0;
	} else if (parse_generation(line, &generation)) {
		aging->place.youngest = generation.number;
	}
}

static void count_line(const char *line, void *context)
{
	struct counting *counting = context;
	struct generation generation;
	unsigned long long number;

	if (after_word(line, "memcg ", &number)) {
		counting->place.cgroup = number;
	} else if (!after_word(line, " node ", &number) && parse_generation(line, &generation) &&
		   counting->place.cgroup != 0) {
		struct vmheat_cgroup *entry = cgroup_table_entry(counting->table, counting->place.cgroup);

		if (counting->window_ms == 0) {
			entry->unknown_pages += generation.anon + generation.file;
		} else if (generation.age_ms <= counting->window_ms) {
			entry->accessed_anon_pages += generation.anon;
			entry->accessed_file_pages += generation.file;
		} else {
			entry->idle_anon_pages += generation.anon;
			entry->idle_file_pages += generation.file;
		}
	}
}

static void name_line(const char *line, void *context)
{
	struct cgroup_names *names = context;
	unsigned long long number;
	const char *path = after_word(line, "memcg ", &number);

	if (path == NULL || *path != ' ' || number == 0)
		return;
	(void)cgroup_names_set(names, number, path + 1);
}

bool lru_gen_is_on(const char *path, const char *enabled_path)
{
	char text[16] = "";
	int fd = open(enabled_path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	/* Bit 0 is the main switch. */
	return size > 0 && (strtoul(text, NULL, 16) & 1) && access(path, R_OK | W_OK) == 0;
}

int lru_gen_age(const char *path)
{
	struct aging aging = { .fd = open(path, O_WRONLY | O_CLOEXEC) };
	int error;

	if (aging.fd < 0)
		return -errno;
	error = text_file_read(path, age_line, &aging);
	age_place(&aging);
	close(aging.fd);
	return error;
}

int lru_gen_count(const char *path, uint64_t window_ms, struct cgroup_table *table)
{
	struct counting counting = { .window_ms = window_ms, .table = table };

	return text_file_read(path, count_line, &counting);
}

int lru_gen_names(const char *path, struct cgroup_names *names, const struct vmheat_cgroup *cgroups,
		  size_t count)
{
	if (cgroup_names_renew(names, cgroups, count) == 0)
		return 0;
	return text_file_read(path, name_line, names);
}
