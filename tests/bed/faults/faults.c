// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * faults.c - faults to be found by the debug kernel, so that its silence about the module means something
 *
 * Loading the module with fault=NAME commits one.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault = "";
module_param(fault, charp, 0);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spinlock);

/* Two locks taken in both orders: nobody need ever wait for it to be reported. */
static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_under_spinlock(void)
{
	spin_lock(&spinlock);
	might_sleep();
	spin_unlock(&spinlock);
}

static void leak(void)
{
	/* Overwritten, because what remains in a register or on the stack would not count as lost. */
	char *volatile lost = kmalloc(4000, GFP_KERNEL);

	lost = NULL;
	(void)lost;
}

static void use_after_free(void)
{
	volatile char *freed = kmalloc(64, GFP_KERNEL);

	kfree((void *)freed);
	if (freed)
		READ_ONCE(freed[1]);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "lock-order", lock_order },
	{ "sleep", sleep_under_spinlock },
	{ "leak", leak },
	{ "use-after-free", use_after_free },
};

static int __init faults_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}
module_init(faults_init);

static void __exit faults_exit(void)
{
}
module_exit(faults_exit);

MODULE_DESCRIPTION("Faults for a debug kernel to find");
MODULE_LICENSE("GPL");
