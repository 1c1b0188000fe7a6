// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcpu_state.c - the state in which a vCPU begins, so that it touches memory by the way of its kind
 *
 * The guest and the guest's guest are in 32-bit protected mode, without paging, but for a guest that shall have
 * page tables to write to. What runs the guest's guest is a hypervisor in 64-bit mode, with paging as that mode
 * demands. It maps 4 GiB of guest-physical memory to themselves, and where its guest has nested paging it lends
 * it the same tables. What the nested guest writes to a port goes straight to the VMM: its vCPU is within it
 * whenever it is not running.
 *
 * The vCPU for System Management Mode waits for SMIs in the state of an ordinary guest.
 *
 * Interrupts are enabled although none are ever sent: Bochs keeps the host's own interrupts back from a host
 * whose guest has disabled them, so a loop would never be preempted.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "vcpu_state.h"

#define TABLE_ENTRIES	    512
#define TABLE_SIZE	    4096UL
#define ENTRY_TABLE	    0x7ULL  /* present, writable, user: nested tables must say user */
#define ENTRY_LEAF	    0x87ULL /* the same, and a leaf of 2 MiB */

#define CR0_PE		    (1ULL << 0)
#define CR0_PG		    (1ULL << 31)
#define CR4_PSE		    (1ULL << 4)
#define CR4_PAE		    (1ULL << 5)
#define EFER_LME	    (1ULL << 8)
#define EFER_LMA	    (1ULL << 10)
#define EFER_SVM	    (1ULL << 12)

#define MSR_VM_HSAVE_PA	    0xc0010117

#define CPUID_SVM	    0x80000001 /* bit 2 of its ecx: the processor has SVM */
#define CPUID_ECX_SVM	    (1U << 2)
#define CPUID_SUPPORTED_MAX 256

/* Parts of the control area of a VMCB, as the AMD64 Architecture Programmer's Manual has them in appendix B. */
#define VMCB_INTERCEPT_SHUTDOWN (1U << 31) /* in intercepts[3] */
#define VMCB_INTERCEPT_VMRUN	(1U << 0)  /* in intercepts[4] */
#define VMCB_NESTED_PAGING	1

struct vmcb_segment {
	uint16_t selector;
	uint16_t attributes;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint32_t intercepts[6];
	uint8_t reserved_18[0x58 - 0x18];
	uint32_t asid;
	uint8_t reserved_5c[0x90 - 0x5c];
	uint64_t nested_paging;
	uint8_t reserved_98[0xb0 - 0x98];
	uint64_t nested_cr3;
	uint8_t reserved_b8[0x400 - 0xb8];
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t reserved_4a0[0x4d0 - 0x4a0];
	uint64_t efer;
	uint8_t reserved_4d8[0x558 - 0x4d8];
	uint64_t cr0, dr7, dr6, rflags, rip;
	uint8_t reserved_580[0x5d8 - 0x580];
	uint64_t rsp;
};

_Static_assert(offsetof(struct vmcb, tr) == 0x490, "as the processor has it");
_Static_assert(offsetof(struct vmcb, cr0) == 0x558, "as the processor has it");
_Static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "as the processor has it");

#define RFLAGS 0x202 /* interrupts enabled, and the bit that is always set */

static uint64_t code_address(const char *label)
{
	return GUEST_CODE + (uint64_t)(label - guest_code);
}

enum cpu_mode {
	MODE_PROTECTED, /* 32-bit protected mode, flat segments, no paging */
	MODE_PAGING,	/* the same with 32-bit paging */
	MODE_64BIT,
};

static int set_special_registers(int vcpu, enum cpu_mode mode)
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
	struct kvm_sregs special;

	code.selector = 8;
	code.type = 11;
	code.l = mode == MODE_64BIT;
	code.db = mode != MODE_64BIT;
	if (ioctl(vcpu, KVM_GET_SREGS, &special))
		return -errno;
	special.cs = code;
	special.ds = special.es = special.fs = special.gs = special.ss = data;
	special.cr0 |= CR0_PE;
	if (mode == MODE_PAGING) {
		special.cr0 |= CR0_PG;
		special.cr3 = GUEST_DIRECTORY;
		special.cr4 |= CR4_PSE;
	} else if (mode == MODE_64BIT) {
		special.cr0 |= CR0_PG;
		special.cr3 = GUEST_TABLES;
		special.cr4 |= CR4_PAE;
		special.efer |= EFER_LME | EFER_LMA | EFER_SVM;
	}
	return ioctl(vcpu, KVM_SET_SREGS, &special) ? -errno : 0;
}

static int set_registers(int vcpu, enum vcpu_kind kind, const char *label)
{
	struct kvm_regs registers = {
		.rip = code_address(label),
		.rsp = GUEST_VCPU(kind, GUEST_STACK),
		.rbp = GUEST_VCPU(kind, GUEST_MAILBOX),
		.rax = GUEST_VCPU(kind, GUEST_VMCB),
		.rflags = RFLAGS,
	};

	return ioctl(vcpu, KVM_SET_REGS, &registers) ? -errno : 0;
}

/* Page tables for 64-bit mode that map the first 4 GiB to themselves. */
static void fill_tables(uint8_t *control)
{
	uint64_t *table = (uint64_t *)(control + GUEST_TABLES);
	unsigned int i;

	table[0] = (GUEST_TABLES + TABLE_SIZE) | ENTRY_TABLE;
	for (i = 0; i < GUEST_TABLE_COUNT - 2; i++)
		table[TABLE_ENTRIES + i] = (GUEST_TABLES + (2 + i) * TABLE_SIZE) | ENTRY_TABLE;
	for (i = 0; i < (GUEST_TABLE_COUNT - 2) * TABLE_ENTRIES; i++)
		table[2 * TABLE_ENTRIES + i] = (uint64_t)i << 21 | ENTRY_LEAF;
}

