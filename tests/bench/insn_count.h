/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * insn_count.h - how a program in the emulated machine asks insn_count.so to note the count of instructions
 */
#ifndef BENCH_INSN_COUNT_H
#define BENCH_INSN_COUNT_H

/** nopl 0x7468656d(%rax,%rax,1) */
#define MARK_INSN 0x0f, 0x1f, 0x84, 0x00, 0x6d, 0x65, 0x68, 0x74

/** MARK_ASM - the same for an asm statement */
#define MARK_ASM ".byte 0x0f, 0x1f, 0x84, 0x00, 0x6d, 0x65, 0x68, 0x74"

#endif /* BENCH_INSN_COUNT_H */
