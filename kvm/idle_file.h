/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_file.h - the open file /proc/PID/idle_bitmap
 */
#ifndef KVM_IDLE_IDLE_FILE_H
#define KVM_IDLE_IDLE_FILE_H

#include <linux/fs.h>

/**
 * idle_file_operations() - the operations of an open idle_bitmap
 * @pagemap: those of /proc/PID/pagemap. Its open() has left the mm in file->private_data; its llseek() and
 * release() are used.
 *
 * To be called once, before the first file is opened.
 * Return: the operations, owned by this module
 */
const struct file_operations *idle_file_operations(const struct file_operations *pagemap);

#endif /* KVM_IDLE_IDLE_FILE_H */
