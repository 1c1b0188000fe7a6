// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * young.c - the kernel's own use of accessed bits: what it takes, and what it is owed
 *
 * Theory of operation
 * -------------------
 * The host's reclaim, and everybody else who ages pages (page_idle, DAMON, clear_refs, khugepaged), asks a few
 * functions whether a page is young: for the process's own tables ptep_test_and_clear_young() and its
 * relatives in arch/x86/mm/pgtable.c, for the tables of a VM the MMU notifiers of KVM. Return probes on all of
 * them do two things when the function is about to return for a process that is observed:
 * - If it says "young" the observers are told: it has cleared an accessed bit that they were waiting for.
 * - If a scan had taken the accessed bit before, the answer is made "young".
 * So reclaim judges a page as if nobody scanned, and nobody who scans calls a page idle that reclaim has aged.
 * What was cleared is known by the function's own answer. There is no gap in which an access could escape, as
 * there would be if one looked first and let the function clear after.
 *
 * The alternatives were an MMU notifier of our own on the process, and to put a wrapper in the place of KVM's.
 * The former has that gap, takes all the locks of the process to be registered, and slows down its fork() and
 * munmap() for the rest of its life; and for the process's own tables neither helps, because notifiers are
 * called after the bit is gone, and by Linux 6.1's multi-generational LRU not at all.
 *
 * A probed function runs under a page table lock, not preempted, so that as many calls as there are processors
 * can be under way, once each; the probes have room for more. If one is missed nevertheless (young_missed())
 * all marks are dropped.
 *
 * Limits. Linux 6.1's multi-generational LRU passes over pages whose entry in the process's own table has no
 * accessed bit, so when it looks for young pages it does not ask about those that a scan has seen; it does
 * before it evicts one. Probes are off while kernel.ftrace_enabled or the kprobes switch in debugfs is 0.
 *
 * KVM also takes accessed bits with the mappings that it gives up: when the process's mapping changes, and when
 * a memory slot or the VM goes. It tells the host's reclaim; observers are told by probes at the entry of its
 * functions for that, and of those that change shadow pages (shadow_pages.c). Nobody waits for an answer there.
 *
 * KVM's functions are probed as soon as it is loaded. Its first call for a VM comes later, and a VM is not
 * scanned before.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include "compat.h"
#include "idle_state.h"
#include "shadow_pages.h"
#include "young.h"

#ifdef CONFIG_PREEMPT_RT
#error "probes run with preemption off, and there the locks of a PREEMPT_RT kernel must not be taken"
#endif

/* A call that is being followed: the range that it is about. */
struct young_call {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
};

static int follow(struct kretprobe_instance *instance, struct mm_struct *mm, unsigned long start,
		  unsigned long end)
{
	struct young_call *call = (void *)instance->data;

	if (!idle_state_observes(mm))
		return 1;
	*call = (struct young_call){ .mm = mm, .start = start, .end = end };
	return 0;
}

/* The functions return int or bool: the lowest byte holds for both. */
static int leave(struct kretprobe_instance *instance, struct pt_regs *regs, bool clear)
{
	const struct young_call *call = (void *)instance->data;

	if (idle_state_aged(call->mm, call->start, call->end, regs->ax & 0xff, clear))
		regs->ax = 1;
	return 0;
}

static int leave_clear(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return leave(instance, regs, true);
}

static int leave_test(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return leave(instance, regs, false);
}

/* int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep) */
static int enter_pte(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct vm_area_struct *vma = (void *)regs->di;
	unsigned long address = regs->si & PAGE_MASK;

	return follow(instance, vma->vm_mm, address, address + PAGE_SIZE);
}

/*
 * int pmdp_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp)
 *
 * The multi-generational LRU also asks about entries that point to tables. These bits speak for no page, and
 * its question is no reason to pay a debt.
 */
static int enter_pmd(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct vm_area_struct *vma = (void *)regs->di;
	unsigned long address = regs->si & PMD_MASK;

	if (!(pmd_val(READ_ONCE(*(pmd_t *)regs->dx)) & _PAGE_PSE))
		return 1;
	return follow(instance, vma->vm_mm, address, address + PMD_SIZE);
}

