// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plugin_check.c - libvmheat-plugin.so in a real QEMU, on a guest whose every access is known; prints TAP
 *
 * Usage: plugin_check QEMU LABEL
 *
 * What the file says is compared with what the guest was told to do, page for page: none may be missing, none
 * may be extra. The processors' own pages, code and mailbox, are among the expected ones each time.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "plugin_observer.h"
#include "rounds.h"

#define TESTS	     22
#define ROUNDS	     200
#define END_GFN	     ((guint64)0x280000) /* 10 GiB: behind all memory of all machines here */
#define BITMAP_WORDS (END_GFN / 64)
#define GIB_PAGES    ((guint64)0x40000)
#define WAIT_SECONDS 10L

static const char *qemu, *label;
static int tests;

static void result(gboolean ok, const char *what)
{
	printf("%s %d - plugin on QEMU %s: %s\n", ok ? "ok" : "not ok", ++tests, label, what);
	fflush(stdout);
}

/* Add to @seen all pages that @observer tells of. */
static gboolean collect(struct plugin_observer *observer, guint64 *seen)
{
	static guint64 words[BITMAP_WORDS];
	g_autoptr(GError) error = NULL;

	if (!plugin_observer_collect(observer, 0, END_GFN, words, &error)) {
		printf("# %s\n", error->message);
		return FALSE;
	}
	for (gsize i = 0; i < BITMAP_WORDS; i++)
		seen[i] |= words[i];
	return TRUE;
}

/* Whether @seen is exactly @expected. Says the first differences. */
static gboolean is_equal(const guint64 *seen, GHashTable *expected)
{
	guint missing = 0, extra = 0;
	GHashTableIter iterator;
	gpointer key;

	g_hash_table_iter_init(&iterator, expected);
	while (g_hash_table_iter_next(&iterator, &key, NULL)) {
		guint64 gfn = *(const guint64 *)key;

		if ((seen[gfn / 64] >> gfn % 64 & 1) == 0 && missing++ < 3)
			printf("# missing: page 0x%" G_GINT64_MODIFIER "x\n", gfn);
	}
	for (guint64 gfn = 0; gfn < END_GFN; gfn++)
		if ((seen[gfn / 64] >> gfn % 64 & 1) != 0 && !g_hash_table_contains(expected, &gfn) &&
		    extra++ < 3)
			printf("# extra: page 0x%" G_GINT64_MODIFIER "x\n", gfn);
	if (missing + extra > 0)
		printf("# of %u pages %u missing, %u extra\n", g_hash_table_size(expected), missing, extra);
	return missing + extra == 0;
}

static void add_all(GHashTable *set, GHashTable *more)
{
	GHashTableIter iterator;
	gpointer key;

	g_hash_table_iter_init(&iterator, more);
	while (g_hash_table_iter_next(&iterator, &key, NULL))
		g_hash_table_add(set, g_memdup2(key, sizeof(guint64)));
}

static gboolean wait_armed(struct plugin_observer *observer)
{
	gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;
	g_autoptr(GError) error = NULL;

	while (!plugin_observer_is_armed(observer, &error)) {
		if (error != NULL || g_get_monotonic_time() > end) {
			printf("# not armed: %s\n", error == NULL ? "it takes too long" : error->message);
			return FALSE;
		}
		g_usleep(1000);
	}
	return TRUE;
}

/* A new observer, armed; NULL if that fails. */
static struct plugin_observer *observe(const struct machine *machine)
{
	g_autoptr(GError) error = NULL;
	struct plugin_observer *observer = plugin_observer_new(machine->map, &error);

	if (observer == NULL)
		printf("# %s\n", error->message);
	else if (!wait_armed(observer))
		g_clear_pointer(&observer, plugin_observer_free);
	return observer;
}

