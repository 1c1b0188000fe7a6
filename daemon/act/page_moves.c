/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_moves.c - bring pages to the NUMA nodes where the plan wants them
 *
 * Theory of operation
 *
 * Two passes over the plan, hot pages, then cold ones, in batches. For each batch the kernel is asked where
 * the pages are; those that lie wrong are moved; then it is asked again, and only that answer counts as
 * moved. At the end one more query of all the plan's pages gives the totals.
 *
 * What move_pages(2) does in Linux 6.1 (mm/migrate.c) shapes the rest:
 * - It queues pages until one cannot be queued, then migrates the queue. When one of the queue fails,
 *   the call ends there with the number of pages that were not migrated; their status, and that of all
 *   pages behind them, is left as it was. So the call is repeated with what is left while it makes
 *   progress. When it makes none, the first page is given up as busy, then the next 2, 4, ... so that a
 *   batch full of pinned pages takes a dozen calls, and those behind a single one still move.
 * - It moves huge pages whole. Of the 512 addresses of one, the first moves it, the second finds it just
 *   isolated (EBUSY in its status), the others find it in place. So a status is believed only for a page
 *   that does not lie right afterwards.
 * - A huge page stays one although only some of its pages are still mapped, which is what a balloon
 *   leaves behind. There one cold page would take its hot neighbours along, and the next round would
 *   bring all of them back. So where cold pages do not fill an aligned block of 512, the kernel is first
 *   asked to split the huge page, by advising MADV_COLD for one cold page of it. A leaf that the guest
 *   uses as a whole is never split: the plan keeps its 512 pages together (placement_plan.h).
 * - It does not see pages that NUMA balancing has taken the access rights from (numa_balancing.h), most
 *   of the cold ones. What it does not see but pagemap does is such a page. While balancing runs, all that
 *   can be done is to count them, as pages that do not lie right. Once it was switched off, reading a byte
 *   of each brings it back for good.
 */
#include "page_moves.h"
#include <errno.h>
#include <limits.h>
#include <numaif.h>
#include "host_error.h"

#define BATCH_PAGES 4096u

/* In a status: the kernel has said nothing. In an answer: there is a page, but it is hidden. They are no
 * errno. */
#define STATUS_UNSAID INT_MIN
#define WHERE_HIDDEN  (INT_MIN + 1)

/* Pages on their way through the kernel, in plan order. */
struct batch {
	guint count;
	guint64 indices[BATCH_PAGES];
	void *addresses[BATCH_PAGES];
	gboolean partial[BATCH_PAGES]; /* its extent does not fill the page's aligned block of 512 */
	int status[BATCH_PAGES];
};

/* Those pages of a batch that move_pages(2) does not see. */
struct unseen {
	guint count;
	guint entries[BATCH_PAGES]; /* in the batch */
	void *addresses[BATCH_PAGES];
	gboolean mapped[BATCH_PAGES];
	int where[BATCH_PAGES];
};

struct mover {
	const struct page_moves_kernel *kernel;
	const struct domain *domain;
	const struct page_map *map;
	guint64 limit; /* pages that may still be moved */
	const struct page_move_watch *watch;
	gboolean told; /* that pages are about to be moved */
	struct page_move_result *result;

	int node;	     /* where the pages of this pass belong */
	gboolean may_split;  /* in this pass */
	guint64 split_block; /* the block of 512 indices that was split last */
	guint64 present;     /* totals of a final query */
	guint64 in_place;
	int nodes[BATCH_PAGES]; /* all the same: the pass's node */
	int where[BATCH_PAGES]; /* the kernel's answer to a query: a node, a negative errno or WHERE_HIDDEN */
	gboolean may_reveal;
	struct batch batch;
	struct unseen unseen;
};

