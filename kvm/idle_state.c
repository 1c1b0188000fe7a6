// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_state.c - what is remembered between marking pages idle and reading them back
 *
 * Theory of operation
 * -------------------
 * A page has two marks, one for each layer that can map it: "was mapped by the guest layer, and its accessed
 * bit clear, when it was marked idle", and the same for the host layer. A page is idle if
 * - a layer maps it now (else it is a hole), and
 * - in each layer it is mapped now if and only if it was when it was marked, and
 * - in no layer its accessed bit is set now.
 * So a page whose mapping came or went since, by a fault, a zap, a migration or swapping, is not idle:
 * something touched it or moved it, and its accessed bit may be lost. A page with no mark is never idle.
 *
 * Whoever clears accessed bits takes them from everybody else who waits for them. The invariant is: an
 * accessed bit that was found set is cleared only together with the marks of all pages that it spoke for
 * (idle_state_accessed()). Under a large leaf these are 512 or 262144 pages, of which the one who cleared it
 * then marks some again. So marking one page of a large leaf makes its neighbours not idle if the leaf had
 * been accessed, and leaves them as they are if it had not.
 *
 * Marks are kept in a sparse array of blocks of 512 pages, 128 bytes each, and only for blocks that have
 * some: with the array's own nodes about 0.007 % of the marked memory. They are charged to the memory cgroup
 * of the one who marks.
 *
 * Lifetime. A state is found by its mm, and pins the mm_struct (mmgrab), not the memory that it describes, so
 * that the address cannot be another process's meanwhile. Whoever uses a state holds a reference to the mm's
 * users (mmget); once these are gone they stay gone, and a worker that looks through all states every few
 * seconds frees those of dead mms. So no callback on the mm is needed, and nothing is registered with a
 * process that is only observed. The worker sleeps when there are no states. At unload no file is open, hence
 * no state in use, and all are freed.
 *
 * Locks: states_lock protects the table of states, nothing is taken inside it. Each state's lock protects its
 * marks. See idle_state_lock() for its place among the kernel's.
 */
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "idle_state.h"

#define REAP_INTERVAL (5 * HZ)

/* The marks of the 512 pages of a block. */
struct block_marks {
	u64 guest[PAGE_BLOCK_WORDS];
	u64 host[PAGE_BLOCK_WORDS];
};

struct idle_state {
	struct hlist_node node; /* in states */
	struct mm_struct *mm;	/* a reference (mmgrab) */
	struct mutex lock;	/* protects blocks and what they point to */
	struct xarray blocks;	/* struct block_marks by address >> PAGE_BLOCK_SHIFT; none without a mark */
};

static DEFINE_HASHTABLE(states, 6);
static DEFINE_MUTEX(states_lock);

static void reap(struct work_struct *work);
static DECLARE_DELAYED_WORK(reaper, reap);

static struct idle_state *new_state(struct mm_struct *mm)
{
	struct idle_state *state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);

	if (!state)
		return NULL;
	mmgrab(mm);
	state->mm = mm;
	mutex_init(&state->lock);
	xa_init_flags(&state->blocks, XA_FLAGS_ACCOUNT);
	return state;
}

static void free_state(struct idle_state *state)
{
	struct block_marks *marks;
	unsigned long index;

	xa_for_each(&state->blocks, index, marks) {
		kfree(marks);
		cond_resched();
	}
	xa_destroy(&state->blocks);
	mmdrop(state->mm);
	kfree(state);
}

static struct idle_state *find_locked(struct mm_struct *mm)
{
	struct idle_state *state;

	hash_for_each_possible(states, state, node, (unsigned long)mm) {
		if (state->mm == mm)
			return state;
	}
	return NULL;
}

struct idle_state *idle_state_find(struct mm_struct *mm)
{
	struct idle_state *state;

	mutex_lock(&states_lock);
	state = find_locked(mm);
	mutex_unlock(&states_lock);
	return state;
}

struct idle_state *idle_state_get(struct mm_struct *mm)
{
	struct idle_state *state = idle_state_find(mm), *fresh;

	if (state)
		return state;
	fresh = new_state(mm);
	if (!fresh)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&states_lock);
	state = find_locked(mm);
	if (!state) {
		state = fresh;
		fresh = NULL;
		hash_add(states, &state->node, (unsigned long)mm);
		schedule_delayed_work(&reaper, REAP_INTERVAL);
	}
	mutex_unlock(&states_lock);
	if (fresh)
		free_state(fresh);
	return state;
}

