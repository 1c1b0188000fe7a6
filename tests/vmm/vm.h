/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.h - a VM: its memory slots, and the vCPUs that touch what they show
 *
 * All functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <stdbool.h>
#include <stdint.h>
#include "memory.h"
#include "vcpu.h"

#define VM_MAX_SLOTS	  12
#define VM_MAX_SLOT_PAGES 262144 /* 1 GiB */

/* Number N of these places begins at (N + 1) * VM_PLACE_SIZE in guest-physical memory. */
#define VM_PLACES     15
#define VM_PLACE_SIZE (256UL << 20)

/**
 * Address spaces of a VM: the normal one, and what vCPUs see in System Management Mode. A slot of the second
 * is known, to KVM and here, by its number + VM_SMM_SLOTS.
 */
#define VM_ADDRESS_SPACES 2
#define VM_SMM_SLOTS	  (1U << 16)

/** The number of the control slot, in both. */
#define VM_CONTROL_SLOT VM_MAX_SLOTS

/**
 * struct vm_slot - a memory slot
 * @memory: what it shows, NULL if there is no such slot
 * @hva:    where the VMM has it
 * @gpa:    where the guest has it
 * @pages:  its size
 */
struct vm_slot {
	struct memory *memory;
	uint8_t *hva;
	uint64_t gpa;
	uint32_t pages;
};

/**
 * struct vm - the VM
 * @kvm, @fd: file descriptors
 * @control:  the control slot (guest.h)
 * @smm:      the VM is prepared for System Management Mode
 * @slots:    the slots to be tested, by address space and number
 * @vcpus:    by kind; one that was never chosen does not exist
 * @vcpu_count: how many do
 * @vcpu:     the one that is chosen; NULL: none yet, and then it will be the guest's
 */
struct vm {
	int kvm;
	int fd;
	uint8_t *control;
	bool smm;
	struct vm_slot slots[VM_ADDRESS_SPACES * VM_MAX_SLOTS];
	struct vcpu vcpus[VCPU_KINDS];
	unsigned int vcpu_count;
	struct vcpu *vcpu;
};

int vm_new(struct vm *vm);

/**
 * vm_free() - destroy a VM and its slots; one whose creation failed is destroyed already, and may be once
 * more
 */
void vm_free(struct vm *vm);

/** vm_slot() - a slot to be tested. Return: NULL if there is none. */
const struct vm_slot *vm_slot(const struct vm *vm, unsigned int number);

/**
 * vm_slot_add() - add a memory slot, at the place of its number, that shows new memory
 * @pages: 1 to VM_MAX_SLOT_PAGES
 * @skew:  see memory_new()
 */
int vm_slot_add(struct vm *vm, unsigned int number, uint32_t pages, enum backing backing, uint32_t skew);

/** vm_slot_show() - add a memory slot, at the place of its number, that shows some pages of what is there */
int vm_slot_show(struct vm *vm, unsigned int number, struct memory *memory, uint32_t first, uint32_t pages);

int vm_slot_del(struct vm *vm, unsigned int number);

/** vm_slot_move() - let the guest have a slot at another place */
int vm_slot_move(struct vm *vm, unsigned int number, unsigned int place);

/**
 * vm_vcpu_choose() - choose the vCPU for all that follows; it is created if there is none of this kind
 *
 * KVM numbers the vCPUs of a VM in the order in which they are created.
 */
int vm_vcpu_choose(struct vm *vm, enum vcpu_kind kind);

/** vm_touch() - let the vCPU touch pages of a slot once, see vcpu_touch() */
int vm_touch(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages, uint32_t count);

/** vm_loop_start() - let the vCPU touch pages of a slot again and again, see vcpu_loop_start() */
int vm_loop_start(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages,
		  uint32_t count);

/** vm_loop_rounds() - how often the vCPU has touched all pages of the loop; 0 if there is no vCPU */
uint32_t vm_loop_rounds(const struct vm *vm);

/** vm_loop_stop() - end it */
int vm_loop_stop(struct vm *vm);

#endif /* VMM_VM_H */
