// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * oracle.c - which pages a nested guest touches, apart from what its emulated host does
 *
 * Theory of operation
 * -------------------
 * The emulated machine is itself a VM host: it enters guests by VMRUN. QEMU tells of each access by virtual
 * processor, with the physical address that it ended at in the emulated host's memory, whoever made it. There
 * is no interface that tells the guest's from the host's, so instructions do: a processor is in its guest from
 * VMRUN on, until it executes the instruction that follows that VMRUN in memory, for that is where every exit
 * leads. Both are recognised by their bytes when they are translated. VMRUN of a guest that is itself a host is
 * intercepted, and the exit leads to the same place, so a processor remembers by which VMRUN it entered.
 *
 * What is recorded is exactly what instructions touch. What the processor does besides, QEMU tells of as little
 * as of devices: reading page tables, pushing onto a stack and reading descriptors when an exception is
 * delivered. On the other hand VMRUN's own reads and writes of its control block and of the host's state count
 * as the guest's; they are pages of the host that no guest maps.
 *
 * Instruction fetches are recorded block by block of translated code, as a block is entered. The host address
 * that QEMU gives for an instruction leads to its page. An instruction that lies across two pages counts for
 * the first only: the second may be anywhere in memory.
 *
 * Sets are bitmaps in the shared file, written by all processors at once. Outside of intervals nothing is
 * recorded, which is also much cheaper.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "machine_memory.h"
#include "oracle.h"
#include "plugin_use.h"

#define MAX_VCPUS  16
#define MAX_VMRUNS 64
#define VMRUN_SIZE 3
#define NO_PAGE	   UINT64_MAX

/* A virtual processor. @returns_to: where its guest's exits lead, while it is in the guest; else NULL */
struct processor {
	_Alignas(64) const unsigned char *returns_to;
};

static struct processor processors[MAX_VCPUS];
static struct oracle_map *map;
static uint64_t *sets[ORACLE_SETS];
static const char *path; /* of the shared file */

/* The instructions behind each VMRUN that was translated. */
static pthread_mutex_t vmruns_lock = PTHREAD_MUTEX_INITIALIZER;
static const unsigned char *after_vmrun[MAX_VMRUNS];
static unsigned int vmruns;

__attribute__((noreturn)) static void die(const char *what)
{
	plugin_complain("oracle: %s", what);
	abort();
}

static struct processor *processor(unsigned int index)
{
	if (index >= MAX_VCPUS)
		die("too many processors");
	return &processors[index];
}

static bool recording(void)
{
	return __atomic_load_n(&map->recording, __ATOMIC_ACQUIRE);
}

static void add_page(enum oracle_set set, uint64_t page)
{
	uint64_t *word, bit = 1ULL << page % 64;

	if (page >= map->pages) {
		if (set != ORACLE_HOST)
			__atomic_fetch_add(&map->elsewhere, 1, __ATOMIC_RELAXED);
		return;
	}
	word = &sets[set][page / 64];
	if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
		__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
}

static void add_access(enum oracle_set set, qemu_plugin_meminfo_t access, uint64_t address)
{
	struct qemu_plugin_hwaddr *physical = qemu_plugin_get_hwaddr(access, address);

	if (!physical || qemu_plugin_hwaddr_is_io(physical))
		add_page(set, NO_PAGE);
	else
		add_page(set, qemu_plugin_hwaddr_phys_addr(physical) >> ORACLE_PAGE_SHIFT);
}

static void memory_accessed(unsigned int vcpu, qemu_plugin_meminfo_t access, uint64_t address, void *data)
{
	uint64_t last = address + (1ULL << qemu_plugin_mem_size_shift(access)) - 1;
	enum oracle_set set = ORACLE_HOST;

	if (!recording())
		return;
	if (processor(vcpu)->returns_to)
		set = ORACLE_GUEST;
	add_access(set, access, address);
	if ((address ^ last) >> ORACLE_PAGE_SHIFT)
		add_access(set, access, last);
}

static void code_entered(unsigned int vcpu, void *page)
{
	if (recording() && processor(vcpu)->returns_to)
		add_page(ORACLE_GUEST, (uintptr_t)page);
}

static void guest_entered(unsigned int vcpu, void *returns_to)
{
	struct processor *this = processor(vcpu);

	/* A guest's own VMRUN is intercepted. */
	if (this->returns_to)
		return;
	this->returns_to = returns_to;
	if (recording())
		__atomic_fetch_add(&map->entries, 1, __ATOMIC_RELAXED);
}

static void guest_left(unsigned int vcpu, void *here)
{
	struct processor *this = processor(vcpu);

	if (this->returns_to != here)
		return;
	this->returns_to = NULL;
	if (recording())
		__atomic_fetch_add(&map->exits, 1, __ATOMIC_RELAXED);
}

static void interval_begun(unsigned int vcpu, void *data)
{
	__atomic_store_n(&map->recording, 0, __ATOMIC_SEQ_CST);
	memset(sets[0], 0, ORACLE_SETS * oracle_map_words(map->pages) * sizeof(*sets[0]));
	map->entries = map->exits = map->elsewhere = 0;
	__atomic_store_n(&map->recording, 1, __ATOMIC_SEQ_CST);
}

