/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle.h - how a program in an emulated VM host asks the plugin which pages a nested guest has touched
 *
 * The program executes ORACLE_BEGIN, lets the guest run, and executes ORACLE_END: 8-byte NOPs that no compiler
 * emits, so an interval begins and ends at an instruction. What was touched in between stands in the file that
 * the plugin's argument "out" names, until the next interval begins. Plugin and program share the file as it
 * is: struct oracle_map, then a bitmap of @pages bits for each enum oracle_set, bit n of word w being the
 * host-physical page 64 * w + n.
 */
#ifndef VMHEAT_ORACLE_H
#define VMHEAT_ORACLE_H

#include <stdint.h>

/** The bytes of the marks: nopl 0x6e696762(%rax,%rax,1), and with 0x64656e65 */
#define ORACLE_BEGIN_INSN 0x0f, 0x1f, 0x84, 0x00, 0x62, 0x67, 0x69, 0x6e
#define ORACLE_END_INSN	  0x0f, 0x1f, 0x84, 0x00, 0x65, 0x6e, 0x65, 0x64

/** The same for asm statements. */
#define ORACLE_BEGIN_ASM  ".byte 0x0f, 0x1f, 0x84, 0x00, 0x62, 0x67, 0x69, 0x6e"
#define ORACLE_END_ASM	  ".byte 0x0f, 0x1f, 0x84, 0x00, 0x65, 0x6e, 0x65, 0x64"

#define ORACLE_MAGIC	  0x656c6361726f6d76ULL /* "vmoracle" */
#define ORACLE_PAGE_SHIFT 12

/** enum oracle_set - by whom a page was touched */
enum oracle_set {
	ORACLE_GUEST, /* read, written, or instructions of it executed */
	ORACLE_HOST,  /* read or written by the host itself, by whatever virtual address */
	ORACLE_SETS,
};

/**
 * struct oracle_map - the beginning of the file; native byte order
 * @magic:     ORACLE_MAGIC
 * @pages:     how many host-physical pages, from 0 on, the bitmaps are about; a multiple of 64
 * @intervals: how many have ended
 * @recording: an interval is under way
 * @entries:   how often a guest was entered in the last interval (VMRUN)
 * @exits:     how often one was left
 * @elsewhere: accesses by a guest to pages beyond, or that are no memory
 */
struct oracle_map {
	uint64_t magic;
	uint64_t pages;
	uint64_t intervals;
	uint64_t recording;
	uint64_t entries;
	uint64_t exits;
	uint64_t elsewhere;
	uint64_t reserved;
};

/** oracle_map_words() - words of one bitmap. */
static inline uint64_t oracle_map_words(uint64_t pages)
{
	return pages / 64;
}

#endif /* VMHEAT_ORACLE_H */
