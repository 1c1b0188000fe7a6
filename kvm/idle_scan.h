/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_scan.h - the scan ioctl of /proc/PID/idle_bitmap
 */
#ifndef KVM_IDLE_IDLE_SCAN_H
#define KVM_IDLE_IDLE_SCAN_H

#include <linux/fs.h>
#include <vmheat/idle_bitmap.h>

/** idle_scan() - VMHEAT_IDLE_IOC_SCAN; the mm is in file->private_data. Return: what ioctl() returns. */
long idle_scan(struct file *file, struct vmheat_idle_scan __user *user);

#endif /* KVM_IDLE_IDLE_SCAN_H */
