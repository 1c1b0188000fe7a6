/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * young.h - the kernel's own use of accessed bits: what it takes, and what it is owed
 */
#ifndef KVM_IDLE_YOUNG_H
#define KVM_IDLE_YOUNG_H

#include <linux/types.h>

/** young_start() - begin to watch. Return: 0, or a negative errno, after a message. */
int young_start(void);

/** young_stop() - end it; on return nobody is on the way to idle_state.c */
void young_stop(void);

/** young_watches_kvm() - whether KVM's aging is watched: without that a VM must not be observed */
bool young_watches_kvm(void);

/** young_watches_shadow_pages() - the same for what KVM does to shadow pages, and a VM that has any */
bool young_watches_shadow_pages(void);

#endif /* KVM_IDLE_YOUNG_H */
