// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_state.c - a process's observers, and what all of them owe to one another and to the host's reclaim
 *
 * Theory of operation
 * -------------------
 * An accessed bit is one bit, and many wait for it: the shared observer of read() and write(), the observer of
 * each open file that scans, and the host's own aging (reclaim, page_idle, DAMON, clear_refs). Two invariants
 * make that each of them sees every access:
 *
 * 1. Whoever clears an accessed bit that was set takes the marks, in all observers, of all pages that the bit
 *    spoke for. When it is cleared here, idle_state_arm_end() does; when the kernel clears it, young.c sees it
 *    and idle_state_aged() does.
 * 2. An accessed bit that was taken here is owed to the kernel's aging: a bit for each page says so until
 *    somebody asks to clear it, who is then told that the page was young.
 *
 * Arming. A scan sets its observer's marks before it takes the accessed bits, and settles them after: if the
 * kernel's aging takes one in between, the mark is gone, so the page counts as accessed in this scan. Between
 * settling and the flush of the TLBs an access through a stale translation leaves no trace; it came before the
 * marks count (idle_state_stamp()). Such a translation of a page that was marked means that its accessed bit
 * was set since then, hence that it is still set or that the mark was taken: the scan says accessed.
 *
 * An accessed bit that goes with its mapping leaves its trace in the marks: the page is not mapped now as it was
 * when it was marked. Unless it was not mapped then either, and the guest has mapped, used and lost it since. So
 * when a VM gives up mappings the observers are told (idle_state_lost()), as if all its pages had been accessed.
 * If these are very many it is only noted that no mark counts any more (stale), until somebody looks.
 *
 * Order. The kernel ages a page of a guest under the page table lock that the host's table has for it, takes
 * the guest's accessed bit first and tells us after, still under that lock. A look at a block sees the guest
 * layer first, and then the host layer under the same lock, before it reads the marks: so if it misses an
 * accessed bit because that was just taken, it finds the mark gone.
 *
 * Lifetime. A state is found by its mm, and pins the mm_struct (mmgrab), not the memory that it describes, so
 * that the address cannot be another process's meanwhile. It is created by who holds a reference to the mm's
 * users; once these are gone they stay gone, and a worker that looks through all states every few seconds
 * drops those of dead mms. So nothing is registered with a process that is only observed. The worker sleeps
 * when there are no states. At unload no file is open, hence no state in use, and all are freed.
 *
 * Locks: states_lock protects the table of states against change; aging looks a state up under RCU. Each
 * state's mutex serialises looks at the process. Its marks_lock is the innermost of all spinlocks, because
 * aging takes it under page table locks; it is held for one block at a time.
 */
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "idle_state.h"

#define REAP_INTERVAL (5 * HZ)
/* How large a range may be for its marks to be forgotten one by one, in atomic context. */
#define LOST_AT_ONCE (32 * PAGE_BLOCK_SIZE)

/* The pages of a block whose accessed bits were taken and not asked for since. */
struct block_debt {
	u64 pages[PAGE_BLOCK_WORDS];
};

struct idle_state {
	struct hlist_node node; /* in states */
	struct list_head dead;	/* on its way out of it */
	refcount_t refs;	/* one is the table's */
	struct mm_struct *mm;	/* a reference (mmgrab) */
	struct mutex lock;
	spinlock_t marks_lock;
	struct list_head observers; /* changed under both locks */
	struct observer shared;	    /* the first of them */
	struct xarray debts;	    /* struct block_debt by address >> PAGE_BLOCK_SHIFT; grows under lock */
	struct block_debt *recent_debt; /* last asked for, at this index; or NULL; as observer.recent */
	unsigned long recent_index;
	const struct task_struct *harvester; /* it looks at accessed bits for us */
	bool stale;			     /* no mark counts; changed under marks_lock */
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
	refcount_set(&state->refs, 1);
	mutex_init(&state->lock);
	spin_lock_init(&state->marks_lock);
	INIT_LIST_HEAD(&state->observers);
	observer_init(&state->shared, NULL);
	list_add_tail(&state->shared.node, &state->observers);
	xa_init_flags(&state->debts, XA_FLAGS_ACCOUNT);
	return state;
}

