// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_scan.c - the scan ioctl of /proc/PID/idle_bitmap, by an observer of the file's own
 *
 * A scan goes through its range in windows of SCAN_WINDOW_SIZE, as read() and write() do: it looks at the mapped
 * blocks of a window and arms them for the next scan, flushes the TLBs once, and only then, with no lock held,
 * copies the results out. If they cannot be copied the window's marks are forgotten, so that nothing is lost:
 * the next scan reports its pages as accessed. The budget is looked at after each block; a window that it ends
 * is flushed and copied as far as it was done.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "idle_argument.h"
#include "idle_scan.h"
#include "scan.h"

#define BLOCK_BYTES (PAGE_BLOCK_WORDS * sizeof(u64)) /* of a bitmap */
/* How much of a user's bitmap is zeroed before looking for a signal and the budget. */
#define ZERO_BLOCKS	16384UL

#define HOST_LEAF_SHIFT 4

static_assert(PAGE_BLOCK_SHIFT == VMHEAT_IDLE_BITMAP_BLOCK_SHIFT);
static_assert(LEAF_OF_LEVEL(1) == VMHEAT_IDLE_LEAF_GUEST_4K &&
	      LEAF_OF_LEVEL(2) == VMHEAT_IDLE_LEAF_GUEST_2M && LEAF_OF_LEVEL(3) == VMHEAT_IDLE_LEAF_GUEST_1G);
static_assert(VMHEAT_IDLE_LEAF_HOST_4K == VMHEAT_IDLE_LEAF_GUEST_4K << HOST_LEAF_SHIFT);
static_assert(VMHEAT_IDLE_LEAF_HOST_2M == VMHEAT_IDLE_LEAF_GUEST_2M << HOST_LEAF_SHIFT);
static_assert(VMHEAT_IDLE_LEAF_HOST_1G == VMHEAT_IDLE_LEAF_GUEST_1G << HOST_LEAF_SHIFT);

/* What was found in a window, by block. */
struct window {
	u64 accessed[SCAN_WINDOW_BLOCKS][PAGE_BLOCK_WORDS];
	u64 present[SCAN_WINDOW_BLOCKS][PAGE_BLOCK_WORDS];
	u64 coarse[SCAN_WINDOW_BLOCKS][PAGE_BLOCK_WORDS];
	u8 leaves[SCAN_WINDOW_BLOCKS];
};

/**
 * struct scan_request - one scan
 * @scan:     the pass
 * @argument: the caller's structure; @argument.next grows as it goes, and what is counted is counted there
 * @limit:    the end of what can be mapped in the range
 * @deadline: when the budget is used up, in ns of the monotonic clock
 * @window:   memory for a window
 */
struct scan_request {
	struct scan scan;
	struct vmheat_idle_scan argument;
	unsigned long limit;
	u64 deadline;
	struct window *window;
};

static bool budget_is_used_up(const struct scan_request *request)
{
	return ktime_get_ns() >= request->deadline;
}

/* The user's bytes for the block at an address, in an array with so many for each block; NULL if unwanted. */
static void __user *user_block(const struct scan_request *request, u64 array, size_t block_bytes, u64 address)
{
	if (!array)
		return NULL;
	return u64_to_user_ptr(array) +
	       ((address - request->argument.start) >> PAGE_BLOCK_SHIFT) * block_bytes;
}

static bool put_blocks(const struct scan_request *request, u64 array, size_t block_bytes, const void *blocks,
		       unsigned long nr)
{
	void __user *user = user_block(request, array, block_bytes, request->argument.next);

	return !user || !copy_to_user(user, blocks, nr * block_bytes);
}

/* Copy the results of the first @nr blocks of the window to the user, and go on behind them. */
static int put_window(struct scan_request *request, unsigned int nr)
{
	const struct vmheat_idle_scan *argument = &request->argument;
	const struct window *window = request->window;

	if (!put_blocks(request, argument->accessed, BLOCK_BYTES, window->accessed, nr) ||
	    !put_blocks(request, argument->present, BLOCK_BYTES, window->present, nr) ||
	    !put_blocks(request, argument->coarse, BLOCK_BYTES, window->coarse, nr) ||
	    !put_blocks(request, argument->leaves, 1, window->leaves, nr))
		return -EFAULT;
	request->argument.next += nr * PAGE_BLOCK_SIZE;
	return 0;
}

static bool clear_blocks(const struct scan_request *request, u64 array, size_t block_bytes, unsigned long nr)
{
	void __user *user = user_block(request, array, block_bytes, request->argument.next);

	return !user || !clear_user(user, nr * block_bytes);
}

