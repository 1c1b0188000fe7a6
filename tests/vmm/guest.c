// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest.c - what the test VMM's guest runs
 *
 * The same code touches pages whoever calls it: a guest, a guest's guest, or System Management Mode. It finds
 * the mailbox by ebp, and its members by the offsets that guest.h asserts.
 */
#include "guest.h"

#define STRING(x) #x
#define EXPAND(x) STRING(x)

/* One instruction a line. */
/* clang-format off */
__asm__(".pushsection .rodata\n"
	".globl guest_code, guest_code_size, guest_main, guest_paging, guest_hypervisor, guest_wait\n"
	".globl guest_smm, guest_smm_size\n"
	"guest_code:\n"
	".code32\n"
	"guest_main:\n"
	"	call	touch_pages\n"
	"	out	%al, $" EXPAND(GUEST_DONE_PORT) "\n"
	"	jmp	guest_main\n"

	"guest_paging:\n"
	"	call	touch_pages\n"
	"	mov	$" EXPAND(GUEST_DIRECTORY) " + 4096, %esi\n"
	"	mov	$" EXPAND(GUEST_DIRECTORY_TABLES) " * " EXPAND(GUEST_DIRECTORY_ENTRIES) ", %ecx\n"
	"rewrite:\n"
	"	xorl	$0x200, (%esi)\n"		/* a bit that is the software's */
	"	add	$4, %esi\n"
	"	loop	rewrite\n"
	"	mov	%cr3, %eax\n"
	"	mov	%eax, %cr3\n"
	"	out	%al, $" EXPAND(GUEST_DONE_PORT) "\n"
	"	jmp	guest_paging\n"

	"touch_pages:\n"
	"	xor	%edi, %edi\n"
	"next:\n"
	"	cmp	4(%ebp), %edi\n"		/* count */
	"	jae	all_touched\n"
	"	mov	20(%ebp, %edi, 4), %esi\n"	/* address[edi] */
	"	cmpl	$1, 0(%ebp)\n"			/* mode */
	"	je	write\n"
	"	ja	execute\n"
	"	movb	(%esi), %al\n"
	"	jmp	touched\n"
	"write:\n"
	"	movb	$0xc3, (%esi)\n"		/* ret */
	"	jmp	touched\n"
	"execute:\n"
	"	call	*%esi\n"
	"touched:\n"
	"	inc	%edi\n"
	"	jmp	next\n"
	"all_touched:\n"
	"	incl	16(%ebp)\n"			/* rounds */
	"	cmpl	$0, 8(%ebp)\n"			/* loop */
	"	je	done\n"
	"	cmpl	$0, 12(%ebp)\n"			/* stop */
	"	je	touch_pages\n"
	"done:\n"
	"	ret\n"

	"guest_wait:\n"
	"	pause\n"
	"	jmp	guest_wait\n"

	".code64\n"
	"guest_hypervisor:\n"
	"	vmrun	%rax\n"
	"	out	%al, $" EXPAND(GUEST_LOST_PORT) "\n"
	"	jmp	guest_hypervisor\n"
	".balign 4\n"
	"guest_code_size:\n"
	"	.long . - guest_code\n"

	/* System Management Mode begins in real mode, with the code segment at SMBASE. */
	".code16\n"
	"guest_smm:\n"
	"	lgdtl	%cs:" EXPAND(GUEST_SMM_ENTRY) " + gdt_pointer - guest_smm\n"
	"	mov	%cr0, %eax\n"
	"	or	$1, %eax\n"
	"	mov	%eax, %cr0\n"
	"	ljmpl	$8, $" EXPAND(GUEST_SMBASE) " + " EXPAND(GUEST_SMM_ENTRY) " + protected - guest_smm\n"
	".code32\n"
	"protected:\n"
	"	mov	$16, %eax\n"
	"	mov	%eax, %ds\n"
	"	mov	%eax, %es\n"
	"	mov	%eax, %ss\n"
	"	mov	$" EXPAND(GUEST_VCPU(GUEST_SMM_VCPU, GUEST_STACK)) ", %esp\n"
	"	mov	$" EXPAND(GUEST_VCPU(GUEST_SMM_VCPU, GUEST_MAILBOX)) ", %ebp\n"
	"	mov	$" EXPAND(GUEST_CODE) " + touch_pages - guest_code, %eax\n"
	"	call	*%eax\n"
	"	out	%al, $" EXPAND(GUEST_DONE_PORT) "\n"
	"	rsm\n"
	".balign 8\n"
	"gdt:\n"
	"	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n" /* flat code and data */
	"gdt_pointer:\n"
	"	.word . - gdt - 1\n"
	"	.long " EXPAND(GUEST_SMBASE) " + " EXPAND(GUEST_SMM_ENTRY) " + gdt - guest_smm\n"
	".balign 4\n"
	"guest_smm_size:\n"
	"	.long . - guest_smm\n"
	".code64\n"
	".popsection\n");
/* clang-format on */
