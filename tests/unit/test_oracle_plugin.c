/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_oracle_plugin.c - whose accesses are whose: qemu-plugin/oracle.c under a QEMU that this test plays
 *
 * The emulated host has 128 pages. Its code lies on page 1, that of its guest on page 2; instructions are run
 * one by one.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "machine_memory.h"
#include "oracle.h"
#include "plugin_use.h"

#define PAGES	   128
#define PAGE	   UINT64_C(4096)
#define HOST_CODE  (1 * PAGE)
#define GUEST_CODE (2 * PAGE)
#define MAX_CALLS  4
#define VMRUN                                                                                                \
	{                                                                                                    \
		0x0f, 0x01, 0xd8                                                                             \
	}
#define DEVICE UINT64_MAX

struct qemu_plugin_insn {
	unsigned char bytes[8];
	size_t size;
	uint64_t at; /* address in the machine */
	unsigned int calls;
	struct {
		qemu_plugin_exec_cb_t callback;
		void *data;
	} call[MAX_CALLS];
	qemu_plugin_mem_cb_t access;
};

struct qemu_plugin_tb {
	struct qemu_plugin_insn *insn;
};

struct qemu_plugin_hwaddr {
	uint64_t address;
};

static unsigned char memory[PAGES * PAGE] __attribute__((aligned(4096)));
static const struct plugin_callbacks *registered;
static const struct oracle_map *map;

/* The QEMU that is played. Virtual addresses are physical ones. */

void plugin_register(const struct plugin_callbacks *callbacks)
{
	registered = callbacks;
}

void plugin_complain(const char *format, ...)
{
	fail_msg("%s", format);
}

size_t plugin_insn_bytes(const struct qemu_plugin_insn *insn, void *bytes, size_t size)
{
	size = insn->size < size ? insn->size : size;
	memcpy(bytes, insn->bytes, size);
	return size;
}

void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qemu_plugin_exec_cb_t callback,
					    enum qemu_plugin_cb_flags flags, void *data)
{
	assert_true(insn->calls < MAX_CALLS);
	insn->call[insn->calls].callback = callback;
	insn->call[insn->calls++].data = data;
}

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_mem_cb_t callback,
				      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw, void *data)
{
	insn->access = callback;
}

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block)
{
	return 1;
}

struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index)
{
	return block->insn;
}

size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn)
{
	return insn->size;
}

void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn)
{
	return memory + insn->at;
}

/* Of 8 bytes each. */
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info)
{
	return 3;
}

struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr)
{
	static struct qemu_plugin_hwaddr address;

	address.address = vaddr;
	return &address;
}

bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *address)
{
	return address->address >= DEVICE - PAGE;
}

uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address)
{
	return address->address;
}

int machine_memory_start(void)
{
	return 0;
}

unsigned int machine_memory_refresh(void)
{
	return 1;
}

void machine_memory_layout(struct ram_layout *layout)
{
	*layout = (struct ram_layout){ .count = 2,
				       .complete = true,
				       .segments = { { .gfn = 4096, .pages = 4096 },
						     { .gfn = 0, .pages = PAGES } } };
}

bool machine_memory_find(uint64_t host, uint64_t *gfn)
{
	uint64_t offset = host - (uintptr_t)memory;

	*gfn = offset / PAGE;
	return offset < sizeof(memory);
}

/* What the emulated machine runs. */

static struct qemu_plugin_insn translate(uint64_t at, const unsigned char *bytes, size_t size)
{
	struct qemu_plugin_insn insn = { .size = size, .at = at };
	struct qemu_plugin_tb block = { .insn = &insn };

	memcpy(insn.bytes, bytes, size);
	registered->translate(&block);
	return insn;
}

static void execute(unsigned int vcpu, const struct qemu_plugin_insn *insn)
{
	for (unsigned int i = 0; i < insn->calls; i++)
		insn->call[i].callback(vcpu, insn->call[i].data);
}

/* An instruction of 3 bytes, "mov", that accesses memory. */
static void access_from(unsigned int vcpu, uint64_t at, uint64_t address)
{
	static const unsigned char mov[] = { 0x48, 0x8b, 0x00 };
	struct qemu_plugin_insn insn = translate(at, mov, sizeof(mov));

	execute(vcpu, &insn);
	insn.access(vcpu, 0, address, NULL);
}

static void run_bytes(unsigned int vcpu, uint64_t at, const unsigned char *bytes, size_t size)
{
	struct qemu_plugin_insn insn = translate(at, bytes, size);

	execute(vcpu, &insn);
}

static void begin(void)
{
	static const unsigned char mark[] = { ORACLE_BEGIN_INSN };

	run_bytes(0, HOST_CODE, mark, sizeof(mark));
}

static void end(void)
{
	static const unsigned char mark[] = { ORACLE_END_INSN };

	run_bytes(0, HOST_CODE, mark, sizeof(mark));
}

static void vmrun_at(unsigned int vcpu, uint64_t at)
{
	static const unsigned char vmrun[] = VMRUN;

	run_bytes(vcpu, at, vmrun, sizeof(vmrun));
}

/* An exit: the instruction behind VMRUN runs. */
static void exit_to(unsigned int vcpu, uint64_t vmrun)
{
	static const unsigned char clgi[] = { 0x0f, 0x01, 0xdd };

	run_bytes(vcpu, vmrun + 3, clgi, sizeof(clgi));
}

