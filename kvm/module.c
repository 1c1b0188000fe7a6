// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * module.c - kvm_idle: which pages of a process or VM are idle, as /proc/PID/idle_bitmap
 *
 * The layers, top down: proc_entry.c makes the file appear; idle_file.c is read() and write() on it,
 * idle_scan.c and idle_memslots.c its ioctls; idle_state.c keeps a process's observers, observer.c the marks
 * of one, and young.c and shadow_pages.c watch who else uses accessed bits; scan.c passes over a process's
 * pages through kvm_set.c and vm_walk.c (its VMs) and host_walk.c (its own page tables); harvest.h reads and
 * clears accessed bits. What users see is described in docs/idle_bitmap.md.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <asm/cpufeature.h>
#include "idle_state.h"
#include "proc_entry.h"
#include "young.h"

static int __init kvm_idle_init(void)
{
	int ret;

	/* Under Xen the page tables hold machine frame numbers. */
	if (cpu_feature_enabled(X86_FEATURE_XENPV)) {
		pr_err("not for Xen paravirtualized domains\n");
		return -ENODEV;
	}
	ret = observers_start();
	if (ret)
		return ret;
	ret = young_start();
	if (ret)
		goto stop_observers;
	ret = proc_entry_add();
	if (ret)
		goto stop_young;
	return 0;

stop_young:
	young_stop();
stop_observers:
	observers_stop();
	return ret;
}

static void __exit kvm_idle_exit(void)
{
	proc_entry_del();
	young_stop();
	idle_states_free();
	observers_stop();
}

module_init(kvm_idle_init);
module_exit(kvm_idle_exit);

MODULE_DESCRIPTION("Idle pages of processes and KVM guests: /proc/PID/idle_bitmap");
MODULE_AUTHOR("vmheat");
MODULE_LICENSE("GPL");
