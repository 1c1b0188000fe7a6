// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rounds.c - random accesses by the test guest, see rounds.h
 *
 * The first and the last byte of a page together with its neighbours' are code ("jmp *%rdx", ff e2), one in the
 * middle is, too ("ret", c3). What writes there writes what is there; otherwise QEMU would have to be told that
 * code changed.
 */
#include "rounds.h"

#define RET_AT	     0x800
#define DATA_AT	     0x100
#define DATA_BYTES   0x600
#define COMMANDS_MAX 60

void rounds_init(struct rounds *rounds, struct machine *machine, guint32 seed, const guint64 (*spans)[2],
		 gsize count)
{
	rounds->machine = machine;
	rounds->random = g_rand_new_with_seed(seed);
	rounds->go = *machine_mailbox(machine, 0, MAILBOX_GO);
	for (gsize i = 0; i < ROUND_PAGES; i++) {
		guint64 first = spans[i % count][0], end = spans[i % count][1], dense = i / count;
		guint8 *page;

		/* A quarter each: from the beginning, up to the end, the rest scattered. */
		if (dense < ROUND_PAGES / count / 4)
			rounds->pages[i] = first + dense;
		else if (dense < ROUND_PAGES / count / 2)
			rounds->pages[i] = end - 1 - (dense - ROUND_PAGES / count / 4);
		else
			rounds->pages[i] =
				first + (guint64)(g_rand_double(rounds->random) * (double)(end - first));
		page = machine_page(machine, rounds->pages[i]);
		g_assert_nonnull(page);
		page[0] = 0xe2;
		page[RET_AT] = 0xc3;
		page[PAGE - 1] = 0xff;
	}
}

void rounds_clear(struct rounds *rounds)
{
	g_rand_free(rounds->random);
}

static void expect(GHashTable *expected, guint64 gfn)
{
	g_hash_table_add(expected, g_memdup2(&gfn, sizeof(gfn)));
}

/* Choose a command, where in a page it is about, and how many bytes from there on. */
static guint64 choose_command(GRand *random, guint *offset, guint *size)
{
	guint64 command = (guint64)g_rand_int_range(random, COMMAND_READ, COMMAND_STRING + 1);
	gboolean crossing = g_rand_int_range(random, 0, 3) == 0;

	*size = command == COMMAND_STRING				    ? 32
		: command == COMMAND_READ_16 || command == COMMAND_WRITE_16 ? 16
									    : 8;
	if (command == COMMAND_CALL) {
		*offset = RET_AT;
		*size = 1;
	} else if (command == COMMAND_JUMP) {
		*offset = PAGE - 1;
		*size = 2;
	} else if (crossing && command != COMMAND_WRITE) {
		*offset = PAGE - (guint)g_rand_int_range(random, 1, (gint32)*size);
	} else {
		*offset = DATA_AT + (guint)g_rand_int_range(random, 0, DATA_BYTES);
	}
	return command;
}

/* The window's part of one processor: map it anew, and write commands about it. */
static void fill_mailbox(struct rounds *rounds, guint processor, GHashTable *expected)
{
	const guint window_pages = GUEST_WINDOW_PAGES / GUEST_PROCESSORS;
	guint64 *entries = (guint64 *)(void *)machine_page(rounds->machine, GUEST_TABLES / PAGE + 4) +
			   (gsize)processor * window_pages;
	volatile guint64 *command = machine_mailbox(rounds->machine, processor, MAILBOX_COMMANDS);
	guint count = (guint)g_rand_int_range(rounds->random, 1, COMMANDS_MAX);
	guint64 gfns[GUEST_WINDOW_PAGES];

	for (guint i = 0; i < window_pages; i++) {
		gfns[i] = rounds->pages[g_rand_int_range(rounds->random, 0, ROUND_PAGES)];
		entries[i] = gfns[i] * PAGE | 0x3;
	}
	for (guint i = 0; i < count; i++, command += 2) {
		guint page = (guint)g_rand_int_range(rounds->random, 0, (gint32)window_pages - 1), offset,
		      size;

		command[0] = choose_command(rounds->random, &offset, &size);
		command[1] = GUEST_WINDOW + ((guint64)processor * window_pages + page) * PAGE + offset;
		expect(expected, gfns[page]);
		if (offset + size > PAGE)
			expect(expected, gfns[page + 1]);
	}
	command[0] = COMMAND_END;
	/* What they do all the time. */
	expect(expected, GUEST_CODE / PAGE + processor);
	expect(expected, GUEST_MAILBOX / PAGE + processor);
}

GHashTable *rounds_start(struct rounds *rounds)
{
	GHashTable *expected = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	for (guint i = 0; i < GUEST_PROCESSORS; i++)
		fill_mailbox(rounds, i, expected);
	rounds->go++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (guint i = 0; i < GUEST_PROCESSORS; i++)
		*machine_mailbox(rounds->machine, i, MAILBOX_GO) = rounds->go;
	return expected;
}
