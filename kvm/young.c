// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * young.c - the kernel's own use of accessed bits: what it takes, and what it is owed
 *
 * Theory of operation
 * -------------------
 * The host's reclaim, and everybody else who ages pages (page_idle, DAMON, clear_refs, khugepaged), asks a few
 * functions whether a page is young: for the process's own tables ptep_test_and_clear_young() and its
 * relatives, for the tables of a VM the MMU notifiers of KVM. When one is called for a process that is
 * observed, a function of ours stands in for it. It calls the kernel's, and then
 * - if that says "young" it tells the observers: an accessed bit that they were waiting for has been cleared;
 * - if a scan had taken the accessed bit before, it makes the answer "young".
 * So reclaim judges a page as if nobody scanned, and nobody who scans calls a page idle that reclaim has aged.
 * What was cleared is known by the function's own answer. There is no gap in which an access could escape, as
 * there would be if one looked first and let the function clear after.
 *
 * How. The kernel's function tracer calls us at the entry of these functions, by struct ftrace_ops of our own
 * as kernel live patching has them: IPMODIFY, so that the call can be sent to the stand-in, from which it
 * returns to its caller without us. The stand-in calls the kernel's function behind the tracer's entry, so it
 * is not sent in a circle, by a static call: a direct call that is patched in. By a pointer it would not do,
 * because where the processor tracks indirect branches (IBT) these functions must not be called so. A function
 * of which only the beginning matters has no stand-in: our callback does the work and the function goes on.
 *
 * Who is not observed pays for the tracer's entry and one look into a hash table. Instructions per page of a
 * write to /proc/PID/clear_refs on Linux 6.1, which is little more than that one question for each page, by
 * tests/bench/insn_count.c: 78 without the module; 144 with it for a process that is not observed; for one that
 * is, 394 where nothing was accessed, 518 where everything was. Return probes (kretprobes), which did this
 * before, took 405, 1158 and 1582.
 *
 * It cannot be switched off behind our back. These ftrace_ops are PERMANENT: while they are there the kernel
 * refuses kernel.ftrace_enabled=0 (EBUSY). They do not depend on the switch of kernel probes in debugfs. They
 * have no pool that could run out and no call that they miss. A live patch of a function that has a stand-in
 * excludes us, and we it: whoever comes second is refused.
 *
 * The alternatives were an MMU notifier of our own on the process, and to put a wrapper in the place of KVM's.
 * The former has that gap, takes all the locks of the process to be registered, and slows down its fork() and
 * munmap() for the rest of its life; and for the process's own tables neither helps, because notifiers are
 * called after the bit is gone, and by Linux 6.1's multi-generational LRU not at all. Return probes cost more,
 * have a pool, and go with a switch.
 *
 * Limits. Linux 6.1's multi-generational LRU passes over pages whose entry in the process's own table has no
 * accessed bit, so when it looks for young pages it does not ask about those that a scan has seen; it does
 * before it evicts one.
 *
 * KVM also takes accessed bits with the mappings that it gives up: when the process's mapping changes, and when
 * a memory slot or the VM goes. It tells the host's reclaim; observers are told at the entry of its functions
 * for that, and of those that change shadow pages (shadow_pages.c). Nobody waits for an answer there.
 *
 * The kernel's functions are hooked as long as the module is loaded, though nobody may be observed: what cannot
 * be hooked shows when it is loaded, not when somebody opens a file. KVM's functions are hooked as soon as KVM
 * is loaded. Its first call for a VM comes later, and a VM is not scanned before.
 *
 * Going. unregister_ftrace_function() returns when nobody is on the way through a callback any more. A stand-in
 * never sleeps of its own accord, its callers hold a page table lock, so a grace period of RCU tasks ends the
 * last of them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/static_call.h>
#include "compat.h"
#include "idle_state.h"
#include "shadow_pages.h"
#include "young.h"

#ifdef CONFIG_PREEMPT_RT
#error "callbacks run with preemption off, and there the locks of a PREEMPT_RT kernel must not be taken"
#endif

/**
 * struct hook - a function of the kernel that is watched
 * @symbol:       knows its name, and finds where the tracer is entered from it (addr)
 * @stand_in:     what is called in its place for an observed process, or NULL
 * @set_original: tell the stand-in what to call
 * @enter:        without a stand-in: to be done at its entry
 */
struct hook {
	struct kprobe symbol;
	void *stand_in;
	void (*set_original)(void *original);
	void (*enter)(struct ftrace_regs *regs);
};

/**
 * struct hook_set - hooks that are of use only together
 * @ops:
 * @hooks:
 * @nr:
 * @on:    they are registered; of KVM's sets under watch_lock
 */
struct hook_set {
	struct ftrace_ops ops;
	struct hook *hooks;
	unsigned int nr;
	bool on;
};

