// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_memslots.c - the memslots ioctl of /proc/PID/idle_bitmap
 *
 * The slots of a VM are gathered in kernel memory first: kvm->srcu must not be held while the user's memory is
 * written, because a slow page fault there would hold up every change of the VM's slots.
 */
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "compat.h"
#include "idle_argument.h"
#include "idle_memslots.h"
#include "kvm_set.h"

/**
 * struct slot_list - slots being gathered
 * @slots: room for them; may be NULL if there is none
 * @room:  for how many
 * @nr:    how many there are; those from @room on were only counted
 */
struct slot_list {
	struct vmheat_idle_memslot *slots;
	unsigned int room;
	unsigned int nr;
};

static void add_slot(struct slot_list *list, const struct kvm_memory_slot *slot, unsigned int vm)
{
	/* KVM's own slots hold what the processor needs of it, not the guest's memory. */
	if (slot->id >= KVM_USER_MEM_SLOTS)
		return;
	if (list->nr < list->room)
		list->slots[list->nr] = (struct vmheat_idle_memslot){
			.gfn = slot->base_gfn,
			.hva = slot->userspace_addr,
			.pages = slot->npages,
			.vm = vm,
			.address_space = slot->as_id,
			.id = (u16)slot->id,
			.flags = slot->flags,
		};
	list->nr++;
}

/* Add the slots of one VM, by address space and guest page number. */
static void add_vm(struct slot_list *list, struct kvm *kvm, unsigned int vm)
{
	const struct kvm_memslots *slots;
	const struct rb_node *node;
	unsigned int as_id;
	int srcu;

	srcu = srcu_read_lock(&kvm->srcu);
	for (as_id = 0; as_id < compat_address_spaces(kvm); as_id++) {
		slots = __kvm_memslots(kvm, as_id);
		for (node = rb_first(&slots->gfn_tree); node; node = rb_next(node))
			add_slot(list, container_of(node, struct kvm_memory_slot, gfn_node[slots->node_idx]),
				 vm);
	}
	srcu_read_unlock(&kvm->srcu, srcu);
}

static void gather(struct slot_list *list, const struct kvm_set *vms)
{
	unsigned int i;

	list->nr = 0;
	for (i = 0; i < vms->nr; i++)
		add_vm(list, vms->vms[i], i);
}

/*
 * Fill in a list of at most @capacity slots. It is begun anew if slots were added since they were counted, so
 * that a list that is said to be complete is. Return: 0, or -ENOMEM.
 */
static int list_slots(struct slot_list *list, const struct kvm_set *vms, unsigned int capacity)
{
	*list = (struct slot_list){};
	gather(list, vms);
	while (list->nr > list->room && list->room < capacity) {
		kvfree(list->slots);
		list->room = min(capacity, list->nr);
		list->slots = kvcalloc(list->room, sizeof(*list->slots), GFP_KERNEL);
		if (!list->slots)
			return -ENOMEM;
		gather(list, vms);
		cond_resched();
	}
	return 0;
}

static int put_slots(const struct vmheat_idle_memslots *argument, const struct slot_list *list)
{
	char __user *user = u64_to_user_ptr(argument->slots);
	size_t size = min_t(size_t, argument->slot_size, sizeof(*list->slots));
	unsigned int i;

	for (i = 0; i < min(list->room, list->nr); i++, user += argument->slot_size) {
		if (copy_to_user(user, &list->slots[i], size) ||
		    clear_user(user + size, argument->slot_size - size))
			return -EFAULT;
	}
	return 0;
}

/* List the slots of all VMs of a process. */
static int list_process(struct slot_list *list, struct vmheat_idle_memslots *argument, struct mm_struct *mm)
{
	struct kvm_set vms;
	int ret;

	if (!mm || !mmget_not_zero(mm))
		return -ESRCH;
	ret = kvm_set_open(&vms, mm);
	if (!ret) {
		argument->vms = vms.nr;
		ret = list_slots(list, &vms, argument->capacity);
		kvm_set_close(&vms);
	}
	mmput(mm);
	return ret;
}

long idle_memslots(struct file *file, struct vmheat_idle_memslots __user *user)
{
	struct vmheat_idle_memslots argument;
	struct slot_list list = {};
	int ret;

	ret = get_argument(&argument, sizeof(argument), sizeof(argument), user);
	if (ret)
		return ret;
	if (argument.slot_size < sizeof(struct vmheat_idle_memslot) || argument.slot_size > PAGE_SIZE)
		return -EINVAL;
	argument.reserved = 0;
	ret = list_process(&list, &argument, file->private_data);
	if (!ret)
		ret = put_slots(&argument, &list);
	argument.count = list.nr;
	kvfree(list.slots);
	return ret ? ret : put_argument(user, &argument, sizeof(argument), argument.size);
}
