// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest_pages.c - the guest pages that virtual processors read, write and execute, see guest_pages.h
 *
 * Theory of operation
 *
 * Data: after an access QEMU looks its address up in the processor's TLB once more, for both pages if it
 * crosses. From QEMU 8.2 on what it finds is a guest-physical address. Before, qemu_plugin_hwaddr_phys_addr()
 * gives an offset among all RAM blocks, plus that of the block in its container, and with several memory
 * backends different pages may have the same one. But the record that it is computed from holds the host
 * address; that is taken instead, and looked up in QEMU's memory map. Which of the two a record holds is seen
 * from the first one: in the newer QEMU the number at its place is what phys_addr() returns, and no host
 * address is a guest-physical one of any machine.
 *
 * Instructions: QEMU gives the host address of the first byte of each. A callback is planted before the first
 * instruction in each page of a block, so a page counts only if one in it is about to run. The page that an
 * instruction ends on, if it is another, comes from the page tables, at the time of translation: QEMU runs a
 * block wherever the same guest-physical pages are mapped, at other virtual addresses than it was translated
 * at.
 */
#include "guest_pages.h"
#include <stdbool.h>
#include <string.h>
#include "machine_memory.h"

/* struct qemu_plugin_hwaddr of QEMU 7.2, as far as it concerns RAM. */
struct hwaddr_with_host {
	bool is_io;
	bool is_store;
	uint64_t host;
};

enum address_kind {
	ADDRESS_UNKNOWN,
	ADDRESS_GUEST,
	ADDRESS_HOST,
};

static const struct guest_page_recorder *recorder;
static enum address_kind data_addresses; /* the same for all records of one QEMU */

int guest_pages_start(const struct guest_page_recorder *new_recorder)
{
	recorder = new_recorder;
	return machine_memory_start();
}

static uint64_t host_in_record(const struct qemu_plugin_hwaddr *address)
{
	struct hwaddr_with_host record;

	memcpy(&record, address, sizeof(record));
	return record.host;
}

static enum address_kind address_kind(const struct qemu_plugin_hwaddr *address)
{
	enum address_kind kind = __atomic_load_n(&data_addresses, __ATOMIC_RELAXED);

	if (kind == ADDRESS_UNKNOWN) {
		kind = plugin_api() >= 2 || host_in_record(address) == qemu_plugin_hwaddr_phys_addr(address)
			       ? ADDRESS_GUEST
			       : ADDRESS_HOST;
		__atomic_store_n(&data_addresses, kind, __ATOMIC_RELAXED);
	}
	return kind;
}

/* Record the page with host address @host. */
static void record_host(unsigned int vcpu, uint64_t host)
{
	uint64_t gfn;

	if (machine_memory_find(host, &gfn))
		recorder->record(vcpu, gfn);
	else
		recorder->lost();
}

/* Record the page at @vaddr, which the processor has just accessed. */
static void record_data(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr)
{
	const struct qemu_plugin_hwaddr *address = qemu_plugin_get_hwaddr(info, vaddr);

	if (address == NULL) {
		recorder->lost();
		return;
	}
	/* First: of a device's address nothing else may be asked. */
	if (qemu_plugin_hwaddr_is_io(address))
		return;
	if (address_kind(address) == ADDRESS_HOST)
		record_host(vcpu, host_in_record(address));
	else
		recorder->record(vcpu, qemu_plugin_hwaddr_phys_addr(address) >> GUEST_PAGE_SHIFT);
}

static void data_accessed(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	uint64_t size = UINT64_C(1) << qemu_plugin_mem_size_shift(info);

	record_data(vcpu, info, vaddr);
	if (ends_on_next_page(vaddr, size))
		record_data(vcpu, info, vaddr + size - 1);
}

static void code_executed(unsigned int vcpu, void *host)
{
	record_host(vcpu, (uintptr_t)host);
}

static void code_end_executed(unsigned int vcpu, void *gfn)
{
	recorder->record(vcpu, (uintptr_t)gfn);
}

static void code_end_lost(unsigned int vcpu, void *data)
{
	recorder->lost();
}

/* Record the page that @insn ends on, @vaddr lying in it, whenever it runs. */
static void watch_end(struct qemu_plugin_insn *insn, uint64_t vaddr)
{
	uint64_t gfn;
	bool found = machine_memory_translate(vaddr, &gfn);

	qemu_plugin_register_vcpu_insn_exec_cb(insn, found ? code_end_executed : code_end_lost,
					       QEMU_PLUGIN_CB_NO_REGS, found ? (void *)(uintptr_t)gfn : NULL);
}

void guest_pages_watch(struct qemu_plugin_tb *block)
{
	size_t count = qemu_plugin_tb_n_insns(block);
	uint64_t page = ~UINT64_C(0); /* of the instruction before */

	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		uint64_t vaddr = qemu_plugin_insn_vaddr(insn);
		uint64_t size = qemu_plugin_insn_size(insn);
		void *host = qemu_plugin_insn_haddr(insn);

		if (vaddr >> GUEST_PAGE_SHIFT != page && host != NULL)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, code_executed, QEMU_PLUGIN_CB_NO_REGS,
							       host);
		page = vaddr >> GUEST_PAGE_SHIFT;
		if (ends_on_next_page(vaddr, size))
			watch_end(insn, vaddr + size - 1);
		qemu_plugin_register_vcpu_mem_cb(insn, data_accessed, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
	}
}
