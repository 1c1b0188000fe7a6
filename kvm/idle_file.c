// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_file.c - the open file /proc/PID/idle_bitmap, and read() and write() on it
 *
 * These two act for the observer that all files share. Both work through the range in windows of
 * SCAN_WINDOW_SIZE, and skip what is not mapped (write) or has no marks (read) as a whole. Between windows no
 * lock is held; user memory is copied only then.
 *
 * A write marks the pages of a window and then flushes the TLBs once. A page's marking thus takes effect at
 * the flush: what is accessed before it by a stale translation came before the marking, and what is accessed
 * after it sets the accessed bit. The flush happens even if no bit was found set, because the kernel's own
 * reclaim clears accessed bits without flushing.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <vmheat/idle_bitmap.h>
#include "idle_file.h"
#include "idle_memslots.h"
#include "idle_scan.h"
#include "scan.h"

/* One byte of the file describes 8 pages, a word 64. */
#define BYTE_SHIFT   (PAGE_SHIFT + 3)
#define WORD_SHIFT   (PAGE_SHIFT + 6)
#define WINDOW_WORDS (SCAN_WINDOW_BLOCKS * PAGE_BLOCK_WORDS) /* 8 KiB of the file */
/* How much of a user buffer is zeroed before looking for a signal. */
#define ZERO_CHUNK (1UL << 20)

/**
 * struct request - one call of read() or write()
 * @scan:    the pass
 * @words:   WINDOW_WORDS of the file, from an address aligned to PAGE_BLOCK_SIZE on: the bits that a write
 *           brought, or a read returns
 * @buffer:  the caller's, for the range from @start
 * @start:   first address of the range
 * @end:     after its last; a multiple of 64 pages like @start, so that it may lie beyond the last page
 * @address: all before it is done
 */
struct request {
	struct scan scan;
	u64 *words;
	char __user *buffer;
	unsigned long start;
	unsigned long end;
	unsigned long address;
};

static char __user *user_word(const struct request *request, unsigned long address)
{
	return request->buffer + ((address - request->start) >> BYTE_SHIFT);
}

/* The words of the window at @base that are still to be done, and how many bytes they are. */
static u64 *window_part(const struct request *request, unsigned long base, size_t *bytes)
{
	*bytes = (min(base + SCAN_WINDOW_SIZE, request->end) - request->address) >> BYTE_SHIFT;
	return &request->words[(request->address - base) >> WORD_SHIFT];
}

/*
 * Find the request's range. Return: 0 or a negative errno; @request->start is @request->end if it lies beyond
 * the last page.
 */
static int request_open(struct request *request, struct file *file, char __user *buffer, size_t count,
			loff_t pos)
{
	struct mm_struct *mm = file->private_data;
	u64 size, end;
	int ret;

	if (pos < 0 || pos % VMHEAT_IDLE_BITMAP_WORD_SIZE || count % VMHEAT_IDLE_BITMAP_WORD_SIZE)
		return -EINVAL;
	ret = scan_open(&request->scan, mm);
	if (ret)
		return ret;

	size = DIV_ROUND_UP(mm->task_size, 1UL << WORD_SHIFT) * VMHEAT_IDLE_BITMAP_WORD_SIZE;
	end = min_t(u64, size, (u64)pos + count);
	request->start =
		(u64)pos < size ? (unsigned long)pos << BYTE_SHIFT : (unsigned long)end << BYTE_SHIFT;
	request->end = (unsigned long)end << BYTE_SHIFT;
	request->address = request->start;
	request->buffer = buffer;
	request->words = kvmalloc_array(WINDOW_WORDS, sizeof(u64), GFP_KERNEL);
	if (!request->words) {
		scan_close(&request->scan);
		return -ENOMEM;
	}
	return 0;
}

/* Return what the system call returns: the bytes that were done, else the reason why none were. */
static ssize_t request_close(struct request *request, int error, loff_t *pos)
{
	size_t done = (request->address - request->start) >> BYTE_SHIFT;

	kvfree(request->words);
	scan_close(&request->scan);
	*pos += done;
	return done ? done : error;
}

static bool any_bit(const u64 *words)
{
	return memchr_inv(words, 0, PAGE_BLOCK_WORDS * sizeof(u64));
}

/* Mark the pages wanted in the window at @base. */
static int mark_window(struct request *request, unsigned long base)
{
	struct block_scan block;
	unsigned int i;
	int ret;

	ret = idle_state_lock(request->scan.state);
	if (ret)
		return ret;
	for (i = 0; !ret && i < WINDOW_WORDS; i += PAGE_BLOCK_WORDS) {
		const u64 *wanted = &request->words[i];

		if (!any_bit(wanted))
			continue;
		ret = scan_must_stop(&request->scan);
		if (!ret)
			ret = scan_arm(&request->scan, base + ((unsigned long)i << WORD_SHIFT), wanted,
				       &block);
		cond_resched();
	}
	/* Also if not all was marked: what was counts. */
	scan_flush_tlbs(&request->scan);
	idle_state_unlock(request->scan.state);
	return ret;
}

