/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin_map.h - the file in which libvmheat-plugin.so offers what a guest without KVM accesses
 *
 * Theory of operation
 *
 * QEMU, with the plugin, and any number of observers map one file, shared. It has a header, and a bitmap of
 * accessed pages for each observer that there can be. The plugin sets bits, in the bitmap of each observer that
 * asked for it; the observer takes them from its own, with an atomic exchange of each word. So no observer is
 * in another's way, whatever becomes of it, and each access is in one of two collections that follow one
 * another: none is lost, none is told twice.
 *
 * An observer's life:
 * - It opens the file for reading and writing and checks the header and that QEMU holds its lock.
 * - It takes a place: an exclusive open-file-description lock (F_OFD_SETLK) on byte
 *   VMHEAT_PLUGIN_MAP_LOCK_OBSERVERS + place of the file. The kernel gives it back when the process ends,
 *   however it ends.
 * - It sets `wanted` to a number that was not used in this place before (`requests` + 1, never 0), and adds 1
 *   to `requests`. What the bitmap holds from before it collects and forgets.
 * - When the plugin has seen that and has begun to record, it sets `armed` to the same number: from then on all
 *   shows. That takes until a virtual processor next translates code, halts, or wakes: milliseconds in a guest
 *   that does anything.
 * - At the end it sets `wanted` to 0, adds 1 to `requests` and closes the file. If it dies without that, the
 *   plugin finds its lock gone within a second or so. With no observer left, the plugin records nothing and
 *   costs nothing.
 *
 * What the bits mean is what they mean for /proc/PID/idle_bitmap: to collect is to mark all pages idle, and a
 * page of the guest's memory is
 *   a hole    where QEMU has no page for it: bit 63 of its entry in /proc/PID/pagemap is clear, see the ranges;
 *   accessed  if its bit is set;
 *   idle      otherwise.
 * What QEMU itself and its devices do with the guest's memory is not seen here.
 *
 * The file is as trustworthy as the QEMU that wrote it. Whoever may write to that can make it shorter under
 * one's feet, which ends a process that touches the missing part (SIGBUS) unless it is prepared for that.
 *
 * For C and C++; all integers are in the host's byte order.
 */
#ifndef VMHEAT_PLUGIN_MAP_H
#define VMHEAT_PLUGIN_MAP_H

#include <stdint.h>

/** The header's first 8 bytes, "VMHEATPM". They are written last: what has them is complete. */
#define VMHEAT_PLUGIN_MAP_MAGIC UINT64_C(0x4d50544145484d56)

/** Raised when an older observer could misread the file. */
#define VMHEAT_PLUGIN_MAP_VERSION 1

/** Observers at one time. */
#define VMHEAT_PLUGIN_MAP_OBSERVERS 8

/** Ranges that the header has room for. */
#define VMHEAT_PLUGIN_MAP_RANGES 64

/** One past the highest guest frame number that has a bit: 1 TiB. Accesses beyond it count as lost. */
#define VMHEAT_PLUGIN_MAP_END_GFN (UINT64_C(1) << 28)

/** Sizes in bytes. The file has holes where nobody looked: it takes much less room than it is long. */
#define VMHEAT_PLUGIN_MAP_HEADER_BYTES UINT64_C(4096)
#define VMHEAT_PLUGIN_MAP_BITMAP_BYTES (VMHEAT_PLUGIN_MAP_END_GFN / 8)
#define VMHEAT_PLUGIN_MAP_FILE_BYTES                                                                         \
	(VMHEAT_PLUGIN_MAP_HEADER_BYTES + VMHEAT_PLUGIN_MAP_OBSERVERS * VMHEAT_PLUGIN_MAP_BITMAP_BYTES)

/** Where the bitmap of an observer begins. Bit n of its 64-bit word w is guest page 64 * w + n. */
#define VMHEAT_PLUGIN_MAP_BITMAP_OFFSET(place)                                                               \
	(VMHEAT_PLUGIN_MAP_HEADER_BYTES + (place)*VMHEAT_PLUGIN_MAP_BITMAP_BYTES)

/** Bytes of the file whose locks mean something: QEMU's, as long as it lives; the first observer's. */
#define VMHEAT_PLUGIN_MAP_LOCK_QEMU	 0
#define VMHEAT_PLUGIN_MAP_LOCK_OBSERVERS 1

/**
 * struct vmheat_plugin_range - a piece of the machine's memory, and where QEMU has it
 * @gfn:   number of its first guest page
 * @hva:   address of that page in QEMU
 * @pages: size
 *
 * Video memory and firmware are among them, as among KVM's memory slots. What devices hide from the guest in
 * the middle of a piece belongs to it.
 */
struct vmheat_plugin_range {
	uint64_t gfn;
	uint64_t hva;
	uint64_t pages;
};

/** struct vmheat_plugin_observer - an observer's place */
struct vmheat_plugin_observer {
	uint32_t wanted; /* the observer's: other than 0 if it is to be recorded for it */
	uint32_t armed;	 /* the plugin's: the value of `wanted` for which it records; 0: it does not */
	uint32_t error;	 /* the plugin's: why it does not record, though it should: an errno, or 0 */
	uint32_t reserved;
	uint64_t padding[6];
};

/**
 * struct vmheat_plugin_map - the file's header
 * @magic:            VMHEAT_PLUGIN_MAP_MAGIC
 * @version:          VMHEAT_PLUGIN_MAP_VERSION
 * @pid:              QEMU's process number as it sees it itself; 0 before the ranges are known
 * @requests:         how often an observer has changed `wanted`
 * @lost:             accesses whose page could not be told, or not be recorded: if this rises, a page without a bit
 *                    may have been accessed all the same
 * @ranges_sequence:  odd while the ranges change; a reader that finds it changed after reading them reads again
 * @range_count:      how many there are
 * @ranges:           in no order
 */
struct vmheat_plugin_map {
	uint64_t magic;
	uint32_t version;
	uint32_t pid;
	uint32_t requests;
	uint32_t ranges_sequence;
	uint64_t lost;
	uint32_t range_count;
	uint32_t reserved;
	uint64_t padding[3];
	struct vmheat_plugin_observer observers[VMHEAT_PLUGIN_MAP_OBSERVERS];
	struct vmheat_plugin_range ranges[VMHEAT_PLUGIN_MAP_RANGES];
};

#ifdef __cplusplus
static_assert(sizeof(struct vmheat_plugin_map) == 64 + 64 * 8 + 24 * 64,
	      "the header has no padding of its own");
#else
_Static_assert(sizeof(struct vmheat_plugin_map) == 64 + 64 * 8 + 24 * 64,
	       "the header has no padding of its own");
#endif

#endif /* VMHEAT_PLUGIN_MAP_H */
