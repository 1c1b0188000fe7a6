/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapped_file.c - a shared mapping of a file that somebody else may make shorter, see mapped_file.h
 *
 * The handler may interrupt any thread anywhere, so it takes no lock: mappings stand in a fixed table. A place
 * is taken by its state; the rest is set before that is USED, and a mapping that is being touched is not freed.
 */
#include "mapped_file.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum mapped_state {
	MAPPED_FREE,
	MAPPED_TAKEN,
	MAPPED_USED,
	MAPPED_LOST,
};

struct mapped_file {
	gint state; /* enum mapped_state, atomic */
	guint8 *data;
	gsize size;
};

static struct mapped_file files[MAPPED_FILES_MAX];
static struct sigaction previous;

static struct mapped_file *find_file(const guint8 *address)
{
	for (gsize i = 0; i < MAPPED_FILES_MAX; i++) {
		struct mapped_file *file = &files[i];

		if (g_atomic_int_get(&file->state) >= MAPPED_USED && address >= file->data &&
		    address < file->data + file->size)
			return file;
	}
	return NULL;
}

static void bus_error(int number, siginfo_t *info, void *context)
{
	struct mapped_file *file = find_file((const guint8 *)info->si_addr);
	int saved = errno;

	if (file != NULL &&
	    mmap(file->data, file->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		g_atomic_int_set(&file->state, MAPPED_LOST);
	else
		/* The access is repeated on return, and then it is whoever was here before that is told. */
		sigaction(SIGBUS, &previous, NULL);
	errno = saved;
}

static void install_handler(void)
{
	static gsize installed;
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO | SA_RESTART };

	if (!g_once_init_enter(&installed))
		return;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &previous);
	g_once_init_leave(&installed, 1);
}

struct mapped_file *mapped_file_new(int fd, gsize size)
{
	struct mapped_file *file = NULL;
	void *data;

	install_handler();
	for (gsize i = 0; i < MAPPED_FILES_MAX && file == NULL; i++)
		if (g_atomic_int_compare_and_exchange(&files[i].state, MAPPED_FREE, MAPPED_TAKEN))
			file = &files[i];
	if (file == NULL) {
		errno = EMFILE;
		return NULL;
	}
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED) {
		g_atomic_int_set(&file->state, MAPPED_FREE);
		return NULL;
	}
	file->data = (guint8 *)data;
	file->size = size;
	g_atomic_int_set(&file->state, MAPPED_USED);
	return file;
}

void mapped_file_free(struct mapped_file *file)
{
	if (file == NULL)
		return;
	munmap(file->data, file->size);
	g_atomic_int_set(&file->state, MAPPED_FREE);
}

void *mapped_file_data(const struct mapped_file *file)
{
	return file->data;
}

gboolean mapped_file_is_lost(const struct mapped_file *file)
{
	return g_atomic_int_get(&file->state) == MAPPED_LOST;
}
