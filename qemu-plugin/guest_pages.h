/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_pages.h - the guest pages that virtual processors read, write and execute
 *
 * A page is named by its guest frame number: the guest-physical address as the guest itself and KVM's memslots
 * count it. An access that crosses from one page to the next is one of both. Of a guest's guest, too, it is the
 * guest's page.
 *
 * Not seen, because QEMU does not tell: what page-table walks and the delivery of interrupts read and write,
 * and all that devices do.
 */
#ifndef QEMU_PLUGIN_GUEST_PAGES_H
#define QEMU_PLUGIN_GUEST_PAGES_H

#include "qemu_api.h"

struct guest_page_recorder {
	/* Virtual processor @vcpu has accessed page @gfn. On that processor's thread. */
	void (*record)(unsigned int vcpu, uint64_t gfn);

	/* There was an access to memory, and QEMU does not tell to which. Likewise. */
	void (*lost)(void);
};

/**
 * guest_pages_start() - at the start; the recorder stays where it is.
 *
 * Return: 0, or -1 when it has said why not.
 */
int guest_pages_start(const struct guest_page_recorder *recorder);

/** guest_pages_watch() - in a translate callback: record what this block accesses whenever it runs. */
void guest_pages_watch(struct qemu_plugin_tb *block);

#endif /* QEMU_PLUGIN_GUEST_PAGES_H */
