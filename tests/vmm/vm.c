// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vm.c - a VM with one vCPU whose guest touches the pages that it is told to
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vm.h"

#define HUGE_SIZE    (2UL << 20)
#define CONTROL_SLOT VM_MAX_SLOTS
#define SLOT_SPACING ((uint64_t)VM_MAX_SLOT_PAGES * VM_PAGE_SIZE)
#define TSS_ADDRESS  0xfffbd000UL /* three pages that Intel processors need; beyond all slots */

static int set_region(struct vm *vm, uint32_t slot, uint64_t gpa, const void *hva, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

/*
 * 32-bit protected mode, flat segments, no paging. Interrupts are enabled although none are ever sent: Bochs keeps the
 * host's own interrupts back from a host whose guest has disabled them, so a loop would never be preempted.
 */
static int set_registers(struct vm *vm)
{
	struct kvm_segment data = {
		.limit = 0xffffffff,
		.selector = 0x10,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_segment code = data;
	struct kvm_regs registers = { .rip = GUEST_CODE, .rsp = GUEST_STACK, .rflags = 0x202 };
	struct kvm_sregs special;

	code.selector = 8;
	code.type = 11;
	if (ioctl(vm->vcpu, KVM_GET_SREGS, &special))
		return -errno;
	special.cs = code;
	special.ds = special.es = special.fs = special.gs = special.ss = data;
	special.cr0 |= 1;
	if (ioctl(vm->vcpu, KVM_SET_SREGS, &special) || ioctl(vm->vcpu, KVM_SET_REGS, &registers))
		return -errno;
	return 0;
}

static int new_vcpu(struct vm *vm)
{
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	if (size < 0 || vm->vcpu < 0)
		return -errno;
	vm->run_size = size;
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED) {
		vm->run = NULL;
		return -errno;
	}
	return set_registers(vm);
}

static int new_control(struct vm *vm)
{
	void *control =
		mmap(NULL, GUEST_CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (control == MAP_FAILED)
		return -errno;
	vm->control = control;
	vm->mailbox = (volatile struct guest_mailbox *)(vm->control + GUEST_MAILBOX);
	memcpy(vm->control + GUEST_CODE, guest_code, guest_code_size);
	return set_region(vm, CONTROL_SLOT, 0, vm->control, GUEST_CONTROL_SIZE);
}

int vm_new(struct vm *vm)
{
	int error;

	*vm = (struct vm){ .kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), .fd = -1, .vcpu = -1 };
	if (vm->kvm < 0)
		return -errno;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0 || ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS)) {
		error = -errno;
		vm_free(vm);
		return error;
	}
	error = new_control(vm);
	if (!error)
		error = new_vcpu(vm);
	if (error)
		vm_free(vm);
	return error;
}

static void free_slot(struct vm_slot *slot)
{
	if (slot->map)
		munmap(slot->map, slot->map_size);
	*slot = (struct vm_slot){ 0 };
}

void vm_free(struct vm *vm)
{
	unsigned int i;

	if (vm->looping)
		vm_loop_stop(vm);
	if (vm->run)
		munmap(vm->run, vm->run_size);
	if (vm->vcpu >= 0)
		close(vm->vcpu);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	for (i = 0; i < VM_MAX_SLOTS; i++)
		free_slot(&vm->slots[i]);
	if (vm->control)
		munmap(vm->control, GUEST_CONTROL_SIZE);
	*vm = (struct vm){ .kvm = -1, .fd = -1, .vcpu = -1 };
}

int vm_slot_add(struct vm *vm, unsigned int number, uint32_t pages, bool huge, uint32_t skew)
{
	struct vm_slot *slot;
	uintptr_t aligned;
	int error;

	if (number >= VM_MAX_SLOTS || !pages || pages > VM_MAX_SLOT_PAGES || skew >= VM_MAX_SLOT_PAGES)
		return -EINVAL;
	slot = &vm->slots[number];
	if (slot->map)
		return -EEXIST;
	slot->map_size = (pages + skew) * VM_PAGE_SIZE + HUGE_SIZE;
	slot->map = mmap(NULL, slot->map_size, PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slot->map == MAP_FAILED) {
		slot->map = NULL;
		return -errno;
	}
	/* Without transparent huge pages in the kernel madvise() fails, and pages are small anyway. */
	madvise(slot->map, slot->map_size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	aligned = ((uintptr_t)slot->map + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	slot->hva = (uint8_t *)aligned + skew * VM_PAGE_SIZE;
	slot->gpa = (number + 1) * SLOT_SPACING;
	slot->pages = pages;
	error = set_region(vm, number, slot->gpa, slot->hva, pages * VM_PAGE_SIZE);
	if (error)
		free_slot(slot);
	return error;
}

int vm_slot_del(struct vm *vm, unsigned int number)
{
	struct vm_slot *slot;
	int error;

	if (number >= VM_MAX_SLOTS || !vm->slots[number].map)
		return -ENOENT;
	slot = &vm->slots[number];
	error = set_region(vm, number, slot->gpa, slot->hva, 0);
	if (!error)
		free_slot(slot);
	return error;
}

static int post_order(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages,
		      uint32_t count, bool loop)
{
	uint32_t i;

	if (vm->looping)
		return -EBUSY;
	if (slot >= VM_MAX_SLOTS || !vm->slots[slot].map)
		return -ENOENT;
	if (count > GUEST_MAX_TOUCHES)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		if (pages[i] >= vm->slots[slot].pages)
			return -ERANGE;
		vm->mailbox->address[i] = vm->slots[slot].gpa + pages[i] * VM_PAGE_SIZE;
	}
	vm->mailbox->mode = mode;
	vm->mailbox->count = count;
	vm->mailbox->loop = loop;
	vm->mailbox->stop = 0;
	vm->mailbox->rounds = 0;
	return 0;
}

/* Run the guest until its order is done. Any other exit is an error: the guest has no devices. */
static int run_order(struct vm *vm)
{
	while (ioctl(vm->vcpu, KVM_RUN, 0)) {
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	if (vm->run->exit_reason != KVM_EXIT_IO || vm->run->io.port != GUEST_DONE_PORT)
		return -EFAULT;
	return 0;
}

int vm_touch(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages, uint32_t count)
{
	int error = post_order(vm, mode, slot, pages, count, false);

	return error ? error : run_order(vm);
}

static void *loop_thread(void *argument)
{
	struct vm *vm = argument;

	vm->loop_error = run_order(vm);
	return NULL;
}

int vm_loop_start(struct vm *vm, enum touch_mode mode, unsigned int slot, const uint32_t *pages,
		  uint32_t count)
{
	int error = post_order(vm, mode, slot, pages, count, true);

	if (error)
		return error;
	error = pthread_create(&vm->thread, NULL, loop_thread, vm);
	if (error)
		return -error;
	vm->looping = true;
	while (!vm->mailbox->rounds && !__atomic_load_n(&vm->loop_error, __ATOMIC_ACQUIRE))
		sched_yield();
	return vm->loop_error ? vm_loop_stop(vm) : 0;
}

uint32_t vm_loop_rounds(const struct vm *vm)
{
	return vm->mailbox->rounds;
}

int vm_loop_stop(struct vm *vm)
{
	int error;

	if (!vm->looping)
		return -ENOENT;
	vm->mailbox->stop = 1;
	pthread_join(vm->thread, NULL);
	vm->looping = false;
	error = vm->loop_error;
	vm->loop_error = 0;
	return error;
}
