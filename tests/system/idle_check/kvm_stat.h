/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm_stat.h - what KVM itself says of its VMs, in debugfs
 */
#ifndef KVM_STAT_H
#define KVM_STAT_H

#include <stdbool.h>
#include <sys/types.h>

/** kvm_tlb_flushes() - how often vCPUs were made to flush their TLBs, of all VMs that there are. -1: unknown. */
long kvm_tlb_flushes(void);

/** kvm_vm_exists() - whether there is still a VM that a process created */
bool kvm_vm_exists(pid_t pid);

#endif /* KVM_STAT_H */