/*
 * int kvm_mmu_notifier_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
 *				    unsigned long end)
 *
 * DAMON asks about a page or a large leaf by any address in it. Then KVM ages both that the range lies in.
 */
static int enter_kvm_clear(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned long start = regs->dx, end = regs->cx, leaf = end - start;

	if (leaf != PMD_SIZE && leaf != PUD_SIZE)
		leaf = PAGE_SIZE;
	return follow(instance, (void *)regs->si, ALIGN_DOWN(start, leaf), ALIGN(end, leaf));
}

/* int kvm_mmu_notifier_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address) */
static int enter_kvm_test(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned long address = regs->dx & PAGE_MASK;

	return follow(instance, (void *)regs->si, address, address + PAGE_SIZE);
}

/*
 * int kvm_mmu_notifier_invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
 */
static int enter_kvm_invalidate(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct mmu_notifier_range *range = (void *)regs->si;

	idle_state_lost(range->mm, range->start, range->end);
	return 1;
}

/*
 * void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot)
 * void kvm_arch_flush_shadow_all(struct kvm *kvm)
 *
 * Whichever slot goes, KVM unmaps everything.
 */
static int enter_kvm_flush(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct kvm *kvm = (void *)regs->di;

	idle_state_lost_all(kvm->mm);
	return 1;
}

/* u64 mmu_spte_clear_track_bits(struct kvm *kvm, u64 *sptep) */
static int enter_shadow_remove(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	shadow_entry_removed((struct kvm *)regs->di, (u64 *)regs->si);
	return 1;
}

static int enter_sync(struct pt_regs *regs, enum shadow_format format)
{
	const struct kvm_vcpu *vcpu = (void *)regs->di;
	unsigned int first, count;

	compat_synced_entries(regs, &first, &count);
	shadow_entries_synced(vcpu->kvm, (void *)regs->si, format, first, count);
	return 1;
}

static int enter_sync_paging(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return enter_sync(regs, SHADOW_PAGING);
}

static int enter_sync_ept(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return enter_sync(regs, SHADOW_EPT);
}

#define YOUNG_PROBE(function, enter, leave)                                                                  \
	{                                                                                                    \
		.kp.symbol_name = #function, .entry_handler = enter, .handler = leave,                       \
		.data_size = sizeof(struct young_call),                                                      \
	}

#define ENTRY_PROBE(function, enter)                                                                         \
	{                                                                                                    \
		.kp.symbol_name = function, .entry_handler = enter,                                          \
	}

static struct kretprobe host_probes[] = {
	YOUNG_PROBE(ptep_test_and_clear_young, enter_pte, leave_clear),
	YOUNG_PROBE(ptep_clear_flush_young, enter_pte, leave_clear),
	YOUNG_PROBE(pmdp_test_and_clear_young, enter_pmd, leave_clear),
	YOUNG_PROBE(pmdp_clear_flush_young, enter_pmd, leave_clear),
};

static struct kretprobe kvm_probes[] = {
	YOUNG_PROBE(kvm_mmu_notifier_clear_flush_young, enter_kvm_clear, leave_clear),
	YOUNG_PROBE(kvm_mmu_notifier_clear_young, enter_kvm_clear, leave_clear),
	YOUNG_PROBE(kvm_mmu_notifier_test_young, enter_kvm_test, leave_test),
	ENTRY_PROBE("kvm_mmu_notifier_invalidate_range_start", enter_kvm_invalidate),
	ENTRY_PROBE("kvm_arch_flush_shadow_memslot", enter_kvm_flush),
	ENTRY_PROBE("kvm_arch_flush_shadow_all", enter_kvm_flush),
};

static struct kretprobe shadow_probes[] = {
	ENTRY_PROBE("mmu_spte_clear_track_bits", enter_shadow_remove),
	ENTRY_PROBE(COMPAT_SYNC(paging64), enter_sync_paging),
	ENTRY_PROBE(COMPAT_SYNC(paging32), enter_sync_paging),
	ENTRY_PROBE(COMPAT_SYNC(ept), enter_sync_ept),
};

