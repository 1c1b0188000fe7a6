// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan.c - one pass over a process's pages, through both layers that map them
 *
 * A page of a KVM process is reached by two ways: by the guest through the second-level tables, and by the
 * process itself (device emulation, vhost) through its own tables. The layers are visited one after the
 * other, never one's lock inside the other's: KVM's MMU notifiers take mmu_lock inside page table locks. The
 * guest layer is always first, see idle_state.c.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <vmheat/idle_bitmap.h>
#include "host_walk.h"
#include "scan.h"
#include "vm_walk.h"

int scan_open(struct scan *scan, struct mm_struct *mm)
{
	unsigned int i;
	int ret;

	if (!mm || !mmget_not_zero(mm))
		return -ESRCH;
	*scan = (struct scan){ .mm = mm, .state = idle_state_find(mm) };
	if (scan->state)
		scan->observer = idle_state_shared(scan->state);
	ret = kvm_set_open(&scan->vms, mm);
	for (i = 0; !ret && i < scan->vms.nr; i++)
		ret = vm_check(scan->vms.vms[i]);
	if (ret)
		scan_close(scan);
	return ret;
}

void scan_close(struct scan *scan)
{
	kvm_set_close(&scan->vms);
	idle_state_put(scan->state);
	mmput(scan->mm);
}

int scan_make_state(struct scan *scan)
{
	struct idle_state *state;

	if (scan->state)
		return 0;
	state = idle_state_get(scan->mm);
	if (IS_ERR(state))
		return PTR_ERR(state);
	scan->state = state;
	scan->observer = idle_state_shared(state);
	return 0;
}

unsigned int scan_paths(const struct scan *scan)
{
	unsigned int i, paths = VMHEAT_IDLE_PATH_HOST;

	for (i = 0; i < scan->vms.nr; i++)
		paths |= vm_paths(scan->vms.vms[i]);
	return paths;
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

	if (scan->observer)
		end = observer_next_marked(scan->observer, address, end);
	*next = end;
	if (end == address)
		return 0;
	for (i = 0; i < scan->vms.nr && address < end; i++)
		end = vm_next_mapped(scan->vms.vms[i], address, end);
	return host_next_mapped(scan->mm, address, end, next);
}

static int view_block(const struct scan *scan, unsigned long address, const u64 *wanted,
		      enum harvest_mode mode, struct page_view *view)
{
	unsigned int i;

	*view = (struct page_view){};
	for (i = 0; i < scan->vms.nr; i++)
		vm_harvest(scan->vms.vms[i], address, wanted, mode, &view->guest);
	return host_harvest(scan->mm, address, wanted, mode, &view->host);
}

int scan_arm(struct scan *scan, unsigned long address, const u64 *wanted, struct block_scan *block)
{
	struct block_marks before;
	int ret;

	ret = idle_state_arm_begin(scan->state, scan->observer, address, wanted, &before);
	if (ret)
		return ret;
	ret = view_block(scan, address, wanted, HARVEST_CLEAR, &block->view);
	idle_state_arm_end(scan->state, scan->observer, address, wanted, &before, block);
	if (ret)
		idle_state_forget(scan->state, scan->observer, address, address + PAGE_BLOCK_SIZE);
	return ret;
}

int scan_peek(struct scan *scan, unsigned long address, u64 *idle)
{
	u64 marked[PAGE_BLOCK_WORDS];
	struct page_view view;
	int ret;

	idle_state_peek_begin(scan->state, scan->observer, address, marked);
	ret = view_block(scan, address, marked, HARVEST_PEEK, &view);
	idle_state_peek_end(scan->state, scan->observer, address, &view, idle);
	return ret;
}

void scan_flush_tlbs(const struct scan *scan)
{
	kvm_set_flush_tlbs(&scan->vms);
	host_flush_tlbs(scan->mm);
}