/* Free the states of mms without users, or of all; true if some remain. */
static bool free_states(bool all)
{
	struct idle_state *state;
	struct hlist_node *next;
	HLIST_HEAD(dead);
	bool remain;
	int bucket;

	mutex_lock(&states_lock);
	hash_for_each_safe(states, bucket, next, state, node) {
		if (!all && atomic_read(&state->mm->mm_users))
			continue;
		hash_del(&state->node);
		hlist_add_head(&state->node, &dead);
	}
	remain = !hash_empty(states);
	mutex_unlock(&states_lock);

	hlist_for_each_entry_safe(state, next, &dead, node)
		free_state(state);
	return remain;
}

static void reap(struct work_struct *work)
{
	if (free_states(false))
		schedule_delayed_work(&reaper, REAP_INTERVAL);
}

void idle_states_free(void)
{
	cancel_delayed_work_sync(&reaper);
	free_states(true);
}

int idle_state_lock(struct idle_state *state)
{
	return mutex_lock_killable(&state->lock);
}

void idle_state_unlock(struct idle_state *state)
{
	mutex_unlock(&state->lock);
}

unsigned long idle_state_next_marked(struct idle_state *state, unsigned long address, unsigned long end)
{
	unsigned long index = address >> PAGE_BLOCK_SHIFT;

	if (address >= end || !xa_find(&state->blocks, &index, (end - 1) >> PAGE_BLOCK_SHIFT, XA_PRESENT))
		return end;
	return max(address, index << PAGE_BLOCK_SHIFT);
}

static struct block_marks *find_marks(struct idle_state *state, unsigned long address)
{
	return xa_load(&state->blocks, address >> PAGE_BLOCK_SHIFT);
}

static struct block_marks *get_marks(struct idle_state *state, unsigned long address)
{
	struct block_marks *marks = find_marks(state, address);

	if (marks)
		return marks;
	marks = kzalloc(sizeof(*marks), GFP_KERNEL_ACCOUNT);
	if (marks && xa_err(xa_store(&state->blocks, address >> PAGE_BLOCK_SHIFT, marks, GFP_KERNEL))) {
		kfree(marks);
		marks = NULL;
	}
	return marks;
}

static void free_marks_if_empty(struct idle_state *state, unsigned long address, struct block_marks *marks)
{
	if (memchr_inv(marks, 0, sizeof(*marks)))
		return;
	xa_erase(&state->blocks, address >> PAGE_BLOCK_SHIFT);
	kfree(marks);
}

int idle_state_mark(struct idle_state *state, unsigned long address, const u64 *wanted,
		    const u64 *guest_present, const u64 *host_present)
{
	struct block_marks *marks;
	u64 mapped = 0;
	int i;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		mapped |= wanted[i] & (guest_present[i] | host_present[i]);
	marks = mapped ? get_marks(state, address) : find_marks(state, address);
	if (!marks)
		return mapped ? -ENOMEM : 0;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		marks->guest[i] = (marks->guest[i] & ~wanted[i]) | (guest_present[i] & wanted[i]);
		marks->host[i] = (marks->host[i] & ~wanted[i]) | (host_present[i] & wanted[i]);
	}
	free_marks_if_empty(state, address, marks);
	return 0;
}

/* A 1 GiB leaf was accessed: none of the pages that it maps stays marked. */
static void forget_giant(struct idle_state *state, unsigned long address)
{
	unsigned long first = ALIGN_DOWN(address, PUD_SIZE) >> PAGE_BLOCK_SHIFT, index;
	struct block_marks *marks;

	xa_for_each_range(&state->blocks, index, marks, first, first + (PUD_SIZE >> PAGE_BLOCK_SHIFT) - 1) {
		xa_erase(&state->blocks, index);
		kfree(marks);
	}
}

void idle_state_accessed(struct idle_state *state, unsigned long address, const struct page_block *harvest)
{
	struct block_marks *marks;
	int i;

	if (harvest->giant_accessed)
		forget_giant(state, address);
	marks = find_marks(state, address);
	if (!marks)
		return;
	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		marks->guest[i] &= ~harvest->accessed[i];
		marks->host[i] &= ~harvest->accessed[i];
	}
	free_marks_if_empty(state, address, marks);
}

void idle_state_marked(struct idle_state *state, unsigned long address, u64 *marked)
{
	const struct block_marks *marks = find_marks(state, address);
	int i;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		marked[i] = marks ? marks->guest[i] | marks->host[i] : 0;
}

void idle_state_idle(struct idle_state *state, unsigned long address, const struct page_view *now, u64 *idle)
{
	const struct block_marks *marks = find_marks(state, address);
	int i;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		u64 mapped = now->guest.present[i] | now->host.present[i];
		u64 accessed = now->guest.accessed[i] | now->host.accessed[i];
		u64 changed = marks ? (marks->guest[i] ^ now->guest.present[i]) |
					      (marks->host[i] ^ now->host.present[i])
				    : ~0ULL;

		idle[i] = mapped & ~changed & ~accessed;
	}
}
