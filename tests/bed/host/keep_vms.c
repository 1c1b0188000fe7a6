// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keep_vms.c - keeps two VMs that do nothing until it is killed
 *
 * KVM patches the kernel's text when its first VM comes and when its last one goes, likewise for vCPUs without an
 * interrupt controller, and for those whose interrupt controller is not enabled (static keys kvm_has_noapic_vcpu and
 * apic_sw_disabled, arch/x86/kvm/lapic.c; preempt_notifier_key, kernel/sched/core.c). Emulated processors that run in
 * parallel sometimes go astray in text that is being patched. With these two VMs there is one of each kind all the time,
 * so nothing is patched when a job's VMs come and go.
 *
 * Says so on stdout as soon as they are there. Exit code 1: they cannot be made.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool make_vm(int kvm, bool interrupt_controller)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	return vm >= 0 && (!interrupt_controller || !ioctl(vm, KVM_CREATE_IRQCHIP, 0)) &&
	       ioctl(vm, KVM_CREATE_VCPU, 0) >= 0;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0 || !make_vm(kvm, false) || !make_vm(kvm, true)) {
		perror("keep_vms: KVM");
		return 1;
	}
	puts("kept");
	fflush(stdout);
	for (;;)
		pause();
}