/* One round, seen by each of the observers in one collection. */
static gboolean round_is_equal(struct rounds *rounds, struct plugin_observer *const *observers, gsize count)
{
	static guint64 seen[BITMAP_WORDS];
	g_autoptr(GHashTable) expected = NULL;
	gboolean equal = TRUE;

	for (gsize i = 0; i < count; i++)
		if (!collect(observers[i], seen))
			return FALSE;
	expected = rounds_start(rounds);
	if (!machine_wait_done(rounds->machine))
		return FALSE;
	for (gsize i = 0; i < count && equal; i++) {
		memset(seen, 0, sizeof(seen));
		equal = collect(observers[i], seen) && is_equal(seen, expected);
	}
	return equal;
}

static gboolean rounds_are_equal(struct rounds *rounds, struct plugin_observer *observer, guint count)
{
	for (guint i = 0; i < count; i++)
		if (!round_is_equal(rounds, &observer, 1)) {
			printf("# that was round %u\n", i);
			return FALSE;
		}
	return TRUE;
}

/* Rounds during which the observer collects as fast as it can: each access is in one collection or another. */
static gboolean nothing_is_lost(struct rounds *rounds, struct plugin_observer *observer, guint count)
{
	static guint64 seen[BITMAP_WORDS];
	gboolean equal = TRUE;

	for (guint i = 0; i < count && equal; i++) {
		g_autoptr(GHashTable) expected = NULL;

		if (!collect(observer, seen))
			return FALSE;
		memset(seen, 0, sizeof(seen));
		expected = rounds_start(rounds);
		for (guint processor = 0; processor < GUEST_PROCESSORS; processor++)
			while (*machine_mailbox(rounds->machine, processor, MAILBOX_DONE) != rounds->go)
				if (!collect(observer, seen))
					return FALSE;
		equal = collect(observer, seen) && is_equal(seen, expected);
	}
	return equal;
}

static gboolean file_takes_at_most(const struct machine *machine, goffset bytes)
{
	struct stat status;

	return stat(machine->map, &status) == 0 && status.st_blocks * 512 <= bytes;
}

/* What QEMU says when it does not start; NULL if it does. The caller frees it. */
static char *refusal(const struct machine *machine, const char *const *extra)
{
	g_autofree char *log = g_strconcat(machine->map, ".log", NULL);
	pid_t pid = machine_run_qemu(machine, qemu, extra, log);
	char *text = NULL;
	int status;

	for (int i = 0; i < 500; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				g_file_get_contents(log, &text, NULL, NULL);
			unlink(log);
			return text;
		}
		g_usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	unlink(log);
	return NULL;
}

/* Whether the file tells of memory of @pages pages from @gfn on. */
static gboolean lists(const struct machine *machine, guint64 gfn, guint64 pages)
{
	g_autoptr(GArray) memory = plugin_observer_memory(machine->map, machine->pid, NULL);

	for (guint i = 0; memory != NULL && i < memory->len; i++) {
		const struct vmheat_idle_memslot *slot =
			&g_array_index(memory, struct vmheat_idle_memslot, i);

		if (slot->gfn == gfn && slot->pages == pages)
			return TRUE;
	}
	return FALSE;
}