/* Tell the user that there is nothing up to an address, or as far as the budget goes. */
static int put_holes(struct scan_request *request, u64 end)
{
	struct vmheat_idle_scan *argument = &request->argument;

	if (!argument->accessed && !argument->present && !argument->coarse && !argument->leaves)
		argument->next = max(argument->next, end);
	while (argument->next < end) {
		unsigned long nr = min_t(u64, (end - argument->next) >> PAGE_BLOCK_SHIFT, ZERO_BLOCKS);
		int ret = scan_must_stop(&request->scan);

		if (ret)
			return ret;
		if (!clear_blocks(request, argument->accessed, BLOCK_BYTES, nr) ||
		    !clear_blocks(request, argument->present, BLOCK_BYTES, nr) ||
		    !clear_blocks(request, argument->coarse, BLOCK_BYTES, nr) ||
		    !clear_blocks(request, argument->leaves, 1, nr))
			return -EFAULT;
		argument->next += nr * PAGE_BLOCK_SIZE;
		if (budget_is_used_up(request))
			break;
		cond_resched();
	}
	return 0;
}

static unsigned int count_pages(const u64 *bitmap)
{
	unsigned int i, count = 0;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		count += hweight64(bitmap[i]);
	return count;
}

/* Note what was found in block @index of the window. */
static void add_block(struct scan_request *request, unsigned int index, const struct block_scan *block)
{
	const struct page_block *guest = &block->view.guest, *host = &block->view.host;
	struct vmheat_idle_scan *argument = &request->argument;
	struct window *window = request->window;
	u64 elapsed = block->now - block->armed;
	unsigned int i, accessed;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		/* Accesses that a 4 KiB leaf has seen. */
		u64 fine = (guest->accessed[i] & ~guest->large[i]) | (host->accessed[i] & ~host->large[i]);

		window->present[index][i] = guest->present[i] | host->present[i];
		window->accessed[index][i] = window->present[index][i] & ~block->idle[i];
		window->coarse[index][i] =
			window->accessed[index][i] & (guest->large[i] | host->large[i]) & ~fine;
	}
	window->leaves[index] = guest->leaves | host->leaves << HOST_LEAF_SHIFT;

	accessed = count_pages(window->accessed[index]);
	argument->pages_present += count_pages(window->present[index]);
	argument->pages_accessed += accessed;
	argument->pages_skipped += guest->skipped + host->skipped;
	if (!block->armed) {
		argument->pages_first += accessed;
		return;
	}
	if (!argument->window_max_ns || elapsed < argument->window_min_ns)
		argument->window_min_ns = elapsed;
	argument->window_max_ns = max(argument->window_max_ns, elapsed);
}

/* Note that the layers map nothing in block @index of the window. */
static void add_hole(struct window *window, unsigned int index)
{
	memset(window->accessed[index], 0, BLOCK_BYTES);
	memset(window->present[index], 0, BLOCK_BYTES);
	memset(window->coarse[index], 0, BLOCK_BYTES);
	window->leaves[index] = 0;
}

/* Scan one block, or see that there is nothing to scan: no room for marks should be made only for that. */
static int scan_block(struct scan_request *request, unsigned int index)
{
	unsigned long address = request->argument.next + index * PAGE_BLOCK_SIZE, next;
	struct scan *scan = &request->scan;
	u64 wanted[PAGE_BLOCK_WORDS];
	struct block_scan block;
	int ret;

	ret = scan_must_stop(scan);
	if (!ret)
		ret = scan_next_mapped(scan, address, address + PAGE_BLOCK_SIZE, &next);
	if (ret)
		return ret;
	if (next == address + PAGE_BLOCK_SIZE) {
		add_hole(request->window, index);
		return 0;
	}
	memset(wanted, 0xff, sizeof(wanted));
	ret = scan_arm(scan, address, wanted, &block);
	if (!ret)
		add_block(request, index, &block);
	return ret;
}

/*
 * Scan up to @nr blocks from where the request is, for as long as the budget allows. Under the state's lock.
 * Return: how many are done; a negative errno if none.
 */
static int scan_blocks(struct scan_request *request, unsigned int nr)
{
	unsigned int done = 0;

	do {
		int ret = scan_block(request, done);

		if (ret)
			return done ? done : ret;
		cond_resched();
	} while (++done < nr && !budget_is_used_up(request));
	return done;
}

