/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu.h - a vCPU that touches the pages it is told to
 *
 * All functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "guest.h"

/** enum vcpu_kind - by which way a vCPU reaches memory. A VM has at most one vCPU of each kind. */
enum vcpu_kind {
	VCPU_GUEST,		   /* the guest */
	VCPU_NESTED,		   /* a guest of the guest, without page tables between the two (AMD only) */
	VCPU_NESTED_PAGING,	   /* a guest of the guest, by nested page tables (AMD only) */
	VCPU_SMM = GUEST_SMM_VCPU, /* the guest in System Management Mode */
	VCPU_PAGING, /* the guest, by page tables of its own that it writes to after each order */
	VCPU_KINDS,
};

_Static_assert(VCPU_KINDS <= GUEST_MAX_VCPUS, "the control slot has a part for each vCPU");

/**
 * struct vcpu - the vCPU
 * @kind:
 * @fd:      its file descriptor, -1 if there is no such vCPU
 * @run:     the page that it shares with KVM, of @run_size bytes
 * @mailbox: its orders
 * @thread:  runs it while @looping
 * @loop_error: how that ended
 */
struct vcpu {
	enum vcpu_kind kind;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	volatile struct guest_mailbox *mailbox;
	pthread_t thread;
	bool looping;
	int loop_error;
};

/** struct touches - pages to be touched: by what, and where in guest-physical memory */
struct touches {
	enum touch_mode mode;
	uint64_t gpa;
	const uint32_t *pages; /* numbers of 4 KiB pages, counted from @gpa */
	uint32_t count;
};

/**
 * vcpu_new() - create a vCPU
 * @kvm, @vm: file descriptors
 * @id:      by which KVM knows it
 * @control: the VM's control slot (guest.h); the kind is the number of the vCPU's part in it
 *
 * If it fails, nothing is left.
 */
int vcpu_new(struct vcpu *vcpu, enum vcpu_kind kind, int kvm, int vm, unsigned int id, uint8_t *control);
void vcpu_free(struct vcpu *vcpu);

/** vcpu_touch() - touch pages once, in this order; returns when it is done. -EBUSY while the vCPU loops. */
int vcpu_touch(struct vcpu *vcpu, const struct touches *touches);

/** vcpu_loop_start() - touch pages again and again; returns after the first round */
int vcpu_loop_start(struct vcpu *vcpu, const struct touches *touches);

/** vcpu_loop_rounds() - how often the vCPU has touched all pages of the loop */
uint32_t vcpu_loop_rounds(const struct vcpu *vcpu);

/** vcpu_loop_stop() - end it */
int vcpu_loop_stop(struct vcpu *vcpu);

#endif /* VMM_VCPU_H */