static void free_state(struct idle_state *state)
{
	struct observer *observer, *next;
	struct block_debt *debt;
	unsigned long index;

	list_for_each_entry_safe(observer, next, &state->observers, node) {
		observer_destroy(observer);
		if (observer != &state->shared)
			kfree(observer);
	}
	xa_for_each(&state->debts, index, debt) {
		kfree(debt);
		cond_resched();
	}
	xa_destroy(&state->debts);
	mmdrop(state->mm);
	kfree(state);
}

void idle_state_put(struct idle_state *state)
{
	if (state && refcount_dec_and_test(&state->refs))
		free_state(state);
}

/* Under states_lock or RCU. */
static struct idle_state *lookup(struct mm_struct *mm)
{
	struct idle_state *state;

	hash_for_each_possible_rcu(states, state, node, (unsigned long)mm, lockdep_is_held(&states_lock))
	{
		if (state->mm == mm)
			return state;
	}
	return NULL;
}

struct idle_state *idle_state_find(struct mm_struct *mm)
{
	struct idle_state *state;

	mutex_lock(&states_lock);
	state = lookup(mm);
	if (state)
		refcount_inc(&state->refs);
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
	state = lookup(mm);
	if (!state) {
		state = fresh;
		fresh = NULL;
		hash_add_rcu(states, &state->node, (unsigned long)mm);
		schedule_delayed_work(&reaper, REAP_INTERVAL);
	}
	refcount_inc(&state->refs);
	mutex_unlock(&states_lock);
	idle_state_put(fresh);
	return state;
}

/* Drop the states of mms without users, or of all; true if some remain. */
static bool drop_states(bool all)
{
	struct idle_state *state, *next_dead;
	struct hlist_node *next;
	LIST_HEAD(dead);
	bool remain;
	int bucket;

	mutex_lock(&states_lock);
	hash_for_each_safe(states, bucket, next, state, node) {
		if (!all && atomic_read(&state->mm->mm_users))
			continue;
		hash_del_rcu(&state->node);
		list_add(&state->dead, &dead);
	}
	remain = !hash_empty(states);
	mutex_unlock(&states_lock);
	if (list_empty(&dead))
		return remain;

	/* Aging may have found them just before. */
	synchronize_rcu();
	list_for_each_entry_safe(state, next_dead, &dead, dead)
		idle_state_put(state);
	return remain;
}

static void reap(struct work_struct *work)
{
	if (drop_states(false))
		schedule_delayed_work(&reaper, REAP_INTERVAL);
}

void idle_states_free(void)
{
	cancel_delayed_work_sync(&reaper);
	drop_states(true);
}

void idle_state_forget(struct idle_state *state, struct observer *observer, unsigned long start,
		       unsigned long end)
{
	unsigned long next;

	while ((start = observer_next_marked(observer, start, end)) < end) {
		next = min(end, ALIGN_DOWN(start, PAGE_BLOCK_SIZE) + PAGE_BLOCK_SIZE);
		spin_lock(&state->marks_lock);
		observer_forget_range(observer, start, next);
		spin_unlock(&state->marks_lock);
		start = next;
		cond_resched();
	}
}

/* Forget all marks if none counts any more. */
static void check_marks(struct idle_state *state)
{
	struct observer *observer;
	bool stale;

	spin_lock(&state->marks_lock);
	stale = state->stale;
	state->stale = false;
	spin_unlock(&state->marks_lock);
	if (!stale)
		return;
	list_for_each_entry(observer, &state->observers, node)
		idle_state_forget(state, observer, 0, TASK_SIZE_MAX);
}

int idle_state_lock(struct idle_state *state)
{
	int ret = mutex_lock_killable(&state->lock);

	if (!ret)
		check_marks(state);
	return ret;
}

void idle_state_unlock(struct idle_state *state)
{
	mutex_unlock(&state->lock);
}

struct observer *idle_state_shared(struct idle_state *state)
{
	return &state->shared;
}

static struct observer *find_observer(struct idle_state *state, const struct file *file)
{
	struct observer *observer;