static void interval_ended(unsigned int vcpu, void *data)
{
	__atomic_store_n(&map->recording, 0, __ATOMIC_SEQ_CST);
	map->intervals++;
}

static bool insn_is(const struct qemu_plugin_insn *insn, const unsigned char *bytes, size_t size)
{
	unsigned char found[8];

	return qemu_plugin_insn_size(insn) == size && plugin_insn_bytes(insn, found, sizeof(found)) == size &&
	       !memcmp(found, bytes, size);
}

static void note_vmrun(const unsigned char *after)
{
	unsigned int i;

	pthread_mutex_lock(&vmruns_lock);
	for (i = 0; i < vmruns && after_vmrun[i] != after; i++)
		;
	if (i == MAX_VMRUNS)
		die("too many VMRUN instructions");
	after_vmrun[i] = after;
	if (i == vmruns)
		vmruns++;
	pthread_mutex_unlock(&vmruns_lock);
}

static bool follows_vmrun(const unsigned char *at)
{
	bool found = false;
	unsigned int i;

	pthread_mutex_lock(&vmruns_lock);
	for (i = 0; i < vmruns; i++)
		found = found || after_vmrun[i] == at;
	pthread_mutex_unlock(&vmruns_lock);
	return found;
}

static void when_executed(struct qemu_plugin_insn *insn, qemu_plugin_exec_cb_t callback, const void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS, (void *)data);
}

/*
 * Plant the callbacks of one instruction, in the order in which QEMU is to call them.
 * @page: that is recorded for it; NO_PAGE: none
 *
 * Its fetch is recorded when no guest that it leaves is under way any more, and none that it enters is yet.
 */
static void watch_insn(struct qemu_plugin_insn *insn, uint64_t page)
{
	static const unsigned char vmrun[VMRUN_SIZE] = { 0x0f, 0x01, 0xd8 };
	static const unsigned char begin[] = { ORACLE_BEGIN_INSN }, end[] = { ORACLE_END_INSN };
	const unsigned char *at = qemu_plugin_insn_haddr(insn);

	if (at && follows_vmrun(at))
		when_executed(insn, guest_left, at);
	if (page != NO_PAGE)
		when_executed(insn, code_entered, (void *)page);
	if (at && insn_is(insn, vmrun, sizeof(vmrun))) {
		note_vmrun(at + VMRUN_SIZE);
		when_executed(insn, guest_entered, at + VMRUN_SIZE);
	}
	if (insn_is(insn, begin, sizeof(begin)))
		when_executed(insn, interval_begun, NULL);
	if (insn_is(insn, end, sizeof(end)))
		when_executed(insn, interval_ended, NULL);
	qemu_plugin_register_vcpu_mem_cb(insn, memory_accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
					 NULL);
}

/* The page that an instruction begins in, or NO_PAGE if it is not recorded. */
static uint64_t insn_page(const struct qemu_plugin_insn *insn)
{
	const void *at = qemu_plugin_insn_haddr(insn);
	uint64_t page;

	return at && machine_memory_find((uintptr_t)at, &page) && page < map->pages ? page : NO_PAGE;
}

/* The memory that is recorded is the piece that lies at address 0. Return: its size in pages. */
static uint64_t find_memory(void)
{
	static struct ram_layout layout; /* large */
	size_t i;

	machine_memory_refresh();
	machine_memory_layout(&layout);
	for (i = 0; i < layout.count; i++) {
		if (layout.segments[i].gfn == 0)
			return layout.segments[i].pages / 64 * 64;
	}
	die("the machine has no memory at address 0");
}

static void share_map(void)
{
	uint64_t pages = find_memory();
	size_t words = oracle_map_words(pages), size = sizeof(*map) + ORACLE_SETS * words * sizeof(**sets);
	int set, file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || ftruncate(file, (off_t)size))
		die("cannot write the file");
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if (map == MAP_FAILED)
		die("cannot map the file");
	for (set = 0; set < ORACLE_SETS; set++)
		sets[set] = (uint64_t *)(map + 1) + set * words;
	map->pages = pages;
	map->magic = ORACLE_MAGIC;
}

static void block_translated(struct qemu_plugin_tb *block)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t insns = qemu_plugin_tb_n_insns(block), i;
	uint64_t page, last = NO_PAGE;

	/* The machine has its memory only now. */
	pthread_once(&once, share_map);
	for (i = 0; i < insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);

		page = insn_page(insn);
		watch_insn(insn, page == last ? NO_PAGE : page);
		last = page;
	}
}

static int start(const char *value, const struct qemu_info_t *info)
{
	static const struct plugin_callbacks callbacks = { .translate = block_translated };

	if (machine_memory_start() != 0)
		return -1;
	path = strdup(value);
	if (!path)
		return -1;
	plugin_register(&callbacks);
	return 0;
}

const struct plugin_use plugin_use_oracle = { .name = "oracle", .start = start };
