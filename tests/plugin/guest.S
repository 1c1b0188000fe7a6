/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest.S - the test guest (guest.h): a flat multiboot image that brings two processors into 64-bit mode
 */
#include "guest.h"

#define CR0_START (1 << 31 | 1 << 16 | 1 << 5 | 1 << 1 | 1) /* paging, WP, NE, MP, PE */
#define CR4_START (1 << 10 | 1 << 9 | 1 << 5)	/* SSE, PAE */
#define LAPIC_ICR 0xfee00300
#define ICR_INIT_OTHERS 0x000c4500
#define ICR_START_OTHERS (0x000c4600 | GUEST_TRAMPOLINE >> 12)

	.text
	.globl _start
_start:
	.code32
	jmp start

	.balign 4
header:
	.long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
	.long header, _start, image_end, image_end, start

start:
	cld
	movl $trampoline, %esi
	movl $GUEST_TRAMPOLINE, %edi
	movl $trampoline_end - trampoline, %ecx
	rep movsb
	xorl %ebp, %ebp				/* the processor's number */
	lgdt gdt_pointer
	ljmp $8, $enter_long

/* Both processors, in protected mode. */
enter_long:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $CR4_START, %eax
	movl %eax, %cr4
	movl $GUEST_TABLES, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx			/* EFER */
	rdmsr
	orl $0x100, %eax			/* LME */
	wrmsr
	movl $CR0_START, %eax
	movl %eax, %cr0
	ljmp $24, $long_mode

	.code64
long_mode:
	movl %ebp, %eax
	shll $12, %eax
	leal GUEST_MAILBOX(%rax), %ebx
	leal GUEST_CODE(%rax), %edx
	leal 4096(%rbx), %esp
	movl $loop, %esi
	movl %edx, %edi
	movl $loop_end - loop, %ecx
	rep movsb
	testl %ebp, %ebp
	jnz 1f
	/* The first one starts the others. */
	movl $LAPIC_ICR, %edi
	movl $ICR_INIT_OTHERS, (%rdi)
	movl $1000000, %ecx
0:	pause
	loop 0b
	movl $ICR_START_OTHERS, (%rdi)
1:	jmp *%rdx

/*
 * What the code pages hold. %rbx is the mailbox. Waiting writes to its own code, so there is always something
 * to translate.
 */
loop:
	movb $0x90, 0f(%rip)
0:	nop
	pause
	movq MAILBOX_GO(%rbx), %rax
	cmpq MAILBOX_DONE(%rbx), %rax
	je loop
	movq %rax, %r9
	movq %cr3, %rcx				/* the window may have changed */
	movq %rcx, %cr3
	leaq MAILBOX_COMMANDS(%rbx), %r8
next:
	movq (%r8), %rcx
	movq 8(%r8), %rdi
	addq $16, %r8
	cmpl $COMMAND_READ, %ecx
	jne 1f
	movq (%rdi), %rdx
	jmp next
1:	cmpl $COMMAND_WRITE, %ecx
	jne 1f
	movq %rdx, (%rdi)
	jmp next
1:	cmpl $COMMAND_CALL, %ecx
	jne 1f
	call *%rdi
	jmp next
1:	cmpl $COMMAND_ADD, %ecx
	jne 1f
	lock addq $0, (%rdi)
	jmp next
1:	cmpl $COMMAND_READ_16, %ecx
	jne 1f
	movups (%rdi), %xmm0
	jmp next
1:	cmpl $COMMAND_WRITE_16, %ecx
	jne 1f
	movups (%rdi), %xmm0
	movups %xmm0, (%rdi)
	jmp next
1:	cmpl $COMMAND_JUMP, %ecx
	jne 1f
	leaq next(%rip), %rdx
	jmp *%rdi
1:	cmpl $COMMAND_STRING, %ecx
	jne 1f
	movq %rdi, %rsi
	movl $32, %ecx
	rep lodsb
	jmp next
1:	movq %r9, MAILBOX_DONE(%rbx)
	jmp loop
loop_end:

/* The second processor begins here, in real mode, at GUEST_TRAMPOLINE. */
	.code16
trampoline:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl GUEST_TRAMPOLINE + trampoline_gdt_pointer - trampoline
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $8, $GUEST_TRAMPOLINE + 1f - trampoline
	.code32
1:	movl $1, %ebp
	movl $enter_long, %eax
	jmp *%eax
	.balign 4
trampoline_gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff		/* 8: 32-bit code */
	.quad 0x00cf93000000ffff		/* 16: data */
	.quad 0x00af9b000000ffff		/* 24: 64-bit code */
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
image_end:
