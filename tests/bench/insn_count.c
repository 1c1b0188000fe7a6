// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * insn_count.c - a QEMU plugin that counts what each processor of the emulated machine executes, its guests' instructions included
 *
 * Whenever the machine executes MARK_INSN, an 8-byte NOP that no compiler emits, a line is added to the file that
 * the plugin's argument "out" names: the counts so far of the first two virtual processors. Counting is by translated block, as a block is
 * entered: one that is left in the middle, by a fault, counts in full.
 *
 * QEMU's Debian packages have no header for plugins. What is declared here is as in the interface of QEMU 7.2,
 * version 1.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "insn_count.h"

#define EXPORT	  __attribute__((visibility("default")))
#define MAX_VCPUS 2

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
typedef uint64_t qemu_plugin_id_t;
typedef void (*translate_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*execute_callback)(unsigned int vcpu, void *data);
enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
};

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translate_callback callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, execute_callback callback,
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, execute_callback callback,
					    enum qemu_plugin_cb_flags flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv);

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

	return qemu_plugin_insn_size(insn) == sizeof(mark) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark));
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
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

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", strlen("out=")) != 0)
		return -1;
	out = open(argv[0] + strlen("out="), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (out < 0)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	return 0;
}
