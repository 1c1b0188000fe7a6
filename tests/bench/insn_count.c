// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * insn_count.c - a QEMU plugin that counts what each processor of the emulated machine executes, its guests'
 * instructions included
 *
 * Whenever the machine executes MARK_INSN, an 8-byte NOP that no compiler emits, a line is added to the file
 * that the plugin's argument "out" names: the counts so far of the first two virtual processors. Counting is by
 * translated block, as a block is entered: one that is left in the middle, by a fault, counts in full.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "insn_count.h"
#include "qemu_api.h"

#define MAX_VCPUS 2

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
				      char **argv);

/* Each virtual processor counts for itself, in a cache line of its own. */
static struct {
	_Alignas(64) uint64_t insns;
} counts[MAX_VCPUS];
static int out = -1;

static void block_entered(unsigned int vcpu, void *insns)
{
	if (vcpu < MAX_VCPUS)
		__atomic_store_n(&counts[vcpu].insns, counts[vcpu].insns + (uintptr_t)insns,
				 __ATOMIC_RELAXED);
}

static uint64_t count_of(unsigned int vcpu)
{
	return __atomic_load_n(&counts[vcpu].insns, __ATOMIC_RELAXED);
}

static void mark_executed(unsigned int vcpu, void *data)
{
	dprintf(out, "%llu\t%llu\n", (unsigned long long)count_of(0), (unsigned long long)count_of(1));
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	static const unsigned char mark[] = { MARK_INSN };
	unsigned char bytes[sizeof(mark)];

	return qemu_plugin_insn_size(insn) == sizeof(mark) &&
	       plugin_insn_bytes(insn, bytes, sizeof(bytes)) == sizeof(mark) &&
	       memcmp(bytes, mark, sizeof(mark)) == 0;
}

static void block_translated(struct qemu_plugin_tb *block)
{
	size_t count = qemu_plugin_tb_n_insns(block), i;

	qemu_plugin_register_vcpu_tb_exec_cb(block, block_entered, QEMU_PLUGIN_CB_NO_REGS, (void *)count);
	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);

		if (is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_executed, QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
	}
}

static const struct plugin_callbacks callbacks = { .translate = block_translated };

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", strlen("out=")) != 0)
		return -1;
	out = open(argv[0] + strlen("out="), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (out < 0)
		return -1;
	plugin_init(id, info);
	plugin_register(&callbacks);
	return 0;
}
