// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * machine_memory.c - where QEMU has the guest's memory, see machine_memory.h
 */
#define _GNU_SOURCE
#include "machine_memory.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include "plugin_use.h"

/* QEMU's Int128, as its x86-64 builds have it. */
typedef __int128 int128;
/* Return: whether to stop. */
typedef bool (*range_callback)(int128 start, int128 length, const void *region, uint64_t offset, void *data);

/* RAM_ADDR_INVALID: what is no RAM has this ram_addr_t. */
#define NOT_RAM (~UINT64_C(0))

static struct {
	void *address_space_memory;
	void *(*address_space_get_flatview)(void *address_space); /* adds a reference */
	void (*flatview_unref)(void *view);
	void (*flatview_for_each_range)(void *view, range_callback callback, void *data);
	uint64_t (*memory_region_get_ram_addr)(const void *region);
	void *(*memory_region_get_ram_ptr)(const void *region);
	/* One of these two. The first is of the plugin interface, from version 5 on. */
	bool (*qemu_plugin_translate_vaddr)(uint64_t vaddr, uint64_t *address);
	uint64_t (*cpu_get_phys_page_debug)(void *cpu, uint64_t vaddr);
} qemu;

static pthread_mutex_t refresh_lock = PTHREAD_MUTEX_INITIALIZER;
static void *view;	     /* that was read last; referenced; under refresh_lock, but compared without */
static unsigned int changes; /* likewise */

/* Written under refresh_lock; odd while that goes on. */
static unsigned int sequence;
static struct ram_layout current;

int machine_memory_start(void)
{
	/* Functions and objects have addresses of one size; what dlsym() returns is stored as what it is. */
	const struct {
		const char *name;
		void *where;
	} needed[] = {
		{ "address_space_memory", &qemu.address_space_memory },
		{ "address_space_get_flatview", &qemu.address_space_get_flatview },
		{ "flatview_unref", &qemu.flatview_unref },
		{ "flatview_for_each_range", &qemu.flatview_for_each_range },
		{ "memory_region_get_ram_addr", &qemu.memory_region_get_ram_addr },
		{ "memory_region_get_ram_ptr", &qemu.memory_region_get_ram_ptr },
		{ plugin_api() >= 5 ? "qemu_plugin_translate_vaddr" : "cpu_get_phys_page_debug",
		  plugin_api() >= 5 ? (void *)&qemu.qemu_plugin_translate_vaddr
				    : (void *)&qemu.cpu_get_phys_page_debug },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		void *symbol = dlsym(RTLD_DEFAULT, needed[i].name);

		if (symbol == NULL) {
			plugin_complain(
				"this QEMU does not export %s, so nobody can tell where its memory is; "
				"Debian's builds do",
				needed[i].name);
			return -1;
		}
		memcpy(needed[i].where, &symbol, sizeof(symbol));
	}
	return 0;
}

static bool add_range(int128 start, int128 length, const void *region, uint64_t offset, void *data)
{
	struct ram_layout *layout = (struct ram_layout *)data;

	if (qemu.memory_region_get_ram_addr(region) != NOT_RAM)
		ram_layout_add(layout, region, (uintptr_t)qemu.memory_region_get_ram_ptr(region) + offset,
			       (uint64_t)start, (uint64_t)length);
	return false;
}

/* Word by word, atomically, for who reads meanwhile. */
static void copy_words(void *to, const void *from, size_t bytes)
{
	uint64_t *out = (uint64_t *)to;
	const uint64_t *in = (const uint64_t *)from;

	for (size_t i = 0; i < bytes / sizeof(*out); i++)
		__atomic_store_n(&out[i], __atomic_load_n(&in[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

_Static_assert(sizeof(struct ram_layout) % sizeof(uint64_t) == 0, "layouts are copied in words");

/* Read the layout from @next, whose reference is taken over. Under refresh_lock. */
static void read_layout(void *next)
{
	struct ram_layout layout;

	ram_layout_clear(&layout);
	qemu.flatview_for_each_range(next, add_range, &layout);
	ram_layout_sort(&layout);
	if (!layout.complete && current.complete)
		plugin_complain("the machine's memory lies in more than %d pieces: accesses to some are not "
				"recorded",
				RAM_LAYOUT_SEGMENTS_MAX);
	if (!ram_layout_equal(&layout, &current)) {
		__atomic_store_n(&sequence, sequence + 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		copy_words(&current, &layout, sizeof(layout));
		__atomic_store_n(&sequence, sequence + 1, __ATOMIC_RELEASE);
		__atomic_store_n(&changes, changes + 1, __ATOMIC_RELEASE);
	}
	if (view != NULL)
		qemu.flatview_unref(view);
	__atomic_store_n(&view, next, __ATOMIC_RELAXED);
}

unsigned int machine_memory_refresh(void)
{
	void *next = qemu.address_space_get_flatview(qemu.address_space_memory);

	if (next == __atomic_load_n(&view, __ATOMIC_RELAXED)) {
		qemu.flatview_unref(next);
	} else {
		pthread_mutex_lock(&refresh_lock);
		read_layout(next);
		pthread_mutex_unlock(&refresh_lock);
	}
	return __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
}

/* Begin to read the layout. Return: what end_reading() takes. */
static unsigned int begin_reading(void)
{
	unsigned int begun;

	while (((begun = __atomic_load_n(&sequence, __ATOMIC_ACQUIRE)) & 1) != 0)
		__builtin_ia32_pause();
	return begun;
}

/* Return: whether what was read was one layout. */
static bool end_reading(unsigned int begun)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&sequence, __ATOMIC_RELAXED) == begun;
}

void machine_memory_layout(struct ram_layout *layout)
{
	unsigned int begun;

	do {
		begun = begin_reading();
		copy_words(layout, &current, sizeof(*layout));
	} while (!end_reading(begun));
}

static bool find_current(uint64_t host, uint64_t *gfn)
{
	unsigned int begun;
	bool found;

	do {
		begun = begin_reading();
		found = ram_layout_find(&current, host, gfn);
	} while (!end_reading(begun));
	return found;
}

bool machine_memory_find(uint64_t host, uint64_t *gfn)
{
	if (find_current(host, gfn))
		return true;
	machine_memory_refresh();
	return find_current(host, gfn);
}

bool machine_memory_translate(uint64_t vaddr, uint64_t *gfn)
{
	uint64_t address;

	if (qemu.qemu_plugin_translate_vaddr != NULL) {
		if (!qemu.qemu_plugin_translate_vaddr(vaddr, &address))
			return false;
	} else {
		/* Each thread has a variable of its own by that name, so it is looked up each time. */
		void **cpu = (void **)dlsym(RTLD_DEFAULT, "current_cpu");

		if (cpu == NULL)
			return false;
		address = qemu.cpu_get_phys_page_debug(*cpu, vaddr & ~(GUEST_PAGE_SIZE - 1));
		if (address == ~UINT64_C(0))
			return false;
	}
	*gfn = address >> GUEST_PAGE_SHIFT;
	return true;
}