/* Whether QEMU has at the addresses that the file gives what the guest has in @gfn. */
static gboolean address_is_right(const struct machine *machine, guint64 gfn)
{
	g_autoptr(GArray) memory = plugin_observer_memory(machine->map, machine->pid, NULL);
	g_autofree char *path = g_strdup_printf("/proc/%d/mem", (int)machine->pid);
	guint64 mark = g_random_int() | (guint64)1 << 40, found = 0;
	FILE *file = fopen(path, "r");

	memcpy(machine_page(machine, gfn) + 0x20, &mark, sizeof(mark));
	for (guint i = 0; memory != NULL && i < memory->len && file != NULL; i++) {
		const struct vmheat_idle_memslot *slot =
			&g_array_index(memory, struct vmheat_idle_memslot, i);

		if (gfn >= slot->gfn && gfn - slot->gfn < slot->pages &&
		    fseeko(file, (off_t)(slot->hva + (gfn - slot->gfn) * PAGE + 0x20), SEEK_SET) == 0 &&
		    fread(&found, sizeof(found), 1, file) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return found == mark;
}

/* An observer in another process, which is killed. */
static gboolean lose_observer(const struct machine *machine)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct plugin_observer *observer = observe(machine);

		raise(observer == NULL ? SIGTERM : SIGKILL);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Until the plugin records for nobody. */
static gboolean wait_unarmed(const struct machine *machine)
{
	int fd = open(machine->map, O_RDONLY | O_CLOEXEC);
	struct vmheat_plugin_map map;
	guint32 armed = 1;

	for (int i = 0; i < WAIT_SECONDS * 10 && armed != 0; i++) {
		g_usleep(100000);
		if (pread(fd, &map, sizeof(map), 0) != (ssize_t)sizeof(map))
			break;
		armed = 0;
		for (gsize j = 0; j < VMHEAT_PLUGIN_MAP_OBSERVERS; j++)
			armed |= map.observers[j].armed;
	}
	close(fd);
	return armed == 0;
}

/* Observers come and go, in good order and otherwise. */
static void check_observers(struct machine *machine, struct rounds *rounds)
{
	struct plugin_observer *observers[2] = { observe(machine), observe(machine) };
	static guint64 seen[BITMAP_WORDS];
	g_autoptr(GHashTable) first = NULL, second = NULL;
	struct plugin_observer *others[VMHEAT_PLUGIN_MAP_OBSERVERS] = { 0 };
	g_autoptr(GError) error = NULL;
	gboolean equal = TRUE;
	gsize count = 0;

	if (observers[0] == NULL || observers[1] == NULL) {
		result(FALSE, "two observers");
		return;
	}
	for (guint i = 0; i < 20 && equal; i++)
		equal = round_is_equal(rounds, observers, 2);
	result(equal, "two observers: each sees all");
	/* The second one collects between two rounds, the first one after them. */
	first = rounds_start(rounds);
	equal = machine_wait_done(machine) && collect(observers[1], seen);
	memset(seen, 0, sizeof(seen));
	second = rounds_start(rounds);
	equal = equal && machine_wait_done(machine) && collect(observers[1], seen) && is_equal(seen, second);
	result(equal, "an observer that collects often sees what came since");
	add_all(second, first);
	memset(seen, 0, sizeof(seen));
	equal = collect(observers[0], seen) && is_equal(seen, second);
	result(equal, "and takes nothing from one that collects seldom");
	while (count < VMHEAT_PLUGIN_MAP_OBSERVERS &&
	       (others[count] = plugin_observer_new(machine->map, &error)) != NULL)
		count++;
	result(count == VMHEAT_PLUGIN_MAP_OBSERVERS - 2 &&
		       g_error_matches(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_UNAVAILABLE),
	       "a ninth observer is refused");
	while (count > 0)
		plugin_observer_free(others[--count]);
	plugin_observer_free(observers[1]);
	result(rounds_are_equal(rounds, observers[0], 20),
	       "when others leave, the last one goes on to see all");
	plugin_observer_free(observers[0]);
	result(wait_unarmed(machine), "when all have left, recording ends");
	result(lose_observer(machine) && wait_unarmed(machine), "when an observer is killed, too");
	observers[0] = observe(machine);
	result(observers[0] != NULL && rounds_are_equal(rounds, observers[0], 20) &&
		       plugin_observer_lost(observers[0]) == 0,
	       "and the next one sees all");
	plugin_observer_free(observers[0]);
}

/* 5 GiB in one piece, on both sides of the PCI hole. */
static void check_one_backend(const char *folder)
{
	static const guint64 spans[][2] = { { 0x400, 2 * GIB_PAGES }, { 4 * GIB_PAGES, 7 * GIB_PAGES } };
	static const char *const none[] = { NULL };
	struct machine *machine = machine_new(folder, (guint64[]){ 5120, 0, 0 }, 0);
	struct plugin_observer *observer;
	struct stat status;
	struct rounds rounds;
	g_autofree char *said = NULL;

	result(machine_start(machine, qemu, none), "a machine with it starts");
	result(stat(machine->map, &status) == 0 && (status.st_mode & 07777) == 0600,
	       "its file has mode 0600");
	said = refusal(machine, none);
	result(said != NULL && strstr(said, "a QEMU that runs uses it") != NULL,
	       "a second machine with the same file is refused");
	rounds_init(&rounds, machine, 1, spans, G_N_ELEMENTS(spans));
	g_hash_table_unref(rounds_start(&rounds));
	result(machine_wait_done(machine) && file_takes_at_most(machine, 4096),
	       "without an observer nothing is recorded");
	observer = observe(machine);
	result(observer != NULL, "an observer is recorded for");
	if (observer != NULL) {
		result(lists(machine, 0, 2 * GIB_PAGES) && lists(machine, 4 * GIB_PAGES, 3 * GIB_PAGES) &&
			       address_is_right(machine, 0x1234) && address_is_right(machine, 6 * GIB_PAGES),
		       "the file tells where the memory is, on both sides of the PCI hole");
		result(rounds_are_equal(&rounds, observer, ROUNDS),
		       "200 random rounds on two processors: reads, writes, fetches, over pages' ends, page "
		       "for page");
		result(nothing_is_lost(&rounds, observer, ROUNDS),
		       "the same while the observer collects all the time");
		result(plugin_observer_lost(observer) == 0, "no access is counted as lost");
	}
	plugin_observer_free(observer);
	check_observers(machine, &rounds);
	rounds_clear(&rounds);
	machine_free(machine);
}

/* Two backends of different size, a DIMM, and one thread for both processors. */
static void check_backends(const char *folder)
{
	static const guint64 spans[][2] = { { 0x400, GIB_PAGES },
					    { GIB_PAGES, 2 * GIB_PAGES },
					    { 4 * GIB_PAGES, 6 * GIB_PAGES },
					    { 8 * GIB_PAGES, 8 * GIB_PAGES + 0x10000 } };
	static const char *const one_thread[] = { "-accel", "tcg,thread=single", NULL };
	struct machine *machine = machine_new(folder, (guint64[]){ 1024, 3072, 0 }, 256);
	struct plugin_observer *observer = machine_start(machine, qemu, one_thread) ? observe(machine) : NULL;
	g_autoptr(GError) error = NULL;
	struct rounds rounds;

	if (observer == NULL) {
		result(FALSE, "a machine with two memory backends starts");
		machine_free(machine);
		return;
	}
	rounds_init(&rounds, machine, 2, spans, 3);
	result(rounds_are_equal(&rounds, observer, ROUNDS / 2),
	       "two memory backends, and one thread for all processors: page for page");
	rounds_clear(&rounds);
	result(machine_plug(machine, spans[3][0]), "a DIMM is plugged");
	rounds_init(&rounds, machine, 3, spans, 4);
	result(rounds_are_equal(&rounds, observer, ROUNDS / 2) && plugin_observer_lost(observer) == 0 &&
		       lists(machine, spans[3][0], 0x10000) && address_is_right(machine, spans[3][0] + 77),
	       "its pages are recorded and listed, too");
	rounds_clear(&rounds);
	machine_stop(machine);
	plugin_observer_is_armed(observer, &error);
	result(g_error_matches(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_GONE),
	       "an observer is told that the machine has ended");
	plugin_observer_free(observer);
	machine->pieces[machine->piece_count - 1].gfn = 0;
	observer = machine_start(machine, qemu, one_thread) ? observe(machine) : NULL;
	result(observer != NULL, "the next machine replaces the file that the killed one left");
	plugin_observer_free(observer);
	machine_free(machine);
}

int main(int argc, char **argv)
{
	g_autofree char *folder = g_dir_make_tmp("vmheat-plugin-XXXXXX", NULL);

	if (argc != 3 || folder == NULL) {
		fputs("usage: plugin_check QEMU LABEL\n", stderr);
		return 2;
	}
	qemu = argv[1];
	label = argv[2];
	printf("1..%d\n", TESTS);
	check_one_backend(folder);
	check_backends(folder);
	rmdir(folder);
	return 0;
}
