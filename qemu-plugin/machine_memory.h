/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine_memory.h - where QEMU has the guest's memory, which its plugin interface does not tell
 *
 * Theory of operation
 *
 * The interface gives a plugin guest-physical addresses of data (QEMU 10.0), or something else that is one only
 * by luck (7.2), and host addresses of code. What joins host and guest addresses is QEMU's memory map, and that
 * takes functions that are QEMU's own. Debian's QEMU exports all of its functions, for its modules. Those used
 * here have been the same from 7.2 to 11.1; where one is missing, the plugin refuses to start.
 *
 * The map is a constant object (a FlatView), and each change makes a new one. So whether there was a change
 * costs one comparison, which machine_memory_refresh() does whenever a virtual processor translates or waits.
 * Plugging memory takes the guest's help, so that comes before the first access. One reference to the object
 * that was read last is kept: no later one can then have its address. Memory that was unplugged therefore goes
 * when the map is looked at next.
 *
 * The layout is read by all virtual processors at each access, and changed a few times in a machine's life; a
 * sequence count lets them read it without a lock.
 */
#ifndef QEMU_PLUGIN_MACHINE_MEMORY_H
#define QEMU_PLUGIN_MACHINE_MEMORY_H

#include "ram_layout.h"

/** machine_memory_start() - look up QEMU's functions. Return: 0, or -1 when it has said what is missing. */
int machine_memory_start(void);

/**
 * machine_memory_refresh() - look for changes of the memory map; cheap
 *
 * In a callback of a virtual processor.
 * Return: how often the layout has changed so far
 */
unsigned int machine_memory_refresh(void);

/** machine_memory_layout() - a copy of the layout. */
void machine_memory_layout(struct ram_layout *layout);

/**
 * machine_memory_find() - the guest page at host address @host
 *
 * In a callback of a virtual processor. What is not in the layout is looked for once more in a fresh one.
 */
bool machine_memory_find(uint64_t host, uint64_t *gfn);

/**
 * machine_memory_translate() - the guest page at the guest's virtual address @vaddr, as the page tables of the
 * processor that runs now say
 *
 * In a callback of that processor. Wrong in a guest's guest that has second-level page tables.
 */
bool machine_memory_translate(uint64_t vaddr, uint64_t *gfn);

#endif /* QEMU_PLUGIN_MACHINE_MEMORY_H */
