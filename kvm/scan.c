// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan.c - one pass over a process's pages, through both layers that map them
 *
 * A page of a KVM process is reached by two ways: by the guest through the second-level tables, and by the
 * process itself (device emulation, vhost) through its own tables. The layers are visited one after the
 * other, never one's lock inside the other's: KVM's MMU notifiers take mmu_lock inside page table locks.
 *
 * Observers are those who wait for accessed bits. There is one, the process's shared idle state.
 * scan_harvest() is where bits are cleared and where each observer is told what was taken.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "host_walk.h"
#include "scan.h"
#include "tdp_walk.h"

int scan_open(struct scan *scan, struct mm_struct *mm)
{
	unsigned int i;
	int ret;

	if (!mm || !mmget_not_zero(mm))
		return -ESRCH;
	*scan = (struct scan){ .mm = mm, .state = idle_state_find(mm) };
	ret = kvm_set_open(&scan->vms, mm);
	for (i = 0; !ret && i < scan->vms.nr; i++)
		ret = tdp_check(scan->vms.vms[i]);
	if (ret)
		scan_close(scan);
	return ret;
}

void scan_close(struct scan *scan)
{
	kvm_set_close(&scan->vms);
	mmput(scan->mm);
}

int scan_must_stop(const struct scan *scan)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	/* Ours is the last reference: do not keep the memory of a process that is gone. */
	if (atomic_read(&scan->mm->mm_users) == 1)
		return -ESRCH;
	return 0;
}

int scan_next_mapped(struct scan *scan, unsigned long address, unsigned long end, unsigned long *next)
{
	unsigned int i;
	int ret;

	if (scan->state)
		end = idle_state_next_marked(scan->state, address, end);
	for (i = 0; i < scan->vms.nr && address < end; i++)
		end = tdp_next_mapped(scan->vms.vms[i], address, end);
	ret = host_next_mapped(scan->mm, address, end, &end);
	*next = end;
	return ret;
}

static int view_block(const struct scan *scan, unsigned long address, const u64 *wanted,
		      enum harvest_mode mode, struct page_view *view)
{
	unsigned int i;

	*view = (struct page_view){};
	for (i = 0; i < scan->vms.nr; i++)
		tdp_harvest(scan->vms.vms[i], address, wanted, mode, &view->guest);
	return host_harvest(scan->mm, address, wanted, mode, &view->host);
}

int scan_harvest(struct scan *scan, unsigned long address, const u64 *wanted, struct page_view *view)
{
	int ret = view_block(scan, address, wanted, HARVEST_CLEAR, view);

	if (scan->state) {
		idle_state_accessed(scan->state, address, &view->guest);
		idle_state_accessed(scan->state, address, &view->host);
	}
	return ret;
}

int scan_peek(struct scan *scan, unsigned long address, const u64 *wanted, struct page_view *view)
{
	return view_block(scan, address, wanted, HARVEST_PEEK, view);
}

void scan_flush_tlbs(const struct scan *scan)
{
	kvm_set_flush_tlbs(&scan->vms);
	host_flush_tlbs(scan->mm);
}
