/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_memslots.h - the memslots ioctl of /proc/PID/idle_bitmap
 */
#ifndef KVM_IDLE_IDLE_MEMSLOTS_H
#define KVM_IDLE_IDLE_MEMSLOTS_H

#include <linux/fs.h>
#include <vmheat/idle_bitmap.h>

/** idle_memslots() - VMHEAT_IDLE_IOC_MEMSLOTS; as idle_scan() */
long idle_memslots(struct file *file, struct vmheat_idle_memslots __user *user);

#endif /* KVM_IDLE_IDLE_MEMSLOTS_H */