/* Page tables for 32-bit paging that map 4 GiB to themselves. */
static void fill_directory(uint8_t *control)
{
	uint32_t *directory = (uint32_t *)(control + GUEST_DIRECTORY);
	uint32_t *pages = directory + GUEST_DIRECTORY_ENTRIES;
	uint32_t i;

	for (i = 0; i < GUEST_DIRECTORY_ENTRIES; i++)
		directory[i] = i << 22 | ENTRY_LEAF;
	for (i = 0; i < GUEST_DIRECTORY_TABLES; i++)
		directory[(GUEST_PLACE_0 >> 22) + i] = (GUEST_DIRECTORY + (1 + i) * TABLE_SIZE) | ENTRY_TABLE;
	for (i = 0; i < GUEST_DIRECTORY_TABLES * GUEST_DIRECTORY_ENTRIES; i++)
		pages[i] = (GUEST_PLACE_0 + i * TABLE_SIZE) | ENTRY_TABLE;
}

/* The nested guest: it begins like a guest, in the part of its vCPU. */
static void fill_vmcb(struct vmcb *vmcb, enum vcpu_kind kind)
{
	const struct vmcb_segment data = { .selector = 0x10, .attributes = 0xc93, .limit = 0xffffffff };
	const struct vmcb_segment code = { .selector = 8, .attributes = 0xc9b, .limit = 0xffffffff };

	memset(vmcb, 0, sizeof(*vmcb));
	vmcb->intercepts[3] = VMCB_INTERCEPT_SHUTDOWN;
	vmcb->intercepts[4] = VMCB_INTERCEPT_VMRUN;
	vmcb->asid = 1;
	if (kind == VCPU_NESTED_PAGING) {
		vmcb->nested_paging = VMCB_NESTED_PAGING;
		vmcb->nested_cr3 = GUEST_TABLES;
	}
	vmcb->cs = code;
	vmcb->ds = vmcb->es = vmcb->fs = vmcb->gs = vmcb->ss = data;
	vmcb->efer = EFER_SVM;
	vmcb->cr0 = CR0_PE | 0x10;
	vmcb->dr7 = 0x400;
	vmcb->dr6 = 0xffff0ff0;
	vmcb->rflags = RFLAGS;
	vmcb->rip = code_address(guest_main);
	vmcb->rsp = GUEST_VCPU(kind, GUEST_STACK);
}

/* Give the vCPU all features that it can have, which must include SVM. */
static int set_cpuid(int kvm, int vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_SUPPORTED_MAX * sizeof(struct kvm_cpuid_entry2));
	int error = cpuid ? -EOPNOTSUPP : -ENOMEM;
	uint32_t i;

	if (!cpuid)
		return error;
	cpuid->nent = CPUID_SUPPORTED_MAX;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid))
		error = -errno;
	for (i = 0; i < cpuid->nent && error == -EOPNOTSUPP; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == CPUID_SVM && (entry->ecx & CPUID_ECX_SVM))
			error = ioctl(vcpu, KVM_SET_CPUID2, cpuid) ? -errno : 0;
	}
	free(cpuid);
	return error;
}

static int set_host_state(int vcpu, enum vcpu_kind kind)
{
	struct {
		struct kvm_msrs msrs;
		struct kvm_msr_entry entry;
	} one = {
		.msrs = { .nmsrs = 1 },
		.entry = { .index = MSR_VM_HSAVE_PA, .data = GUEST_VCPU(kind, GUEST_HOST_STATE) },
	};

	return ioctl(vcpu, KVM_SET_MSRS, &one) == 1 ? 0 : -EOPNOTSUPP;
}

static int set_hypervisor(enum vcpu_kind kind, int kvm, int vcpu, uint8_t *control)
{
	int error = set_cpuid(kvm, vcpu);

	if (!error)
		error = set_special_registers(vcpu, MODE_64BIT);
	if (!error)
		error = set_host_state(vcpu, kind);
	if (error)
		return error;
	fill_tables(control);
	fill_vmcb((struct vmcb *)(control + GUEST_VCPU(kind, GUEST_VMCB)), kind);
	return set_registers(vcpu, kind, guest_hypervisor);
}

static int set_guest(enum vcpu_kind kind, int vcpu, enum cpu_mode mode, const char *label)
{
	int error = set_special_registers(vcpu, mode);

	return error ? error : set_registers(vcpu, kind, label);
}

int vcpu_state_set(enum vcpu_kind kind, int kvm, int vcpu, uint8_t *control)
{
	switch (kind) {
	case VCPU_NESTED:
	case VCPU_NESTED_PAGING:
		return set_hypervisor(kind, kvm, vcpu, control);
	case VCPU_SMM:
		memcpy(control + GUEST_SMBASE + GUEST_SMM_ENTRY, guest_smm, guest_smm_size);
		return set_guest(kind, vcpu, MODE_PROTECTED, guest_wait);
	case VCPU_PAGING:
		fill_directory(control);
		return set_guest(kind, vcpu, MODE_PAGING, guest_paging);
	default:
		return set_guest(kind, vcpu, MODE_PROTECTED, guest_main);
	}
}
