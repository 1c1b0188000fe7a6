/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu_api.h - QEMU's plugin interface, as far as it is used here, the same for all versions of it
 *
 * Debian packages no header for plugins, and no version of the interface fits every QEMU: 1 (QEMU 7.2), 2 to 5
 * (9.0 to 10.2) and 7 (11.1) exclude one another. So the functions that never changed are declared here under
 * their own names; those that did are behind plugin_...() functions, and their callbacks look the same whatever
 * the QEMU. Which version this plugin says that it is for is decided when QEMU loads it (qemu_api.c). The
 * source of all facts is QEMU's own header, include/qemu/qemu-plugin.h up to 10.2 and
 * include/plugins/qemu-plugin.h in 11.1.
 */
#ifndef QEMU_PLUGIN_QEMU_API_H
#define QEMU_PLUGIN_QEMU_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What QEMU looks up by name; everything else stays hidden. */
#define PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
};

enum qemu_plugin_mem_rw {
	QEMU_PLUGIN_MEM_R = 1,
	QEMU_PLUGIN_MEM_W,
	QEMU_PLUGIN_MEM_RW,
};

/** What QEMU tells at the start. */
struct qemu_info_t {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
};

typedef void (*qemu_plugin_exec_cb_t)(unsigned int vcpu, void *data);
typedef void (*qemu_plugin_mem_cb_t)(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
				     void *data);

/* The same in all versions. */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, qemu_plugin_exec_cb_t callback,
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qemu_plugin_exec_cb_t callback,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_mem_cb_t callback,
				      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
				      void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
/* A host address, whatever QEMU's header says; NULL if the instruction lies in no RAM. */
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
/* In a memory callback, about its access. NULL, or in QEMU 7.2 any device's address, if the TLB has none. */
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);

/**
 * plugin_init() - keep what the rest of this file needs; first of all in qemu_plugin_install()
 * @id:   the plugin's
 * @info: as given to qemu_plugin_install()
 */
void plugin_init(qemu_plugin_id_t id, const struct qemu_info_t *info);

/**
 * Callbacks. There is one plugin and one registration of each kind: a second one takes the place of the first.
 */
struct plugin_callbacks {
	void (*translate)(struct qemu_plugin_tb *block);
	void (*vcpu_idle)(unsigned int vcpu);
	void (*vcpu_resume)(unsigned int vcpu);
	void (*exit)(void); /* virtual processors may still run */
};

/** plugin_register() - have QEMU call those of @callbacks that are not NULL; it stays where it is. */
void plugin_register(const struct plugin_callbacks *callbacks);

/**
 * plugin_reset() - forget all translations, callbacks with them, then register again
 * @done: called when nothing is registered any more; it calls plugin_register()
 *
 * Only from a callback of a virtual processor: QEMU stops the others for it, which takes effect some time
 * later. Until
 * @done is called callbacks go on to come.
 */
void plugin_reset(void (*done)(void));

/**
 * plugin_insn_bytes() - copy up to @size bytes of an instruction, in a translate callback.
 *
 * Return: how many.
 */
size_t plugin_insn_bytes(const struct qemu_plugin_insn *insn, void *bytes, size_t size);

/** plugin_api() - the version of the interface that this QEMU speaks. */
int plugin_api(void);

#endif /* QEMU_PLUGIN_QEMU_API_H */
