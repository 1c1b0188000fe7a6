// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proc_entry.c - the entry idle_bitmap in /proc/PID and /proc/PID/task/TID
 *
 * Theory of operation
 * -------------------
 * fs/proc has no interface for adding to /proc/PID: what stands there is in a constant table of struct
 * pid_entry, and what stands in /proc/PID/task/TID in another. Both are passed to proc_pident_lookup() and
 * proc_pident_readdir(). Probes on these two swap the table that they are called with for a copy with one
 * entry more. All the rest, the inode, its owner, revalidation, hidepid, is the kernel's own work.
 *
 * The new entry has the file operations of "pagemap", so no inode ever points into this module, and an open
 * makes pagemap's own permission check, and leaves the mm in file->private_data. A third probe, on pagemap's
 * open(), recognises our entry by its name and gives the file our operations, with a reference to the module;
 * the kernel drops it with the file, or if open() then fails.
 *
 * Unloading, at any moment:
 * - A call that was given our table may sleep in the middle with a pointer into it, getdents() as long as its
 *   caller likes (a page fault on its buffer, served by userfaultfd). Waiting for a grace period would not
 *   cover that. So the two probes are return probes, and each such call holds the module until it returns. If
 *   the probe has no room left to follow one more call, that call gets the kernel's table.
 * - An open that finds the module going is sent to fail_open() instead of pagemap's open().
 * - Dentries that are cached would become pagemap under a wrong name, so all are invalidated once no new ones
 *   can appear.
 * What can remain is an O_PATH descriptor from before: opened through /proc/self/fd it is a pagemap, after
 * pagemap's check.
 *
 * A table is learnt by looking up our own name once. If the kernel has inlined the probed functions (seen
 * in kernels built without CONFIG_FORTIFY_SOURCE) the module refuses to load.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <vmheat/idle_bitmap.h>
#include "idle_file.h"
#include "proc_entry.h"

/* As in fs/proc/base.c; the same in 6.1, 6.12 and 7.2. The union there holds one pointer. */
struct pid_entry {
	const char *name;
	unsigned int len;
	umode_t mode;
	const struct inode_operations *iop;
	const struct file_operations *fop;
	void *op;
};

/* No kernel has nearly as many entries; a longer table is not the one that we look for. */
#define MAX_ENTRIES 256
/* Calls that can be followed at a time. */
#define MAX_CALLS 256

/**
 * struct pid_table - the table of one of the two folders
 * @path:     our entry there, for the task that looks
 * @learner:  while the module loads: the task whose lookup shows the table
 * @kernel:   the kernel's table, NULL before it is learnt
 * @nr:       its entries
 * @extended: a copy with our entry at the end, NULL while it must not be used
 */
struct pid_table {
	const char *path;
	const struct task_struct *learner;
	const struct pid_entry *kernel;
	unsigned int nr;
	struct pid_entry *extended;
};

static struct pid_table tables[] = {
	{ .path = "/proc/self/" VMHEAT_IDLE_BITMAP_NAME },
	{ .path = "/proc/thread-self/" VMHEAT_IDLE_BITMAP_NAME },
};

static const struct file_operations *pagemap_operations;
static const struct file_operations *idle_operations;

static bool is_our_name(const struct qstr *name)
{
	return name->len == strlen(VMHEAT_IDLE_BITMAP_NAME) &&
	       !memcmp(name->name, VMHEAT_IDLE_BITMAP_NAME, name->len);
}

/* Learn the table that a lookup is called with, if somebody waits for it. */
static void see_table(const struct pid_entry *entries, const struct pid_entry *end)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		if (tables[i].learner == current) {
			tables[i].kernel = entries;
			tables[i].nr = end - entries;
		}
	}
}

/*
 * The extended copy of a table that a call has been given. Return: its table, with a reference to the module
 * held, or NULL.
 */
static const struct pid_table *get_extended(const struct pid_entry *entries)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		/* Pairs with the release in use_tables(). */
		if (smp_load_acquire(&tables[i].extended) && tables[i].kernel == entries)
			return try_module_get(THIS_MODULE) ? &tables[i] : NULL;
	}
	return NULL;
}

