/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock_listener.c - where the host connects to by vsock, see vsock_listener.h
 */
#define _GNU_SOURCE /* accept4 */
#include "vsock_listener.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <unistd.h>
#include "vmheat/guest_protocol.h"

int vsock_listener_open(void)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK,
				       .svm_cid = VMADDR_CID_ANY,
				       .svm_port = VMHEAT_GUEST_VSOCK_PORT };
	int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (listener < 0)
		return -errno;
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0)
		return listener;
	error = -errno;
	close(listener);
	return error;
}

int vsock_listener_accept(int listener)
{
	for (;;) {
		struct sockaddr_vm peer = { 0 };
		socklen_t size = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0 && peer.svm_cid == VMADDR_CID_HOST)
			return fd;
		if (fd >= 0)
			close(fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return -errno;
	}
}
