/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock_listener.h - where the host connects to by vsock
 */
#ifndef VMHEAT_GUEST_VSOCK_LISTENER_H
#define VMHEAT_GUEST_VSOCK_LISTENER_H

/** vsock_listener_open() - listen on VMHEAT_GUEST_VSOCK_PORT. A file descriptor or a negative errno. */
int vsock_listener_open(void);

/**
 * vsock_listener_accept() - wait for the host
 *
 * Any other peer, a process of this guest above all, is hung up on.
 *
 * Return: a non-blocking socket, which is the caller's, or a negative errno.
 */
int vsock_listener_accept(int listener);

#endif /* VMHEAT_GUEST_VSOCK_LISTENER_H */