static bool has(enum oracle_set set, uint64_t page)
{
	const uint64_t *words = (const uint64_t *)(map + 1) + (size_t)set * oracle_map_words(map->pages);

	return words[page / 64] >> page % 64 & 1;
}

static int start_oracle(void **state)
{
	static const unsigned char nop[] = { 0x90 };
	char path[] = "/tmp/test-oracle-XXXXXX";
	int file = mkstemp(path);

	assert_true(file >= 0);
	assert_int_equal(plugin_use_oracle.start(path, NULL), 0);
	translate(HOST_CODE, nop, sizeof(nop)); /* only now the machine has its memory */
	map = mmap(NULL, sizeof(*map) + ORACLE_SETS * PAGES / 8, PROT_READ, MAP_SHARED, file, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_true(map->magic == ORACLE_MAGIC);
	assert_int_equal(map->pages, PAGES);
	close(file);
	unlink(path);
	return 0;
}

/* From VMRUN to the instruction behind it a processor's accesses are its guest's; others' are the host's. */
static void test_guest_and_host(void **state)
{
	begin();
	access_from(0, HOST_CODE + 16, 10 * PAGE);
	vmrun_at(0, HOST_CODE + 32);
	access_from(0, GUEST_CODE, 11 * PAGE);
	access_from(1, HOST_CODE + 16, 12 * PAGE);
	exit_to(0, HOST_CODE + 32);
	access_from(0, HOST_CODE + 16, 13 * PAGE);
	end();
	assert_true(has(ORACLE_GUEST, 11) && !has(ORACLE_HOST, 11));
	assert_true(has(ORACLE_HOST, 10) && has(ORACLE_HOST, 12) && has(ORACLE_HOST, 13));
	assert_false(has(ORACLE_GUEST, 10) || has(ORACLE_GUEST, 12) || has(ORACLE_GUEST, 13));
	assert_true(has(ORACLE_GUEST, 2)); /* its code */
	assert_false(has(ORACLE_GUEST, 1));
	assert_int_equal(map->entries, 1);
	assert_int_equal(map->exits, 1);
}

/* A guest that runs guests is left where it was entered from, not where its own guest would return to. */
static void test_guest_that_is_a_host(void **state)
{
	begin();
	vmrun_at(0, HOST_CODE + 32);
	vmrun_at(0, GUEST_CODE + 64);
	exit_to(0, GUEST_CODE + 64);
	access_from(0, GUEST_CODE, 20 * PAGE);
	exit_to(0, HOST_CODE + 32);
	access_from(0, HOST_CODE + 16, 21 * PAGE);
	end();
	assert_true(has(ORACLE_GUEST, 20) && !has(ORACLE_GUEST, 21) && has(ORACLE_HOST, 21));
	assert_int_equal(map->entries, 1);
	assert_int_equal(map->exits, 1);
}

/* VMMCALL, which is like VMRUN but for a bit, enters no guest: without VMRUN all is the host's. */
static void test_no_vmrun(void **state)
{
	static const unsigned char vmmcall[] = { 0x0f, 0x01, 0xd9 };

	begin();
	run_bytes(0, HOST_CODE + 48, vmmcall, sizeof(vmmcall));
	access_from(0, GUEST_CODE, 30 * PAGE);
	end();
	assert_true(has(ORACLE_HOST, 30) && !has(ORACLE_GUEST, 30));
	assert_int_equal(map->entries, 0);
}

/* Nothing counts before an interval or after it; each begins with nothing; one that is over stays. */
static void test_intervals(void **state)
{
	uint64_t before = map->intervals;

	access_from(0, HOST_CODE + 16, 40 * PAGE);
	begin();
	assert_int_equal(map->recording, 1);
	access_from(0, HOST_CODE + 16, 41 * PAGE);
	end();
	access_from(0, HOST_CODE + 16, 42 * PAGE);
	assert_int_equal(map->recording, 0);
	assert_int_equal(map->intervals, before + 1);
	assert_true(!has(ORACLE_HOST, 40) && has(ORACLE_HOST, 41) && !has(ORACLE_HOST, 42));
	begin();
	end();
	assert_false(has(ORACLE_HOST, 41));
}

/* An access of 8 bytes that begins 4 before a page's end is one of both pages. What is elsewhere is counted. */
static void test_crossing_and_elsewhere(void **state)
{
	begin();
	vmrun_at(0, HOST_CODE + 32);
	access_from(0, GUEST_CODE, 51 * PAGE - 4);
	access_from(0, GUEST_CODE, PAGES * PAGE);
	access_from(0, GUEST_CODE, DEVICE - 8);
	exit_to(0, HOST_CODE + 32);
	access_from(0, HOST_CODE + 16, DEVICE - 8);
	end();
	assert_true(has(ORACLE_GUEST, 50) && has(ORACLE_GUEST, 51) && !has(ORACLE_GUEST, 52));
	assert_int_equal(map->elsewhere, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_and_host),
		cmocka_unit_test(test_guest_that_is_a_host),
		cmocka_unit_test(test_no_vmrun),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_crossing_and_elsewhere),
	};

	return cmocka_run_group_tests(tests, start_oracle, NULL);
}
