/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ram_ranges.h - which of KVM's memslots are a guest's memory
 *
 * Theory of operation
 *
 * Pure: slots, mappings and sizes in, ranges out. KVM gives memory to a guest by memslots, but not all of them are
 * memory that the guest could use or give back: video memory, firmware, the memory of devices that are shared or
 * assigned. KVM does not know which are. QEMU makes each piece of a guest's memory as one mapping of its own, as large
 * as the domain's definition says (domain_xml.h); so a slot counts if it lies in a mapping of one of these sizes, is
 * writable, and belongs to address space 0: address space 1 shows the same memory again, as seen in System Management
 * Mode.
 *
 * A process may have several VMs. The guest is the one with the most memory.
 *
 * A mapping of something else may happen to have the right size. The caller compares what was found with the memory that
 * the guest should have.
 */
#ifndef VMHEAT_HOST_RAM_RANGES_H
#define VMHEAT_HOST_RAM_RANGES_H

#include <glib.h>

/**
 * ram_ranges_find() - a guest's memory
 * @slots:    struct vmheat_idle_memslot, by VM
 * @mappings: struct process_mapping, in rising order
 * @blocks:   guint64, sizes in pages
 *
 * Return: struct ram_range, as many as there are slots of the guest's memory; the caller unrefs it.
 */
GArray *ram_ranges_find(const GArray *slots, const GArray *mappings, const GArray *blocks);

#endif /* VMHEAT_HOST_RAM_RANGES_H */