/* In one set. */
#define MAX_HOOKS 4

static notrace unsigned long hook_entry(const struct hook *hook)
{
	return (unsigned long)hook->symbol.addr;
}

/* The hook of the function whose entry it is; the tracer calls us for no other. */
static notrace const struct hook *find_hook(const struct ftrace_ops *ops, unsigned long entry)
{
	const struct hook_set *set = container_of(ops, struct hook_set, ops);
	unsigned int i = 0;

	while (hook_entry(&set->hooks[i]) != entry)
		i++;
	return &set->hooks[i];
}

static notrace void send_to_stand_in(const struct ftrace_ops *ops, unsigned long entry,
				     struct ftrace_regs *regs)
{
	compat_set_ip(regs, (unsigned long)find_hook(ops, entry)->stand_in);
}

/* Any of the functions with (struct vm_area_struct *vma, unsigned long addr, ...) was called. */
static notrace void host_called(unsigned long entry, unsigned long caller, struct ftrace_ops *ops,
				struct ftrace_regs *regs)
{
	const struct vm_area_struct *vma = (void *)compat_argument(regs, 0);

	if (idle_state_observes(vma->vm_mm))
		send_to_stand_in(ops, entry, regs);
}

/* Any of those with (struct mmu_notifier *mn, struct mm_struct *mm, ...). */
static notrace void notifier_called(unsigned long entry, unsigned long caller, struct ftrace_ops *ops,
				    struct ftrace_regs *regs)
{
	if (idle_state_observes((void *)compat_argument(regs, 1)))
		send_to_stand_in(ops, entry, regs);
}

static notrace void watched_called(unsigned long entry, unsigned long caller, struct ftrace_ops *ops,
				   struct ftrace_regs *regs)
{
	find_hook(ops, entry)->enter(regs);
}

/* What a question is about. */
struct question {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
};

static struct question about(unsigned long mm, unsigned long address, unsigned long size)
{
	unsigned long start = ALIGN_DOWN(address, size);

	return (struct question){ .mm = (struct mm_struct *)mm, .start = start, .end = start + size };
}

static unsigned long mm_of(unsigned long vma)
{
	return (unsigned long)((struct vm_area_struct *)vma)->vm_mm;
}

/* int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep) */
static struct question about_pte(unsigned long vma, unsigned long address, unsigned long entry,
				 unsigned long unused)
{
	return about(mm_of(vma), address, PAGE_SIZE);
}

/*
 * int pmdp_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp)
 *
 * The multi-generational LRU also asks about entries that point to tables. These bits speak for no page, and
 * its question is no reason to pay a debt.
 */
static struct question about_pmd(unsigned long vma, unsigned long address, unsigned long entry,
				 unsigned long unused)
{
	if (!(pmd_val(READ_ONCE(*(pmd_t *)entry)) & _PAGE_PSE))
		return (struct question){};
	return about(mm_of(vma), address, PMD_SIZE);
}

/*
 * int kvm_mmu_notifier_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
 *				    unsigned long end)
 *
 * DAMON asks about a page or a large leaf by any address in it. Then KVM ages both that the range lies in.
 */
static struct question about_range(unsigned long notifier, unsigned long mm, unsigned long start,
				   unsigned long end)
{
	unsigned long leaf = end - start;

	if (leaf != PMD_SIZE && leaf != PUD_SIZE)
		leaf = PAGE_SIZE;
	return (struct question){ .mm = (struct mm_struct *)mm,
				  .start = ALIGN_DOWN(start, leaf),
				  .end = ALIGN(end, leaf) };
}

/* int kvm_mmu_notifier_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address) */
static struct question about_page(unsigned long notifier, unsigned long mm, unsigned long address,
				  unsigned long unused)
{
	return about(mm, address, PAGE_SIZE);
}

/*
 * The functions return int or bool, 0 or 1: the lowest byte holds for both. All arguments are of the size of a
 * register; of four that are handed on a function takes those that it has.
 */
typedef bool young_function(unsigned long, unsigned long, unsigned long, unsigned long);