static gboolean fail(const struct mover *mover, int number, GError **error)
{
	if (number == ESRCH)
		g_set_error(error, HOST_ERROR, HOST_ERROR_GONE, "%s: process %d has ended",
			    mover->domain->name, (int)mover->domain->pid);
	else if (number == ENODEV)
		g_set_error(error, HOST_ERROR, HOST_ERROR_NODES, "%s: the host has no node %d with memory",
			    mover->domain->name, mover->node);
	else
		g_set_error(error, HOST_ERROR, HOST_ERROR_SYSTEM, "%s: move_pages: %s", mover->domain->name,
			    g_strerror(number));
	return FALSE;
}

/* Runs of indices, told as they end. */
struct run {
	const struct mover *mover;
	guint64 index;
	guint64 pages; /* 0: none yet */
};

static void run_end(struct run *run)
{
	const struct page_move_watch *watch = run->mover->watch;

	if (run->pages > 0 && watch->moved != NULL)
		watch->moved(run->index, run->pages, watch->data);
	run->pages = 0;
}

static void run_add(struct run *run, guint64 index)
{
	if (run->index + run->pages != index)
		run_end(run);
	if (run->pages++ == 0)
		run->index = index;
}

/* Ask where @count pages are. */
static gboolean ask(const struct mover *mover, guint count, void **addresses, int *where, GError **error)
{
	if (mover->kernel->move_pages(mover->domain->pid, count, addresses, NULL, where, 0) == 0)
		return TRUE;
	return fail(mover, errno, error);
}

/* Tell hidden pages from absent ones among those that have no place, and reveal them if that may be. */
static gboolean find_hidden(struct mover *mover, GError **error)
{
	const struct batch *batch = &mover->batch;
	struct unseen *unseen = &mover->unseen;
	struct run run = { .mover = mover };

	unseen->count = 0;
	for (guint i = 0; i < batch->count; i++) {
		if (mover->where[i] >= 0)
			continue;
		unseen->addresses[unseen->count] = batch->addresses[i];
		unseen->entries[unseen->count] = i;
		unseen->mapped[unseen->count++] = FALSE;
	}
	if (unseen->count == 0)
		return TRUE;
	mover->kernel->find_mapped(mover->domain->pid, unseen->addresses, unseen->count, mover->may_reveal,
				   unseen->mapped);
	if (!ask(mover, unseen->count, unseen->addresses, unseen->where, error))
		return FALSE;
	for (guint i = 0; i < unseen->count; i++) {
		guint entry = unseen->entries[i];
		int where = unseen->where[i];

		mover->where[entry] = where < 0 && unseen->mapped[i] ? WHERE_HIDDEN : where;
		if (where >= 0 && unseen->mapped[i] && mover->may_reveal)
			run_add(&run, batch->indices[entry]);
	}
	run_end(&run);
	return TRUE;
}

/* Ask where the batch's pages are, for mover->where[]. */
static gboolean query(struct mover *mover, GError **error)
{
	struct batch *batch = &mover->batch;

	return ask(mover, batch->count, batch->addresses, mover->where, error) && find_hidden(mover, error);
}

/* Keep entry @from of the batch as entry @to. */
static void keep(struct batch *batch, guint to, guint from)
{
	batch->indices[to] = batch->indices[from];
	batch->addresses[to] = batch->addresses[from];
	batch->partial[to] = batch->partial[from];
	batch->status[to] = batch->status[from];
}

/* Count @pages that did not move, by why. */
static void count_failed(struct page_move_result *result, int number, guint64 pages)
{
	switch (number) {
	case EBUSY:
	case EAGAIN:
		result->busy += pages;
		break;
	case EACCES:
	case EPERM:
		result->refused += pages;
		break;
	case ENOMEM:
		result->no_memory += pages;
		break;
	case ENOENT:
	case EFAULT:
		result->absent += pages;
		break;
	default:
		result->other += pages;
	}
}

/* Count a page whose place is not known. */
static void count_unseen(struct page_move_result *result, int where)
{
	if (where == WHERE_HIDDEN)
		result->hidden++;
	else
		result->absent++;
}

