/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_flat_view.c - whatever QEMU's monitor says, what is taken of it are ranges that can be used
 *
 * The input is the reply to `info mtree -f`, and to `gpa2hva`.
 */
#include <stdlib.h>
#include <string.h>
#include "flat_view.h"
#include "page_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const blocks[] = { "pc.ram", "ram-node0", NULL };

static void require(gboolean condition)
{
	if (!condition)
		abort();
}

static void check_range(const struct flat_range *range, guint64 free_from)
{
	require(range->gfn >= free_from);
	require(range->pages > 0);
	require(range->gfn + range->pages <= PAGE_MAP_PAGE_NUMBER_END);
	require(range->offset % PAGE_MAP_PAGE_SIZE == 0);
	require(range->block == blocks[0] || range->block == blocks[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) hva_error = NULL;
	g_autoptr(GArray) view = flat_view_parse(text, blocks, &error);
	guint64 free_from = 0, hva;

	require((view == NULL) == (error != NULL));
	for (guint i = 0; view != NULL && i < view->len; i++) {
		const struct flat_range *range = &g_array_index(view, struct flat_range, i);

		check_range(range, free_from);
		free_from = range->gfn + range->pages;
	}
	if (flat_view_parse_hva(text, 0x100000, "pc.ram", &hva, &hva_error))
		require(hva != 0 && hva % PAGE_MAP_PAGE_SIZE == 0 && strstr(text, "0x100000 (") != NULL);
	else
		require(g_utf8_validate(hva_error->message, -1, NULL));
	return 0;
}
