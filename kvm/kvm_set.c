// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm_set.c - the VMs of a process
 *
 * A VM registers an MMU notifier with the mm whose memory it uses, as long as it lives. So an mm's list of
 * notifiers is the list of its VMs. It needs no file descriptor, finds all of them, and cannot find one of
 * another process. KVM's notifiers are told from others' by the name of their function. The list's lock makes
 * kvm_get_kvm_safe() safe: KVM takes its notifier off the list before it frees the VM.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kallsyms.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include "kvm_internals.h"
#include "kvm_set.h"
#include "young.h"

/* Whether a notifier is KVM's; the symbol is followed by " [kvm]" if KVM is a module. */
static bool is_kvm_notifier(const struct mmu_notifier *notifier)
{
	static const char name[] = "kvm_mmu_notifier_clear_young";
	char symbol[KSYM_SYMBOL_LEN];
	size_t length = sizeof(name) - 1;

	if (!notifier->ops->clear_young)
		return false;
	sprint_symbol_no_offset(symbol, (unsigned long)notifier->ops->clear_young);
	return !strncmp(symbol, name, length) && (symbol[length] == '\0' || symbol[length] == ' ');
}

static unsigned int count_notifiers(struct kvm_idle_notifier_subscriptions *subscriptions)
{
	struct mmu_notifier *notifier;
	unsigned int count = 0;

	spin_lock(&subscriptions->lock);
	hlist_for_each_entry(notifier, &subscriptions->list, hlist)
		count++;
	spin_unlock(&subscriptions->lock);
	return count;
}

/* Fill the set with up to @room VMs. Without KVM's functions: just say whether there would be one. */
static int collect_vms(struct kvm_set *set, struct mm_struct *mm, unsigned int room)
{
	struct kvm_idle_notifier_subscriptions *subscriptions = (void *)mm->notifier_subscriptions;
	struct mmu_notifier *notifier;
	struct kvm *kvm;
	int ret = 0;

	spin_lock(&subscriptions->lock);
	hlist_for_each_entry(notifier, &subscriptions->list, hlist) {
		if (set->nr == room)
			break;
		if (!is_kvm_notifier(notifier))
			continue;
		kvm = container_of(notifier, struct kvm, mmu_notifier);
		if (kvm->mm != mm || !set->get || !set->put || !young_watches_kvm()) {
			pr_warn_once("KVM is not laid out as expected: VMs cannot be scanned\n");
			ret = -EOPNOTSUPP;
			break;
		}
		if (set->get(kvm))
			set->vms[set->nr++] = kvm;
	}
	spin_unlock(&subscriptions->lock);
	return ret;
}

int kvm_set_open(struct kvm_set *set, struct mm_struct *mm)
{
	struct kvm_idle_notifier_subscriptions *subscriptions = (void *)READ_ONCE(mm->notifier_subscriptions);
	unsigned int room;
	int ret;

	*set = (struct kvm_set){};
	if (!subscriptions)
		return 0;
	room = count_notifiers(subscriptions);
	if (!room)
		return 0;
	set->vms = kmalloc_array(room, sizeof(*set->vms), GFP_KERNEL);
	set->running = kmalloc(cpumask_size(), GFP_KERNEL);
	if (!set->vms || !set->running) {
		kvm_set_close(set);
		return -ENOMEM;
	}

	set->get = (bool (*)(struct kvm *))__symbol_get("kvm_get_kvm_safe");
	set->put = (void (*)(struct kvm *))__symbol_get("kvm_put_kvm");
	ret = collect_vms(set, mm, room);
	if (ret || !set->nr)
		kvm_set_close(set);
	return ret;
}

void kvm_set_close(struct kvm_set *set)
{
	while (set->nr)
		set->put(set->vms[--set->nr]);
	if (set->get)
		__symbol_put("kvm_get_kvm_safe");
	if (set->put)
		__symbol_put("kvm_put_kvm");
	kfree(set->running);
	kfree(set->vms);
	*set = (struct kvm_set){};
}

/* What a processor is interrupted for: a guest that it runs is left before the interrupt is served. */
static void leave_guest(void *unused)
{
}

/*
 * Each vCPU gets a request to flush, which it serves before it enters its guest again. Those that are in their
 * guest now are made to leave it by an interrupt; when that was served, nobody uses an older translation any
 * more. This is what kvm_flush_remote_tlbs() does, which newer kernels keep for KVM's own modules.
 *
 * No vCPU slips through. It enters its guest thus (vcpu_enter_guest(), arch/x86/kvm/x86.c), with interrupts
 * disabled:
 *
 *	mode = IN_GUEST_MODE;
 *	full barrier;
 *	if (there are requests)
 *		do not enter, but serve them and begin again;
 *
 * and here it is
 *
 *	set the request;
 *	full barrier; (in kvm_vcpu_exiting_guest_mode())
 *	if (mode is not OUTSIDE_GUEST_MODE)
 *		interrupt vcpu->cpu, and wait;
 *
 * so if the vCPU does not see the request, its mode is seen here. EXITING_GUEST_MODE says that somebody else
 * has found it in its guest; his interrupt may still be under way, so it gets ours too. A vCPU that is on
 * another processor by now has left its guest since vcpu->cpu was read.
 *
 * The accessed bits were cleared by locked operations before the request is set, and a vCPU has a barrier
 * between taking the request and the flush, so what it reads after that are the cleared ones.
 */
void kvm_set_flush_tlbs(const struct kvm_set *set)
{
	struct kvm_vcpu *vcpu;
	unsigned long index;
	unsigned int i;
	int cpu;

	if (!set->nr)
		return;
	cpumask_clear(set->running);
	for (i = 0; i < set->nr; i++) {
		kvm_for_each_vcpu(index, vcpu, set->vms[i])
		{
			kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
			if (kvm_vcpu_exiting_guest_mode(vcpu) == OUTSIDE_GUEST_MODE)
				continue;
			cpu = READ_ONCE(vcpu->cpu);
			if (cpu >= 0)
				cpumask_set_cpu(cpu, set->running);
		}
	}
	on_each_cpu_mask(set->running, leave_guest, NULL, true);
}