/* Leave in the batch what lies wrong and may be moved within the limit. */
static void select_wrong(struct mover *mover)
{
	struct page_move_result *result = mover->result;
	struct batch *batch = &mover->batch;
	guint kept = 0;

	for (guint i = 0; i < batch->count; i++) {
		if (mover->where[i] < 0) {
			count_unseen(result, mover->where[i]);
		} else if (mover->where[i] != mover->node) {
			result->wanted++;
			if (mover->limit > 0) {
				mover->limit--;
				keep(batch, kept++, i);
			} else {
				result->left++;
			}
		}
	}
	batch->count = kept;
}

/* Split the huge pages that the batch's pages share with others. */
static void split_shared(struct mover *mover)
{
	const struct batch *batch = &mover->batch;

	for (guint i = 0; i < batch->count; i++) {
		guint64 block = batch->indices[i] / PAGE_MAP_LEAF_PAGES;

		if (!batch->partial[i] || block == mover->split_block)
			continue;
		mover->split_block = block;
		mover->kernel->split(mover->domain->pid, batch->addresses[i]);
	}
}

/* Count and tell what lies right now; count what has a reason not to; leave the others in the batch. */
static void settle(struct mover *mover)
{
	struct batch *batch = &mover->batch;
	struct run run = { .mover = mover };
	guint kept = 0;

	for (guint i = 0; i < batch->count; i++) {
		if (mover->where[i] == mover->node) {
			mover->result->moved++;
			run_add(&run, batch->indices[i]);
		} else if (mover->where[i] < 0) {
			count_unseen(mover->result, mover->where[i]);
		} else if (batch->status[i] < 0 && batch->status[i] != STATUS_UNSAID) {
			count_failed(mover->result, -batch->status[i], 1);
		} else {
			keep(batch, kept++, i);
		}
	}
	run_end(&run);
	batch->count = kept;
}

/* Give up the first @pages of the batch. */
static void give_up(struct mover *mover, guint pages, int number)
{
	struct batch *batch = &mover->batch;

	pages = MIN(pages, batch->count);
	count_failed(mover->result, number, pages);
	for (guint i = pages; i < batch->count; i++)
		keep(batch, i - pages, i);
	batch->count -= pages;
}

/* Move the batch's pages, all of which lie wrong. */
static gboolean move(struct mover *mover, GError **error)
{
	struct batch *batch = &mover->batch;
	guint patience = 1;

	while (batch->count > 0) {
		guint before = batch->count;
		long result;
		int number;

		for (guint i = 0; i < before; i++) {
			batch->status[i] = STATUS_UNSAID;
			mover->nodes[i] = mover->node;
		}
		result = mover->kernel->move_pages(mover->domain->pid, before, batch->addresses, mover->nodes,
						   batch->status, MPOL_MF_MOVE);
		number = result < 0 ? errno : EBUSY;
		if (number == ESRCH || number == ENODEV || number == EINVAL || number == EFAULT)
			return fail(mover, number, error);
		if (!query(mover, error))
			return FALSE;
		settle(mover);
		if (result <= 0) {
			/* The whole call was refused (cpuset, full node), or all was said. */
			give_up(mover, batch->count, number);
		} else if (batch->count == before) {
			give_up(mover, patience, EBUSY);
			patience *= 2;
		} else {
			patience = 1;
		}
	}
	return TRUE;
}

/* Before the first page is moved. */
static gboolean tell_before(struct mover *mover, GError **error)
{
	const struct page_move_watch *watch = mover->watch;

	if (!mover->told && watch->before != NULL && !watch->before(watch->data, error))
		return FALSE;
	mover->told = TRUE;
	return TRUE;
}

/* A full batch of the first passes. */
static gboolean move_batch(struct mover *mover, GError **error)
{
	if (!query(mover, error))
		return FALSE;
	select_wrong(mover);
	if (mover->batch.count > 0 && !tell_before(mover, error))
		return FALSE;
	if (mover->may_split)
		split_shared(mover);
	return move(mover, error);
}

/* A full batch of the last pass. */
static gboolean count_batch(struct mover *mover, GError **error)
{
	if (!query(mover, error))
		return FALSE;
	for (guint i = 0; i < mover->batch.count; i++) {
		mover->present += mover->where[i] >= 0 || mover->where[i] == WHERE_HIDDEN;
		mover->in_place += mover->where[i] == mover->node;
	}
	return TRUE;
}