/*
 * struct dentry *proc_pident_lookup(struct inode *dir, struct dentry *dentry, const struct pid_entry *p,
 *				     const struct pid_entry *end)
 */
static int enter_lookup(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct dentry *dentry = (void *)regs->si;
	const struct pid_table *table;

	if (!is_our_name(&dentry->d_name))
		return 1;
	see_table((void *)regs->dx, (void *)regs->cx);
	table = get_extended((void *)regs->dx);
	if (!table)
		return 1;
	regs->dx = (unsigned long)table->extended;
	regs->cx = (unsigned long)(table->extended + table->nr + 1);
	return 0;
}

/*
 * int proc_pident_readdir(struct file *file, struct dir_context *ctx, const struct pid_entry *ents, unsigned
 * int nents)
 */
static int enter_readdir(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct pid_table *table = get_extended((void *)regs->dx);

	if (!table)
		return 1;
	regs->dx = (unsigned long)table->extended;
	regs->cx = table->nr + 1;
	return 0;
}

/* The call that was given our table has returned. */
static int leave_call(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	module_put(THIS_MODULE);
	return 0;
}

static struct kretprobe lookup_probe = {
	.kp.symbol_name = "proc_pident_lookup",
	.entry_handler = enter_lookup,
	.handler = leave_call,
	.maxactive = MAX_CALLS,
};

static struct kretprobe readdir_probe = {
	.kp.symbol_name = "proc_pident_readdir",
	.entry_handler = enter_readdir,
	.handler = leave_call,
	.maxactive = MAX_CALLS,
};

/* Stands in for pagemap's open() while the module is going. */
static int fail_open(struct inode *inode, struct file *file)
{
	return -ENOENT;
}

static int enter_open(struct kprobe *probe, struct pt_regs *regs)
{
	struct file *file = (void *)regs->si;

	if (!is_our_name(&file->f_path.dentry->d_name))
		return 0;
	if (!try_module_get(THIS_MODULE)) {
		regs->ip = (unsigned long)fail_open;
		return 1;
	}
	file->f_op = idle_operations;
	return 0;
}

/*
 * A probe that may change regs->ip must have a post handler: only then ftrace lets it, and keeps others from
 * doing so.
 */
static void after_open(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe open_probe = {
	.pre_handler = enter_open,
	.post_handler = after_open,
};

static int add_probe(struct kretprobe *probe)
{
	int ret = register_kretprobe(probe);

	if (!ret)
		return 0;
	pr_err("cannot probe %s (error %d)%s\n", probe->kp.symbol_name, ret,
	       ret == -ENOENT ? ": this kernel has inlined it, as kernels without CONFIG_FORTIFY_SOURCE do"
			      : "");
	return -EOPNOTSUPP; /* for -ENOENT insmod would tell of an unknown symbol */
}

/* Look our own name up, so that the probe sees the table. */
static int learn_table(struct pid_table *table)
{
	struct path path;
	int ret;

	table->learner = current;
	ret = kern_path(table->path, 0, &path);
	table->learner = NULL;
	if (!ret) {
		path_put(&path);
		pr_err("%s exists already\n", table->path);
		return -EEXIST;
	}
	if (!table->kernel || table->nr == 0 || table->nr > MAX_ENTRIES) {
		pr_err("the table behind %s was not seen; is proc mounted on /proc?\n", table->path);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Find "pagemap" in a copy of the table. */
static const struct pid_entry *find_pagemap(const struct pid_entry *entries, unsigned int nr)
{
	static const char name[] = "pagemap";
	char found[sizeof(name)];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (entries[i].len == strlen(name) &&
		    !copy_from_kernel_nofault(found, entries[i].name, sizeof(found)) && !strcmp(found, name))
			return &entries[i];
	}
	return NULL;
}

static struct pid_entry *copy_table(const struct pid_table *table)
{
	struct pid_entry *copy = kcalloc(table->nr + 1, sizeof(*copy), GFP_KERNEL);
	const struct pid_entry *pagemap;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (copy_from_kernel_nofault(copy, table->kernel, table->nr * sizeof(*copy)))
		pagemap = NULL;
	else
		pagemap = find_pagemap(copy, table->nr);
	if (!pagemap || !pagemap->fop || !pagemap->fop->open ||
	    (pagemap_operations && pagemap->fop != pagemap_operations)) {
		pr_err("the table behind %s is not laid out as expected, or has no pagemap\n", table->path);
		kfree(copy);
		return ERR_PTR(-EOPNOTSUPP);
	}
	pagemap_operations = pagemap->fop;
	copy[table->nr] = *pagemap;
	copy[table->nr].name = VMHEAT_IDLE_BITMAP_NAME;
	copy[table->nr].len = strlen(VMHEAT_IDLE_BITMAP_NAME);
	copy[table->nr].mode = S_IFREG | 0600;
	return copy;
}

/*
 * Learn and copy all tables. Return: 0 with @copies to be freed by the caller, who need not use them; or a
 * negative errno.
 */
static int copy_tables(struct pid_entry **copies)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		ret = learn_table(&tables[i]);
		if (ret)
			goto free_copies;
		copies[i] = copy_table(&tables[i]);
		if (IS_ERR(copies[i])) {
			ret = PTR_ERR(copies[i]);
			goto free_copies;
		}
	}
	return 0;

free_copies:
	while (i--)
		kfree(copies[i]);
	return ret;
}

