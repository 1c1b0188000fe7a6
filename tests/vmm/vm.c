// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vm.c - a VM: its memory slots, and the vCPUs that touch what they show
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vm.h"

#define TSS_ADDRESS 0xfffbd000UL /* three pages that Intel processors need; beyond all slots */

static int set_region(const struct vm *vm, unsigned int number, const struct vm_slot *slot)
{
	struct kvm_userspace_memory_region region = {
		.slot = number,
		.flags = slot->memory && slot->memory->backing == BACKING_FILE ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = slot->gpa,
		.memory_size = slot->pages * VM_PAGE_SIZE,
		.userspace_addr = (uintptr_t)slot->hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

/* @smm: 0, or VM_SMM_SLOTS for what is seen in System Management Mode. */
static int set_control_region(const struct vm *vm, unsigned int smm)
{
	struct vm_slot control = { .hva = vm->control, .pages = GUEST_CONTROL_SIZE / VM_PAGE_SIZE };

	return set_region(vm, VM_CONTROL_SLOT + smm, &control);
}

static int new_control(struct vm *vm)
{
	void *control =
		mmap(NULL, GUEST_CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (control == MAP_FAILED)
		return -errno;
	vm->control = control;
	memcpy(vm->control + GUEST_CODE, guest_code, guest_code_size);
	return set_control_region(vm, 0);
}

static void init(struct vm *vm)
{
	size_t i;

	*vm = (struct vm){ .kvm = -1, .fd = -1 };
	for (i = 0; i < VCPU_KINDS; i++)
		vm->vcpus[i].fd = -1;
}

int vm_new(struct vm *vm)
{
	int error = 0;

	init(vm);
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return -errno;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0 || ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS))
		error = -errno;
	if (!error)
		error = new_control(vm);
	if (error)
		vm_free(vm);
	return error;
}

static void free_slot(struct vm_slot *slot)
{
	if (slot->memory)
		memory_put(slot->memory);
	*slot = (struct vm_slot){ 0 };
}

void vm_free(struct vm *vm)
{
	size_t i;

	for (i = 0; i < VCPU_KINDS; i++)
		vcpu_free(&vm->vcpus[i]);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	for (i = 0; i < sizeof(vm->slots) / sizeof(vm->slots[0]); i++)
		free_slot(&vm->slots[i]);
	if (vm->control)
		munmap(vm->control, GUEST_CONTROL_SIZE);
	init(vm);
}

/* The slot of a number, or where one would be; NULL if there is no such number. */
static struct vm_slot *find_slot(struct vm *vm, unsigned int number)
{
	unsigned int space = number / VM_SMM_SLOTS;

	number %= VM_SMM_SLOTS;
	return space < VM_ADDRESS_SPACES && number < VM_MAX_SLOTS ? &vm->slots[space * VM_MAX_SLOTS + number]
								  : NULL;
}

const struct vm_slot *vm_slot(const struct vm *vm, unsigned int number)
{
	const struct vm_slot *slot = find_slot((struct vm *)vm, number);

	return slot && slot->memory ? slot : NULL;
}

_Static_assert(GUEST_PLACE_0 == VM_PLACE_SIZE, "a guest's own tables map the first place by small pages");

static uint64_t place_gpa(unsigned int place)
{
	return (place + 1) * VM_PLACE_SIZE;
}

/* System Management Mode needs the control slot in its own address space, too. */
static int prepare_smm(struct vm *vm)
{
	int error;

	if (vm->smm)
		return 0;
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE) < VM_ADDRESS_SPACES)
		return -EOPNOTSUPP;
	error = set_control_region(vm, VM_SMM_SLOTS);
	if (!error)
		vm->smm = true;
	return error;
}

int vm_slot_show(struct vm *vm, unsigned int number, struct memory *memory, uint32_t first, uint32_t pages)
{
	struct vm_slot *slot = find_slot(vm, number), new;
	int error;

	if (!slot || !pages || first >= memory->pages || pages > memory->pages - first)
		return -EINVAL;
	if (slot->memory)
		return -EEXIST;
	new = (struct vm_slot){ .memory = memory,
				.hva = memory->hva + first * VM_PAGE_SIZE,
				.gpa = place_gpa(number % VM_SMM_SLOTS),
				.pages = pages };
	error = number < VM_SMM_SLOTS ? 0 : prepare_smm(vm);
	if (!error)
		error = set_region(vm, number, &new);
	if (error)
		return error;
	memory_get(memory);
	*slot = new;
	return 0;
}

int vm_slot_add(struct vm *vm, unsigned int number, uint32_t pages, enum backing backing, uint32_t skew)
{
	struct memory *memory;
	int error;

	if (pages > VM_MAX_SLOT_PAGES || skew >= VM_MAX_SLOT_PAGES)
		return -EINVAL;
	error = memory_new(&memory, backing, pages, skew);
	if (error)
		return error;
	error = vm_slot_show(vm, number, memory, 0, pages);
	memory_put(memory);
	return error;
}

int vm_slot_del(struct vm *vm, unsigned int number)
{
	struct vm_slot *slot = find_slot(vm, number), none;
	int error;

	if (!slot || !slot->memory)
		return -ENOENT;
	none = *slot;
	none.pages = 0;
	error = set_region(vm, number, &none);
	if (!error)
		free_slot(slot);
	return error;
}

int vm_slot_move(struct vm *vm, unsigned int number, unsigned int place)
{
	struct vm_slot *slot = find_slot(vm, number), moved;
	int error;

	if (!slot || !slot->memory)
		return -ENOENT;
	moved = *slot;
	moved.gpa = place_gpa(place);
	error = set_region(vm, number, &moved);
	if (!error)
		*slot = moved;
	return error;
}

int vm_vcpu_choose(struct vm *vm, enum vcpu_kind kind)
{
	struct vcpu *vcpu = &vm->vcpus[kind];
	int error = 0;

	if (vcpu->fd < 0) {
		if (kind == VCPU_SMM)
			error = prepare_smm(vm);
		if (!error)
			error = vcpu_new(vcpu, kind, vm->kvm, vm->fd, vm->vcpu_count, vm->control);
		if (error)
			return error;
		vm->vcpu_count++;
	}
	vm->vcpu = vcpu;
	return 0;
}

/* Let touch() touch pages of a slot by the chosen vCPU. */
static int touch_slot(struct vm *vm, int (*touch)(struct vcpu *vcpu, const struct touches *touches),
		      enum touch_mode mode, unsigned int number, const uint32_t *pages, uint32_t count)
{
	struct touches touches = { .mode = mode, .pages = pages, .count = count };
	const struct vm_slot *slot = vm_slot(vm, number);
	uint32_t i;
	int error = vm->vcpu ? 0 : vm_vcpu_choose(vm, VCPU_GUEST);

	if (error)
		return error;
	if (!slot)
		return -ENOENT;
	for (i = 0; i < count; i++) {
		if (pages[i] >= slot->pages)
			return -ERANGE;
	}
	touches.gpa = slot->gpa;
	return touch(vm->vcpu, &touches);
}

int vm_touch(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages, uint32_t count)
{
	return touch_slot(vm, vcpu_touch, mode, slot, pages, count);
}

int vm_loop_start(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages,
		  uint32_t count)
{
	return touch_slot(vm, vcpu_loop_start, mode, slot, pages, count);
}

uint32_t vm_loop_rounds(const struct vm *vm)
{
	return vm->vcpu ? vcpu_loop_rounds(vm->vcpu) : 0;
}

int vm_loop_stop(struct vm *vm)
{
	return vm->vcpu ? vcpu_loop_stop(vm->vcpu) : -ENOENT;
}