static int write_window(struct request *request)
{
	unsigned long base = ALIGN_DOWN(request->address, PAGE_BLOCK_SIZE);
	u64 *words;
	size_t bytes;
	int ret;

	memset(request->words, 0, WINDOW_WORDS * sizeof(u64));
	words = window_part(request, base, &bytes);
	if (copy_from_user(words, user_word(request, request->address), bytes))
		return -EFAULT;
	ret = mark_window(request, base);
	if (!ret)
		request->address = min(base + SCAN_WINDOW_SIZE, request->end);
	return ret;
}

static ssize_t idle_file_write(struct file *file, const char __user *buffer, size_t count, loff_t *pos)
{
	struct request request;
	int ret;

	ret = request_open(&request, file, (char __user *)buffer, count, *pos);
	if (ret)
		return ret;
	if (count && request.start == request.end)
		return request_close(&request, -ENXIO, pos);
	ret = scan_make_state(&request.scan);
	while (!ret && request.address < request.end) {
		unsigned long next;

		ret = scan_must_stop(&request.scan);
		if (!ret)
			ret = scan_next_mapped(&request.scan, request.address, request.end, &next);
		if (ret)
			break;
		request.address =
			next == request.end ? next : max(request.address, ALIGN_DOWN(next, PAGE_BLOCK_SIZE));
		if (request.address < request.end)
			ret = write_window(&request);
		cond_resched();
	}
	return request_close(&request, ret, pos);
}

/* Zero the user's words up to an address. */
static int zero_until(struct request *request, unsigned long address)
{
	while (request->address < address) {
		size_t bytes = min(ZERO_CHUNK, (address - request->address) >> BYTE_SHIFT);
		int ret = scan_must_stop(&request->scan);

		if (ret)
			return ret;
		if (clear_user(user_word(request, request->address), bytes))
			return -EFAULT;
		request->address += bytes << BYTE_SHIFT;
		cond_resched();
	}
	return 0;
}

/* Fill in the idle bits of the window at @base. */
static int read_marks(struct request *request, unsigned long base)
{
	unsigned long address = base, end = min(base + SCAN_WINDOW_SIZE, request->end);
	struct scan *scan = &request->scan;
	int ret;

	ret = idle_state_lock(scan->state);
	if (ret)
		return ret;
	while (!ret && (address = observer_next_marked(scan->observer, address, end)) < end) {
		ret = scan_must_stop(scan);
		if (!ret)
			ret = scan_peek(scan, address, &request->words[(address - base) >> WORD_SHIFT]);
		address += PAGE_BLOCK_SIZE;
		cond_resched();
	}
	idle_state_unlock(scan->state);
	return ret;
}

static int read_window(struct request *request)
{
	unsigned long base = ALIGN_DOWN(request->address, PAGE_BLOCK_SIZE);
	u64 *words;
	size_t bytes;
	int ret;

	memset(request->words, 0, WINDOW_WORDS * sizeof(u64));
	ret = read_marks(request, base);
	if (ret)
		return ret;
	words = window_part(request, base, &bytes);
	if (copy_to_user(user_word(request, request->address), words, bytes))
		return -EFAULT;
	request->address = min(base + SCAN_WINDOW_SIZE, request->end);
	return 0;
}

static ssize_t idle_file_read(struct file *file, char __user *buffer, size_t count, loff_t *pos)
{
	struct request request;
	unsigned long next;
	int ret;

	ret = request_open(&request, file, buffer, count, *pos);
	if (ret)
		return ret;
	while (!ret && request.address < request.end) {
		next = request.scan.observer
			       ? observer_next_marked(request.scan.observer, request.address, request.end)
			       : request.end;
		ret = zero_until(&request, next);
		if (!ret && next < request.end)
			ret = read_window(&request);
	}
	return request_close(&request, ret, pos);
}

static long idle_file_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	switch (command) {
	case VMHEAT_IDLE_IOC_SCAN:
		return idle_scan(file, (void __user *)argument);
	case VMHEAT_IDLE_IOC_MEMSLOTS:
		return idle_memslots(file, (void __user *)argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations *pagemap_operations;

static int idle_file_release(struct inode *inode, struct file *file)
{
	idle_state_del_observer(file->private_data, file);
	return pagemap_operations->release(inode, file);
}

/* Completed by idle_file_operations(). */
static struct file_operations operations = {
	.owner = THIS_MODULE,
	.read = idle_file_read,
	.write = idle_file_write,
	.unlocked_ioctl = idle_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = idle_file_release,
};

const struct file_operations *idle_file_operations(const struct file_operations *pagemap)
{
	pagemap_operations = pagemap;
	operations.llseek = pagemap->llseek;
	return &operations;
}