/* STAND_IN() - define a function's stand-in; @about: what it is asked about; @clear: it clears the bits */
#define STAND_IN(function, about, clear)                                                                     \
	DEFINE_STATIC_CALL_NULL(original_##function, young_function);                                        \
                                                                                                             \
	static void set_original_##function(void *original)                                                  \
	{                                                                                                    \
		static_call_update(original_##function, (young_function *)original);                         \
	}                                                                                                    \
                                                                                                             \
	static int stand_in_##function(unsigned long a, unsigned long b, unsigned long c, unsigned long d)   \
	{                                                                                                    \
		struct question question = about(a, b, c, d);                                                \
		bool young = static_call(original_##function)(a, b, c, d);                                   \
                                                                                                             \
		if (question.mm && idle_state_aged(question.mm, question.start, question.end, young, clear)) \
			young = true;                                                                        \
		return young;                                                                                \
	}

#define STAND_IN_HOOK(name)                                                                                  \
	{                                                                                                    \
		.symbol.symbol_name = #name, .stand_in = stand_in_##name,                                    \
		.set_original = set_original_##name,                                                         \
	}

STAND_IN(ptep_test_and_clear_young, about_pte, true)
STAND_IN(ptep_clear_flush_young, about_pte, true)
STAND_IN(pmdp_test_and_clear_young, about_pmd, true)
STAND_IN(pmdp_clear_flush_young, about_pmd, true)
STAND_IN(kvm_mmu_notifier_clear_flush_young, about_range, true)
STAND_IN(kvm_mmu_notifier_clear_young, about_range, true)
STAND_IN(kvm_mmu_notifier_test_young, about_page, false)

/*
 * int kvm_mmu_notifier_invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
 */
static void enter_invalidate(struct ftrace_regs *regs)
{
	const struct mmu_notifier_range *range = (void *)compat_argument(regs, 1);

	idle_state_lost(range->mm, range->start, range->end);
}

/*
 * void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot)
 * void kvm_arch_flush_shadow_all(struct kvm *kvm)
 *
 * Whichever slot goes, KVM unmaps everything.
 */
static void enter_flush(struct ftrace_regs *regs)
{
	const struct kvm *kvm = (void *)compat_argument(regs, 0);

	idle_state_lost_all(kvm->mm);
}

/* u64 mmu_spte_clear_track_bits(struct kvm *kvm, u64 *sptep) */
static void enter_shadow_remove(struct ftrace_regs *regs)
{
	shadow_entry_removed((struct kvm *)compat_argument(regs, 0), (u64 *)compat_argument(regs, 1));
}

static void enter_sync(struct ftrace_regs *regs, enum shadow_format format)
{
	const struct kvm_vcpu *vcpu = (void *)compat_argument(regs, 0);
	unsigned int first, count;

	compat_synced_entries(regs, &first, &count);
	shadow_entries_synced(vcpu->kvm, (void *)compat_argument(regs, 1), format, first, count);
}

static void enter_sync_paging(struct ftrace_regs *regs)
{
	enter_sync(regs, SHADOW_PAGING);
}

static void enter_sync_ept(struct ftrace_regs *regs)
{
	enter_sync(regs, SHADOW_EPT);
}

static struct hook host_hooks[] = {
	STAND_IN_HOOK(ptep_test_and_clear_young),
	STAND_IN_HOOK(ptep_clear_flush_young),
	STAND_IN_HOOK(pmdp_test_and_clear_young),
	STAND_IN_HOOK(pmdp_clear_flush_young),
};

static struct hook aging_hooks[] = {
	STAND_IN_HOOK(kvm_mmu_notifier_clear_flush_young),
	STAND_IN_HOOK(kvm_mmu_notifier_clear_young),
	STAND_IN_HOOK(kvm_mmu_notifier_test_young),
};

static struct hook unmap_hooks[] = {
	{ .symbol.symbol_name = "kvm_mmu_notifier_invalidate_range_start", .enter = enter_invalidate },
	{ .symbol.symbol_name = "kvm_arch_flush_shadow_memslot", .enter = enter_flush },
	{ .symbol.symbol_name = "kvm_arch_flush_shadow_all", .enter = enter_flush },
};

static struct hook shadow_hooks[] = {
	{ .symbol.symbol_name = "mmu_spte_clear_track_bits", .enter = enter_shadow_remove },
	{ .symbol.symbol_name = COMPAT_SYNC(paging64), .enter = enter_sync_paging },
	{ .symbol.symbol_name = COMPAT_SYNC(paging32), .enter = enter_sync_paging },
	{ .symbol.symbol_name = COMPAT_SYNC(ept), .enter = enter_sync_ept },
};

#define HOOK_SET(array, callback, more_flags)                                                                \
	{                                                                                                    \
		.ops = { .func = (callback), .flags = FTRACE_OPS_FL_PERMANENT | (more_flags) },              \
		.hooks = (array), .nr = ARRAY_SIZE(array),                                                   \
	}

static struct hook_set host_set = HOOK_SET(host_hooks, host_called, FTRACE_OPS_FL_IPMODIFY);
static struct hook_set aging_set = HOOK_SET(aging_hooks, notifier_called, FTRACE_OPS_FL_IPMODIFY);
static struct hook_set unmap_set = HOOK_SET(unmap_hooks, watched_called, 0);
static struct hook_set shadow_set = HOOK_SET(shadow_hooks, watched_called, 0);

static_assert(ARRAY_SIZE(host_hooks) <= MAX_HOOKS && ARRAY_SIZE(aging_hooks) <= MAX_HOOKS &&
	      ARRAY_SIZE(unmap_hooks) <= MAX_HOOKS && ARRAY_SIZE(shadow_hooks) <= MAX_HOOKS);

static DEFINE_MUTEX(watch_lock);

/*
 * Find where the tracer is entered from the functions of a set. Kernel probes tell, which are not even armed:
 * there is no other way to look symbols up.
 */
static int find_entries(struct hook_set *set)
{
	struct kprobe *symbols[MAX_HOOKS];
	unsigned int i, nr = 0;
	int ret = 0;

	for (i = 0; !ret && i < set->nr; i++) {
		struct kprobe *symbol = &set->hooks[i].symbol;

		/* What an earlier registration left there. */
		symbol->addr = NULL;
		symbol->flags = KPROBE_FLAG_DISABLED;
		ret = register_kprobe(symbol);
		if (!ret)
			symbols[nr++] = symbol;
		if (!ret && !kprobe_ftrace(symbol))
			ret = -EOPNOTSUPP;
		if (ret)
			pr_err("cannot watch %s (error %d)\n", symbol->symbol_name, ret);
	}
	unregister_kprobes(symbols, nr);
	return ret == -ENOENT ? -EOPNOTSUPP : ret; /* else insmod would tell of an unknown symbol */
}

/* Let the tracer know the functions of a set, or forget them. */
static int filter_hooks(struct hook_set *set, bool remove)
{
	unsigned long entries[MAX_HOOKS];
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		entries[i] = hook_entry(&set->hooks[i]);
	return ftrace_set_filter_ips(&set->ops, entries, set->nr, remove, 0);
}

static int add_hooks(struct hook_set *set)
{
	unsigned int i;
	int ret = find_entries(set);

	if (ret)
		return ret;
	for (i = 0; i < set->nr; i++) {
		struct hook *hook = &set->hooks[i];

		if (hook->set_original)
			hook->set_original((void *)(hook_entry(hook) + MCOUNT_INSN_SIZE));
	}
	ret = filter_hooks(set, false);
	if (ret)
		return ret;
	ret = register_ftrace_function(&set->ops);
	if (ret) {
		pr_err("cannot watch %s and others (error %d): one of them is live-patched, or "
		       "kernel.ftrace_enabled is 0\n",
		       set->hooks[0].symbol.symbol_name, ret);
		filter_hooks(set, true);
		return ret;
	}
	WRITE_ONCE(set->on, true);
	return 0;
}

static void del_hooks(struct hook_set *set)
{
	if (!set->on)
		return;
	WRITE_ONCE(set->on, false);
	WARN_ON(unregister_ftrace_function(&set->ops));
	filter_hooks(set, true);
}

static void watch_kvm(void)
{
	mutex_lock(&watch_lock);
	/* The one that young_watches_kvm() looks at comes last, and goes first. */
	if (!aging_set.on && !add_hooks(&unmap_set) && add_hooks(&aging_set))
		del_hooks(&unmap_set);
	if (!shadow_set.on)
		add_hooks(&shadow_set);
	mutex_unlock(&watch_lock);
}

static void unwatch_kvm(void)
{
	mutex_lock(&watch_lock);
	del_hooks(&aging_set);
	del_hooks(&unmap_set);
	del_hooks(&shadow_set);
	mutex_unlock(&watch_lock);
}

static int module_changes(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;

	if (strcmp(module->name, "kvm"))
		return NOTIFY_DONE;
	if (event == MODULE_STATE_LIVE)
		watch_kvm();
	else if (event == MODULE_STATE_GOING)
		unwatch_kvm();
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
};

bool young_watches_kvm(void)
{
	return READ_ONCE(aging_set.on);
}

bool young_watches_shadow_pages(void)
{
	return READ_ONCE(shadow_set.on);
}

/* Whether KVM is there already, as a module or built in. */
static bool kvm_is_loaded(void)
{
	if (!__symbol_get("kvm_get_kvm_safe"))
		return false;
	__symbol_put("kvm_get_kvm_safe");
	return true;
}

int young_start(void)
{
	int ret = add_hooks(&host_set);

	if (ret)
		return ret;
	ret = register_module_notifier(&module_notifier);
	if (ret) {
		del_hooks(&host_set);
		return ret;
	}
	if (kvm_is_loaded())
		watch_kvm();
	return 0;
}

void young_stop(void)
{
	unregister_module_notifier(&module_notifier);
	unwatch_kvm();
	del_hooks(&host_set);
	/* A task may have been preempted on its way through a stand-in. */
	synchronize_rcu_tasks();
}
