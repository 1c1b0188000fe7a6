/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm_set.h - the VMs of a process
 */
#ifndef KVM_IDLE_KVM_SET_H
#define KVM_IDLE_KVM_SET_H

#include <linux/kvm_host.h>

/**
 * struct kvm_set - the VMs whose memory is that of one process, each with a reference held
 * @nr:    how many; 0 for a process without VMs, and then nothing else is valid
 * @vms:   the VMs
 * @get:   KVM's functions, found by name when the set is opened, because the module must also load where KVM
 * is not
 * @put:
 * @running: room for the processors that run one of the VMs
 */
struct kvm_set {
	unsigned int nr;
	struct kvm **vms;
	bool (*get)(struct kvm *kvm);
	void (*put)(struct kvm *kvm);
	struct cpumask *running;
};

/**
 * kvm_set_open() - find a process's VMs
 * @set: filled in; to be closed if 0 was returned
 * @mm:  the process's; the caller holds a reference to its users (mmget)
 *
 * A VM that is created later is not in the set. While the set is open its VMs stay, even if the process
 * closes them, and kvm.ko cannot be unloaded.
 *
 * Return: 0, -ENOMEM, or -EOPNOTSUPP if a VM is found by a kernel that lacks one of the functions.
 */
int kvm_set_open(struct kvm_set *set, struct mm_struct *mm);

/**
 * kvm_set_close() - drop the references; a VM that was kept alive by one is destroyed here, so no lock may
 * be held
 */
void kvm_set_close(struct kvm_set *set);

/** kvm_set_flush_tlbs() - make all vCPUs read their second-level tables, accessed bits included, again */
void kvm_set_flush_tlbs(const struct kvm_set *set);

#endif /* KVM_IDLE_KVM_SET_H */
