/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_entry.h - the entry idle_bitmap in /proc/PID and /proc/PID/task/TID
 */
#ifndef KVM_IDLE_PROC_ENTRY_H
#define KVM_IDLE_PROC_ENTRY_H

/**
 * proc_entry_add() - let idle_bitmap appear for all processes
 *
 * Return: 0 or a negative errno; the reason has been printed and everything is undone
 */
int proc_entry_add(void);

/** proc_entry_del() - let it disappear. No idle_bitmap is open any more: open files hold the module. */
void proc_entry_del(void);

#endif /* KVM_IDLE_PROC_ENTRY_H */
