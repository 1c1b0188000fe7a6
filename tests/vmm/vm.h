/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.h - a VM with one vCPU whose guest touches the pages that it is told to
 *
 * All functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "guest.h"

#define VM_PAGE_SIZE	  4096UL
#define VM_MAX_SLOTS	  12
#define VM_MAX_SLOT_PAGES 65536 /* slots lie 256 MiB apart in guest-physical memory */

/**
 * struct vm_slot - a memory slot to be tested
 * @hva:   where the VMM has it, NULL if there is no such slot
 * @gpa:   where the guest has it
 * @pages: its size
 * @map:   the mapping that @hva lies in, for its end
 * @map_size: in bytes
 */
struct vm_slot {
	uint8_t *hva;
	uint64_t gpa;
	uint32_t pages;
	void *map;
	size_t map_size;
};

/**
 * struct vm - the VM
 * @kvm, @fd, @vcpu: file descriptors
 * @run:     the vCPU's shared page, of @run_size bytes
 * @control: the control slot (guest.h)
 * @mailbox: in it
 * @slots:   the slots to be tested, by number
 * @thread:  runs the vCPU while @looping
 */
struct vm {
	int kvm;
	int fd;
	int vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *control;
	volatile struct guest_mailbox *mailbox;
	struct vm_slot slots[VM_MAX_SLOTS];
	pthread_t thread;
	bool looping;
	int loop_error;
};

int vm_new(struct vm *vm);

/**
 * vm_free() - destroy a VM and its slots; one whose creation failed is destroyed already, and may be once
 * more
 */
void vm_free(struct vm *vm);

/**
 * vm_slot_add() - add a memory slot of anonymous memory that nobody has touched
 * @pages: 1 to VM_MAX_SLOT_PAGES
 * @huge:  ask the host for huge pages, else forbid them
 * @skew:  begin this many pages after a 2 MiB boundary of the process, but at one of the guest
 */
int vm_slot_add(struct vm *vm, unsigned int number, uint32_t pages, bool huge, uint32_t skew);
int vm_slot_del(struct vm *vm, unsigned int number);

/** vm_touch() - let the guest touch pages once, in this order; returns when it has. -EBUSY while it loops. */
int vm_touch(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages, uint32_t count);

/** vm_loop_start() - let the guest touch pages again and again; returns after its first round */
int vm_loop_start(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages,
		  uint32_t count);

/** vm_loop_rounds() - how often the guest has touched all pages of the loop */
uint32_t vm_loop_rounds(const struct vm *vm);

/** vm_loop_stop() - end it */
int vm_loop_stop(struct vm *vm);

#endif /* VMM_VM_H */
