// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hot_pages.c - a QEMU plugin that counts accesses by page as QEMU's own example "hotpages" does: a lock and a
 * hash table
 *
 * What libvmheat-plugin.so is compared with. As there, each access is looked up in one table under one lock;
 * fetches and pages' ends are not looked at; and nothing can be read while the machine runs.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "qemu_api.h"

#define PAGE_SHIFT  12
#define TABLE_SHIFT 20 /* places; a machine has fewer pages here */

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
				      char **argv);

struct page_counter {
	uint64_t page; /* and 1 in the highest bit; 0: a free place */
	uint64_t reads, writes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct page_counter *table;

/* The counter of a page; linear probing. */
static struct page_counter *find_counter(uint64_t page)
{
	uint64_t key = page | UINT64_C(1) << 63;
	uint64_t place = page * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TABLE_SHIFT);

	while (table[place].page != 0 && table[place].page != key)
		place = (place + 1) % (1u << TABLE_SHIFT);
	table[place].page = key;
	return &table[place];
}

static void accessed(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	const struct qemu_plugin_hwaddr *address = qemu_plugin_get_hwaddr(info, vaddr);
	struct page_counter *counter;

	if (address == NULL || qemu_plugin_hwaddr_is_io(address))
		return;
	pthread_mutex_lock(&lock);
	counter = find_counter(qemu_plugin_hwaddr_phys_addr(address) >> PAGE_SHIFT);
	if (qemu_plugin_mem_is_store(info))
		counter->writes++;
	else
		counter->reads++;
	pthread_mutex_unlock(&lock);
}

static void translate(struct qemu_plugin_tb *block)
{
	size_t count = qemu_plugin_tb_n_insns(block);

	for (size_t i = 0; i < count; i++)
		qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(block, i), accessed,
						 QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
}

static const struct plugin_callbacks callbacks = { .translate = translate };

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	table = (struct page_counter *)calloc((size_t)1 << TABLE_SHIFT, sizeof(*table));
	if (table == NULL)
		return -1;
	plugin_init(id, info);
	plugin_register(&callbacks);
	return 0;
}