	list_for_each_entry(observer, &state->observers, node) {
		if (observer->file == file)
			return observer;
	}
	return NULL;
}

struct observer *idle_state_observer(struct idle_state *state, const struct file *file)
{
	struct observer *observer = find_observer(state, file);

	if (observer)
		return observer;
	observer = kmalloc(sizeof(*observer), GFP_KERNEL_ACCOUNT);
	if (!observer)
		return ERR_PTR(-ENOMEM);
	observer_init(observer, file);
	spin_lock(&state->marks_lock);
	list_add_tail(&observer->node, &state->observers);
	spin_unlock(&state->marks_lock);
	return observer;
}

void idle_state_del_observer(struct mm_struct *mm, const struct file *file)
{
	struct idle_state *state = idle_state_find(mm);
	struct observer *observer;

	if (!state)
		return;
	mutex_lock(&state->lock);
	observer = find_observer(state, file);
	if (observer) {
		spin_lock(&state->marks_lock);
		list_del(&observer->node);
		spin_unlock(&state->marks_lock);
	}
	mutex_unlock(&state->lock);
	if (observer) {
		observer_destroy(observer);
		kfree(observer);
	}
	idle_state_put(state);
}

/* Make sure that there is room to remember what is taken from a block. */
static struct block_debt *get_debt(struct idle_state *state, unsigned long address)
{
	unsigned long index = address >> PAGE_BLOCK_SHIFT;
	struct block_debt *debt = xa_load(&state->debts, index);

	if (debt)
		return debt;
	debt = kzalloc(sizeof(*debt), GFP_KERNEL_ACCOUNT);
	if (debt && xa_err(xa_store(&state->debts, index, debt, GFP_KERNEL))) {
		kfree(debt);
		debt = NULL;
	}
	return debt;
}

int idle_state_arm_begin(struct idle_state *state, struct observer *observer, unsigned long address,
			 const u64 *wanted, struct block_marks *before)
{
	struct block_marks *marks = observer_get_marks(observer, address);
	int i;

	if (!marks || !get_debt(state, address))
		return -ENOMEM;
	spin_lock(&state->marks_lock);
	*before = *marks;
	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		marks->guest[i] |= wanted[i];
		marks->host[i] |= wanted[i];
	}
	spin_unlock(&state->marks_lock);
	WRITE_ONCE(state->harvester, current);
	return 0;
}

/* Give each wanted page the marks of the layers that map it. Return: whether any page of the block has one. */
static bool settle_marks(struct block_marks *marks, const u64 *wanted, const struct page_view *view)
{
	u64 any = 0;
	int i;

	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		marks->guest[i] = (marks->guest[i] & ~wanted[i]) | (view->guest.present[i] & wanted[i]);
		marks->host[i] = (marks->host[i] & ~wanted[i]) | (view->host.present[i] & wanted[i]);
		any |= marks->guest[i] | marks->host[i];
	}
	return any;
}

void idle_state_arm_end(struct idle_state *state, struct observer *observer, unsigned long address,
			const u64 *wanted, const struct block_marks *before, struct block_scan *scan)
{
	const struct page_view *view = &scan->view;
	struct block_marks *marks = observer_find_marks(observer, address);
	struct block_debt *debt = xa_load(&state->debts, address >> PAGE_BLOCK_SHIFT);
	struct observer *other;
	int i;

	WRITE_ONCE(state->harvester, NULL);
	scan->now = ktime_get_ns();
	scan->armed = before->armed;
	marks_idle(before, view, scan->idle);

	spin_lock(&state->marks_lock);
	for (i = 0; i < PAGE_BLOCK_WORDS; i++) {
		/* What the kernel took while we looked. */
		scan->idle[i] &= state->stale ? 0 : ~(wanted[i] & ~(marks->guest[i] & marks->host[i]));
		debt->pages[i] |= view->guest.accessed[i] | view->host.accessed[i];
	}
	list_for_each_entry(other, &state->observers, node)
		observer_forget(other, address, view);
	marks->armed = scan->now;
	if (settle_marks(marks, wanted, view))
		marks = NULL;
	else
		observer_take_marks(observer, address);
	spin_unlock(&state->marks_lock);
	marks_free(marks);
}

