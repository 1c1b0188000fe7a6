/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_argument.h - the structures that ioctl() takes: they begin with their size, and may grow
 */
#ifndef KVM_IDLE_IDLE_ARGUMENT_H
#define KVM_IDLE_IDLE_ARGUMENT_H

#include <linux/minmax.h>
#include <linux/uaccess.h>

/**
 * get_argument() - copy a structure from the user
 * @argument: filled in, with zeros where the user's is shorter
 * @size:     its size
 * @least:    the size of the structure's first version
 *
 * Return: 0; -EFAULT; -EINVAL if the user's structure is smaller than @least; -E2BIG if it is larger than
 * @size and what exceeds is not zero, or if no structure will ever be that large.
 */
static inline int get_argument(void *argument, size_t size, size_t least, const void __user *user)
{
	u32 user_size;

	if (get_user(user_size, (const u32 __user *)user))
		return -EFAULT;
	if (user_size < least)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(argument, size, user, user_size);
}

/** put_argument() - copy it back, as much as the user knows; its first member is @user_size */
static inline int put_argument(void __user *user, const void *argument, size_t size, u32 user_size)
{
	return copy_to_user(user, argument, min_t(size_t, size, user_size)) ? -EFAULT : 0;
}

#endif /* KVM_IDLE_IDLE_ARGUMENT_H */