/* Whether @extent does not fill the aligned block of 512 indices that @index is in. */
static gboolean is_partial(const struct placement_extent *extent, guint64 index)
{
	guint64 block = index - index % PAGE_MAP_LEAF_PAGES;

	return extent->index > block || extent->index + extent->pages < block + PAGE_MAP_LEAF_PAGES;
}

/* Call @full with batches of all pages of one class of the plan. */
static gboolean for_each_batch(struct mover *mover, const struct placement_extent *extents, gsize count,
			       enum placement_class class,
			       gboolean (*full)(struct mover *mover, GError **error), GError **error)
{
	struct batch *batch = &mover->batch;

	batch->count = 0;
	for (gsize i = 0; i < count; i++) {
		const struct placement_extent *extent = &extents[i];
		guint64 end = extent->class == class ? extent->index + extent->pages : 0;

		for (guint64 index = extent->index; index < end; index++) {
			guint64 vpn;

			if (!page_map_vpn_of_index(mover->map, index, &vpn))
				continue;
			batch->indices[batch->count] = index;
			batch->addresses[batch->count] = (void *)(uintptr_t)(vpn * PAGE_MAP_PAGE_SIZE);
			batch->partial[batch->count] = is_partial(extent, index);
			if (++batch->count < BATCH_PAGES)
				continue;
			if (!full(mover, error))
				return FALSE;
			batch->count = 0;
		}
	}
	return batch->count == 0 || full(mover, error);
}

static gboolean apply(struct mover *mover, const struct page_move_nodes *nodes,
		      const struct placement_extent *extents, gsize count, GError **error)
{
	struct page_move_result *result = mover->result;

	mover->node = nodes->near_node;
	if (!for_each_batch(mover, extents, count, PLACEMENT_NEAR, move_batch, error))
		return FALSE;
	mover->node = nodes->far_node;
	mover->may_split = TRUE;
	if (!for_each_batch(mover, extents, count, PLACEMENT_FAR, move_batch, error))
		return FALSE;

	if (!for_each_batch(mover, extents, count, PLACEMENT_FAR, count_batch, error))
		return FALSE;
	result->cold = mover->present;
	result->cold_far = mover->in_place;
	mover->present = mover->in_place = 0;
	mover->node = nodes->near_node;
	if (!for_each_batch(mover, extents, count, PLACEMENT_NEAR, count_batch, error))
		return FALSE;
	result->hot = mover->present;
	result->hot_near = mover->in_place;
	return TRUE;
}

gboolean page_moves_apply_with(const struct page_moves_kernel *kernel, const struct domain *domain,
			       const struct page_map *map, const struct page_move_nodes *nodes,
			       const struct placement_extent *extents, gsize count, guint64 limit,
			       const struct page_move_watch *watch, struct page_move_result *result,
			       GError **error)
{
	struct mover *mover = g_new0(struct mover, 1);
	gboolean good;

	*result = (struct page_move_result){ 0 };
	mover->kernel = kernel;
	mover->domain = domain;
	mover->map = map;
	mover->limit = limit;
	mover->watch = watch;
	mover->result = result;
	mover->split_block = G_MAXUINT64;
	mover->may_reveal = limit > 0;
	/* A pid is not an identity: another process may have it by now. */
	good = domain_is_alive(domain) ? apply(mover, nodes, extents, count, error)
				       : fail(mover, ESRCH, error);
	g_free(mover);
	return good;
}

gboolean page_moves_apply(const struct domain *domain, const struct page_map *map,
			  const struct page_move_nodes *nodes, const struct placement_extent *extents,
			  gsize count, guint64 limit, const struct page_move_watch *watch,
			  struct page_move_result *result, GError **error)
{
	return page_moves_apply_with(&page_moves_linux, domain, map, nodes, extents, count, limit, watch,
				     result, error);
}