/* In one of these arrays. */
#define MAX_PROBES 8
static_assert(ARRAY_SIZE(host_probes) <= MAX_PROBES && ARRAY_SIZE(kvm_probes) <= MAX_PROBES &&
	      ARRAY_SIZE(shadow_probes) <= MAX_PROBES);

/**
 * struct kvm_watch - probes in KVM that are of use only together
 * @probes:
 * @nr:
 * @on:     they are registered; changed under watch_lock
 */
struct kvm_watch {
	struct kretprobe *probes;
	unsigned int nr;
	bool on;
};

static struct kvm_watch aging_watch = { .probes = kvm_probes, .nr = ARRAY_SIZE(kvm_probes) };
static struct kvm_watch shadow_watch = { .probes = shadow_probes, .nr = ARRAY_SIZE(shadow_probes) };

static DEFINE_MUTEX(watch_lock);
static unsigned long past_missed; /* by probes of a KVM that was unloaded; under watch_lock */

static unsigned long probes_missed(const struct kretprobe *probes, unsigned int nr)
{
	unsigned long missed = 0;

	while (nr--)
		missed += READ_ONCE(probes[nr].nmissed) + READ_ONCE(probes[nr].kp.nmissed);
	return missed;
}

/* All at once: each call of the kernel's function waits for a grace period. */
static void del_probes(struct kretprobe *probes, unsigned int nr)
{
	struct kretprobe *list[MAX_PROBES];
	unsigned int i;

	for (i = 0; i < nr; i++)
		list[i] = &probes[i];
	unregister_kretprobes(list, nr);
}

static int add_probes(struct kretprobe *probes, unsigned int nr)
{
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		struct kretprobe *probe = &probes[i];

		/* What an earlier registration left there. */
		probe->kp.addr = NULL;
		probe->kp.flags = 0;
		probe->maxactive = 2 * num_possible_cpus();
		ret = register_kretprobe(probe);
		if (ret) {
			pr_err("cannot probe %s (error %d)\n", probe->kp.symbol_name, ret);
			del_probes(probes, i);
			return ret == -ENOENT ? -EOPNOTSUPP : ret;
		}
	}
	return 0;
}

/* Under watch_lock. */
static void watch(struct kvm_watch *watch)
{
	if (!watch->on && !add_probes(watch->probes, watch->nr))
		WRITE_ONCE(watch->on, true);
}

/* Under watch_lock. */
static void unwatch(struct kvm_watch *watch)
{
	unsigned int i;

	if (!watch->on)
		return;
	del_probes(watch->probes, watch->nr);
	WRITE_ONCE(watch->on, false);
	past_missed += probes_missed(watch->probes, watch->nr);
	for (i = 0; i < watch->nr; i++)
		watch->probes[i].nmissed = watch->probes[i].kp.nmissed = 0;
}

static void watch_kvm(void)
{
	mutex_lock(&watch_lock);
	watch(&aging_watch);
	watch(&shadow_watch);
	mutex_unlock(&watch_lock);
}

static void unwatch_kvm(void)
{
	mutex_lock(&watch_lock);
	unwatch(&aging_watch);
	unwatch(&shadow_watch);
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
	return READ_ONCE(aging_watch.on);
}

bool young_watches_shadow_pages(void)
{
	return READ_ONCE(shadow_watch.on);
}

unsigned long young_missed(void)
{
	return READ_ONCE(past_missed) + probes_missed(host_probes, ARRAY_SIZE(host_probes)) +
	       probes_missed(kvm_probes, ARRAY_SIZE(kvm_probes)) +
	       probes_missed(shadow_probes, ARRAY_SIZE(shadow_probes));
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
	int ret = add_probes(host_probes, ARRAY_SIZE(host_probes));

	if (ret)
		return ret;
	ret = register_module_notifier(&module_notifier);
	if (ret) {
		del_probes(host_probes, ARRAY_SIZE(host_probes));
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
	del_probes(host_probes, ARRAY_SIZE(host_probes));
}
