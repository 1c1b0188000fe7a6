// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcpu.c - a vCPU that touches the pages it is told to
 */
#include <errno.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "memory.h"
#include "vcpu.h"
#include "vcpu_state.h"

static int map_run(struct vcpu *vcpu, int kvm)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < 0)
		return -errno;
	vcpu->run_size = size;
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return -errno;
	}
	return 0;
}

int vcpu_new(struct vcpu *vcpu, enum vcpu_kind kind, int kvm, int vm, unsigned int id, uint8_t *control)
{
	int error;

	*vcpu = (struct vcpu){ .kind = kind, .fd = ioctl(vm, KVM_CREATE_VCPU, (unsigned long)id) };
	if (vcpu->fd < 0)
		return -errno;
	vcpu->mailbox = (volatile struct guest_mailbox *)(control + GUEST_VCPU((size_t)kind, GUEST_MAILBOX));
	error = map_run(vcpu, kvm);
	if (!error)
		error = vcpu_state_set(kind, kvm, vcpu->fd, control);
	if (error)
		vcpu_free(vcpu);
	return error;
}

void vcpu_free(struct vcpu *vcpu)
{
	if (vcpu->looping)
		vcpu_loop_stop(vcpu);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	*vcpu = (struct vcpu){ .fd = -1 };
}

static int post_order(struct vcpu *vcpu, const struct touches *touches, bool loop)
{
	volatile struct guest_mailbox *mailbox = vcpu->mailbox;
	uint32_t i;

	if (vcpu->looping)
		return -EBUSY;
	if (touches->count > GUEST_MAX_TOUCHES)
		return -E2BIG;
	for (i = 0; i < touches->count; i++)
		mailbox->address[i] = touches->gpa + touches->pages[i] * VM_PAGE_SIZE;
	mailbox->mode = touches->mode;
	mailbox->count = touches->count;
	mailbox->loop = loop;
	mailbox->stop = 0;
	mailbox->rounds = 0;
	/* Once it has left System Management Mode after the last order, this makes it enter it again. */
	if (vcpu->kind == VCPU_SMM && ioctl(vcpu->fd, KVM_SMI, 0))
		return -errno;
	return 0;
}

/* To stderr, since nobody can tell from the outside why a guest could not go on. */
static void tell_exit(const struct kvm_run *run)
{
	fprintf(stderr, "vmm: the guest left with exit reason %u", run->exit_reason);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		fprintf(stderr, ", suberror %u", run->internal.suberror);
	if (run->exit_reason == KVM_EXIT_MMIO)
		fprintf(stderr, ", for physical address %#llx", (unsigned long long)run->mmio.phys_addr);
	fputc('\n', stderr);
}

/* Run the guest until its order is done. Any other exit is an error: the guest has no devices. */
static int run_order(struct vcpu *vcpu)
{
	while (ioctl(vcpu->fd, KVM_RUN, 0)) {
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	if (vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == GUEST_DONE_PORT)
		return 0;
	tell_exit(vcpu->run);
	return -EFAULT;
}

int vcpu_touch(struct vcpu *vcpu, const struct touches *touches)
{
	int error = post_order(vcpu, touches, false);

	return error ? error : run_order(vcpu);
}

static void *loop_thread(void *argument)
{
	struct vcpu *vcpu = argument;

	vcpu->loop_error = run_order(vcpu);
	return NULL;
}

int vcpu_loop_start(struct vcpu *vcpu, const struct touches *touches)
{
	int error = post_order(vcpu, touches, true);

	if (error)
		return error;
	error = pthread_create(&vcpu->thread, NULL, loop_thread, vcpu);
	if (error)
		return -error;
	vcpu->looping = true;
	while (!vcpu->mailbox->rounds && !__atomic_load_n(&vcpu->loop_error, __ATOMIC_ACQUIRE))
		sched_yield();
	return vcpu->loop_error ? vcpu_loop_stop(vcpu) : 0;
}

uint32_t vcpu_loop_rounds(const struct vcpu *vcpu)
{
	return vcpu->mailbox->rounds;
}

int vcpu_loop_stop(struct vcpu *vcpu)
{
	int error;

	if (!vcpu->looping)
		return -ENOENT;
	vcpu->mailbox->stop = 1;
	pthread_join(vcpu->thread, NULL);
	vcpu->looping = false;
	error = vcpu->loop_error;
	vcpu->loop_error = 0;
	return error;
}
