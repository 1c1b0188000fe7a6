// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest.c - what the test VMM's guest runs
 *
 * Position-independent but for the mailbox, whose members it finds by the offsets that guest.h asserts.
 */
#include "guest.h"

#define STRING(x) #x
#define EXPAND(x) STRING(x)

/* One instruction a line. */
/* clang-format off */
__asm__(".pushsection .rodata\n"
	".globl guest_code, guest_code_size\n"
	".code32\n"
	"guest_code:\n"
	"	mov	$" EXPAND(GUEST_MAILBOX) ", %ebp\n"
	"again:\n"
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
	"	je	again\n"
	"done:\n"
	"	out	%al, $" EXPAND(GUEST_DONE_PORT) "\n"
	"	jmp	guest_code\n"
	".balign 4\n"
	"guest_code_size:\n"
	"	.long . - guest_code\n"
	".code64\n"
	".popsection\n");
/* clang-format on */