/* Scan up to @nr blocks from where the request is, and let their marks count from the flush of the TLBs on. */
static int arm_window(struct scan_request *request, unsigned int nr)
{
	struct scan *scan = &request->scan;
	int i, done, ret;
	u64 now;

	ret = idle_state_lock(scan->state);
	if (ret)
		return ret;
	done = scan_blocks(request, nr);
	if (done > 0 && !(request->argument.flags & VMHEAT_IDLE_SCAN_NO_FLUSH))
		scan_flush_tlbs(scan);
	now = ktime_get_ns();
	for (i = 0; i < done; i++)
		idle_state_stamp(scan->state, scan->observer, request->argument.next + i * PAGE_BLOCK_SIZE,
				 now);
	idle_state_unlock(scan->state);
	return done;
}

static int scan_window(struct scan_request *request)
{
	const struct vmheat_idle_scan before = request->argument;
	unsigned long left = request->limit - before.next;
	int done, ret;

	done = arm_window(request, min(left, SCAN_WINDOW_SIZE) >> PAGE_BLOCK_SHIFT);
	if (done < 0)
		return done;
	ret = put_window(request, done);
	if (ret) {
		/* The user does not get to know what was found: let the next scan find it again. */
		request->argument = before;
		idle_state_forget(request->scan.state, request->scan.observer, before.next,
				  before.next + done * PAGE_BLOCK_SIZE);
	}
	return ret;
}

static int scan_range(struct scan_request *request)
{
	struct vmheat_idle_scan *argument = &request->argument;
	int ret = 0;

	do {
		bool first = argument->next == argument->start;
		unsigned long next = request->limit;

		if (argument->next < request->limit)
			ret = scan_next_mapped(&request->scan, argument->next, request->limit, &next);
		if (ret)
			break;
		ret = put_holes(request,
				next < request->limit ? ALIGN_DOWN(next, PAGE_BLOCK_SIZE) : argument->end);
		if (!ret && (first || !budget_is_used_up(request)) && argument->next < request->limit)
			ret = scan_window(request);
		cond_resched();
	} while (!ret && argument->next < argument->end && !budget_is_used_up(request));
	/* What is done is done: the next call will tell what is wrong. */
	return argument->next > argument->start ? 0 : ret;
}

/* Begin a pass for the observer of a file. */
static int open_scan(struct scan *scan, const struct file *file)
{
	int ret = scan_open(scan, file->private_data);

	if (ret)
		return ret;
	ret = scan_make_state(scan);
	if (!ret)
		ret = idle_state_lock(scan->state);
	if (ret) {
		scan_close(scan);
		return ret;
	}
	scan->observer = idle_state_observer(scan->state, file);
	idle_state_unlock(scan->state);
	ret = PTR_ERR_OR_ZERO(scan->observer);
	if (ret)
		scan_close(scan);
	return ret;
}

static u64 deadline_after_us(u64 budget_us)
{
	u64 now = ktime_get_ns();

	return budget_us && budget_us < (U64_MAX - now) / NSEC_PER_USEC ? now + budget_us * NSEC_PER_USEC
									: U64_MAX;
}

static int check_argument(const struct vmheat_idle_scan *argument)
{
	if (argument->flags & ~VMHEAT_IDLE_SCAN_NO_FLUSH)
		return -EINVAL;
	if (!IS_ALIGNED(argument->start | argument->end, PAGE_BLOCK_SIZE) || argument->start > argument->end)
		return -EINVAL;
	return 0;
}

long idle_scan(struct file *file, struct vmheat_idle_scan __user *user)
{
	struct vmheat_idle_scan *argument;
	struct scan_request *request;
	int ret;

	request = kzalloc(sizeof(*request), GFP_KERNEL);
	if (!request)
		return -ENOMEM;
	argument = &request->argument;
	ret = get_argument(argument, sizeof(*argument), sizeof(*argument), user);
	if (!ret)
		ret = check_argument(argument);
	if (ret)
		goto free_request;
	request->deadline = deadline_after_us(argument->budget_us);
	request->window = kvmalloc(sizeof(*request->window), GFP_KERNEL);
	ret = request->window ? open_scan(&request->scan, file) : -ENOMEM;
	if (ret)
		goto free_window;

	memset_after(argument, 0, leaves);
	argument->next = argument->start;
	request->limit = min_t(u64, argument->end, ALIGN(request->scan.mm->task_size, PAGE_BLOCK_SIZE));
	if (argument->next < argument->end)
		ret = scan_range(request);
	argument->paths = scan_paths(&request->scan);
	if (!ret)
		ret = put_argument(user, argument, sizeof(*argument), argument->size);
	scan_close(&request->scan);
free_window:
	kvfree(request->window);
free_request:
	kfree(request);
	return ret;
}