/* Invalidate the cached dentries of our entry in one instance of proc. */
static void sweep_super(struct super_block *super, void *unused)
{
	struct inode *inode, *held = NULL;
	struct dentry *dentry;

	spin_lock(&super->s_inode_list_lock);
	list_for_each_entry(inode, &super->s_inodes, i_sb_list) {
		if (inode->i_fop != pagemap_operations || !igrab(inode))
			continue;
		spin_unlock(&super->s_inode_list_lock);
		iput(held);
		held = inode;
		dentry = d_find_any_alias(inode);
		if (dentry && is_our_name(&dentry->d_name))
			d_invalidate(dentry);
		dput(dentry);
		cond_resched();
		/* The inode that is held is still on the list: go on from there. */
		spin_lock(&super->s_inode_list_lock);
	}
	spin_unlock(&super->s_inode_list_lock);
	iput(held);
}

static void sweep_dentries(void)
{
	struct file_system_type *proc = get_fs_type("proc");

	if (proc)
		iterate_supers_type(proc, sweep_super, NULL);
	/* proc is never a module: get_fs_type() took no reference. */
}

static void del_table_probes(void)
{
	struct kretprobe *probes[] = { &lookup_probe, &readdir_probe };
	unsigned int i;

	unregister_kretprobes(probes, ARRAY_SIZE(probes));
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		kfree(tables[i].extended);
}

/* From now on the entry appears. */
static void use_tables(struct pid_entry **copies)
{
	unsigned int i;

	/* Whoever sees a copy sees what is in it. */
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		smp_store_release(&tables[i].extended, copies[i]);
}

static int add_open_probe(void)
{
	int ret;

	idle_operations = idle_file_operations(pagemap_operations);
	open_probe.addr = (void *)pagemap_operations->open;
	ret = register_kprobe(&open_probe);
	if (ret)
		pr_err("cannot probe the open function of pagemap (error %d); is it live-patched?\n", ret);
	return ret;
}

int proc_entry_add(void)
{
	struct pid_entry *copies[ARRAY_SIZE(tables)];
	unsigned int i;
	int ret;

	ret = add_probe(&lookup_probe);
	if (ret)
		return ret;
	ret = add_probe(&readdir_probe);
	if (ret) {
		unregister_kretprobe(&lookup_probe);
		return ret;
	}
	ret = copy_tables(copies);
	if (ret)
		goto del_probes;
	ret = add_open_probe();
	if (ret)
		goto free_copies;
	use_tables(copies);
	return 0;

free_copies:
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		kfree(copies[i]);
del_probes:
	del_table_probes();
	return ret;
}

void proc_entry_del(void)
{
	del_table_probes();
	sweep_dentries();
	unregister_kprobe(&open_probe);
	/* A task may have been preempted on its way through fail_open(). */
	synchronize_rcu_tasks();
}
