/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu_state.h - the state in which a vCPU begins, so that it touches memory by the way of its kind
 */
#ifndef VMM_VCPU_STATE_H
#define VMM_VCPU_STATE_H

#include "vcpu.h"

/**
 * vcpu_state_set() - set the registers of a new vCPU, and what it needs in the control slot
 * @kvm:  file descriptor of /dev/kvm
 * @vcpu: that of the vCPU
 *
 * Return: 0, -EOPNOTSUPP if the processor or KVM cannot do that, or another negative errno
 */
int vcpu_state_set(enum vcpu_kind kind, int kvm, int vcpu, uint8_t *control);

#endif /* VMM_VCPU_STATE_H */
