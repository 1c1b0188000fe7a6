// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_faults.c - faults in what kvm_idle answers, to be found by its tests, so that their silence means something
 *
 * Loading the module with fault=NAME puts one in, by a probe on a function of kvm_idle; unloading it takes it out.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <vmheat/idle_bitmap.h>

static char *fault = "";
module_param(fault, charp, 0);

/* The second argument of the call: its buffer, or its structure. */
static int note_buffer(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	*(char __user **)instance->data = (char __user *)regs->si;
	return 0;
}

/* A byte more than read() says. */
static int overrun(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	char __user *buffer = *(char __user **)instance->data;
	long done = regs_return_value(regs);

	if (done > 0 && copy_to_user_nofault(buffer + done, "", 1))
		return 0;
	return 0;
}

/* Some reads fail for no reason. */
static int error(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	static atomic_t calls;

	if (atomic_inc_return(&calls) % 64 == 0)
		regs_set_return_value(regs, -EINTR);
	return 0;
}

/* A scan that says of one page more than there is that it is accessed. */
static int miscount(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct vmheat_idle_scan __user *scan = *(struct vmheat_idle_scan __user **)instance->data;
	u64 pages;

	if (!regs_return_value(regs) &&
	    !copy_from_user_nofault(&pages, &scan->pages_accessed, sizeof(pages))) {
		pages++;
		if (copy_to_user_nofault(&scan->pages_accessed, &pages, sizeof(pages)))
			return 0;
	}
	return 0;
}

static long nothing(void)
{
	return 0;
}

/* The function is not called at all. */
static int leave_out(struct kprobe *probe, struct pt_regs *regs)
{
	regs->ip = (unsigned long)nothing;
	return 1;
}

/* A probe that changes regs->ip must have one. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kretprobe answer_probe = { .entry_handler = note_buffer, .data_size = sizeof(char __user *) };
static struct kprobe call_probe = { .pre_handler = leave_out, .post_handler = after };

/* Which function's answer is made wrong, and how; or which function is left out. */
static const struct idle_fault {
	const char *name;
	const char *function;
	kretprobe_handler_t answer;
} faults[] = {
	{ .name = "overrun", .function = "idle_file_read", .answer = overrun },
	{ .name = "error", .function = "idle_file_read", .answer = error },
	{ .name = "miscount", .function = "idle_scan", .answer = miscount },
	{ .name = "no-flush", .function = "scan_flush_tlbs" },
	{ .name = "unseen-aging", .function = "idle_state_aged" },
};

static const struct idle_fault *find_fault(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name))
			return &faults[i];
	}
	return NULL;
}

static int __init idle_faults_init(void)
{
	const struct idle_fault *found = find_fault();

	if (!found)
		return -EINVAL;
	if (found->answer) {
		answer_probe.kp.symbol_name = found->function;
		answer_probe.handler = found->answer;
		return register_kretprobe(&answer_probe);
	}
	call_probe.symbol_name = found->function;
	return register_kprobe(&call_probe);
}
module_init(idle_faults_init);

static void __exit idle_faults_exit(void)
{
	if (answer_probe.handler)
		unregister_kretprobe(&answer_probe);
	else
		unregister_kprobe(&call_probe);
}
module_exit(idle_faults_exit);

MODULE_DESCRIPTION("Faults for the tests of kvm_idle to find");
MODULE_LICENSE("GPL");