void idle_state_stamp(struct idle_state *state, struct observer *observer, unsigned long address, u64 now)
{
	struct block_marks *marks = observer_find_marks(observer, address);

	if (marks)
		marks->armed = now;
}

void idle_state_peek_begin(struct idle_state *state, struct observer *observer, unsigned long address,
			   u64 *marked)
{
	const struct block_marks *marks = observer_find_marks(observer, address);
	int i;

	spin_lock(&state->marks_lock);
	for (i = 0; i < PAGE_BLOCK_WORDS; i++)
		marked[i] = marks ? marks->guest[i] | marks->host[i] : 0;
	spin_unlock(&state->marks_lock);
	WRITE_ONCE(state->harvester, current);
}

void idle_state_peek_end(struct idle_state *state, struct observer *observer, unsigned long address,
			 const struct page_view *view, u64 *idle)
{
	WRITE_ONCE(state->harvester, NULL);
	spin_lock(&state->marks_lock);
	marks_idle(state->stale ? NULL : observer_find_marks(observer, address), view, idle);
	spin_unlock(&state->marks_lock);
}

static noinline bool is_observed(struct mm_struct *mm)
{
	const struct idle_state *state;
	bool observed;

	rcu_read_lock();
	state = lookup(mm);
	observed = state && READ_ONCE(state->harvester) != current;
	rcu_read_unlock();
	return observed;
}

bool idle_state_observes(struct mm_struct *mm)
{
	/* For most processes this is all: it is asked whenever the kernel ages a page of anybody. */
	return !hlist_empty(&states[hash_min((unsigned long)mm, HASH_BITS(states))]) && is_observed(mm);
}

/* The debt of a block, or NULL, under marks_lock. A state never loses one. */
static struct block_debt *find_debt(struct idle_state *state, unsigned long address)
{
	unsigned long index = address >> PAGE_BLOCK_SHIFT;

	if (!state->recent_debt || state->recent_index != index) {
		state->recent_debt = xa_load(&state->debts, index);
		state->recent_index = index;
	}
	return state->recent_debt;
}

/* Whether accessed bits of a range are owed; with @pay they are not any more. */
static bool owed(struct idle_state *state, unsigned long start, unsigned long end, bool pay)
{
	unsigned long block;
	u64 any = 0;

	for (block = ALIGN_DOWN(start, PAGE_BLOCK_SIZE); block < end; block += PAGE_BLOCK_SIZE) {
		struct block_debt *debt = find_debt(state, block);
		unsigned int word;

		if (!debt)
			continue;
		for_each_range_word(word, block, start, end)
		{
			u64 bits = address_bits(block, word, start, end);

			any |= debt->pages[word] & bits;
			if (pay)
				debt->pages[word] &= ~bits;
		}
	}
	return any;
}

/* Under marks_lock. */
static void tell_observers(struct idle_state *state, unsigned long start, unsigned long end)
{
	struct observer *observer;

	list_for_each_entry(observer, &state->observers, node)
		observer_forget_range(observer, start, end);
}

bool idle_state_aged(struct mm_struct *mm, unsigned long start, unsigned long end, bool young, bool clear)
{
	struct idle_state *state;
	bool was_owed = false;

	rcu_read_lock();
	state = lookup(mm);
	if (state) {
		spin_lock(&state->marks_lock);
		if (young && clear)
			tell_observers(state, start, end);
		was_owed = owed(state, start, end, clear);
		spin_unlock(&state->marks_lock);
	}
	rcu_read_unlock();
	return was_owed;
}

void idle_state_lost(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct idle_state *state;

	rcu_read_lock();
	state = lookup(mm);
	if (state) {
		spin_lock(&state->marks_lock);
		if (end - start > LOST_AT_ONCE)
			state->stale = true;
		else
			tell_observers(state, start, end);
		spin_unlock(&state->marks_lock);
	}
	rcu_read_unlock();
}

void idle_state_lost_all(struct mm_struct *mm)
{
	idle_state_lost(mm, 0, TASK_SIZE_MAX);
}
