/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port.h - the virtio-serial port, or the socket, that leads to the host
 *
 * Theory of operation
 *
 * The port outlives its host side: the daemon comes and goes, and meanwhile the kernel
 * (drivers/char/virtio_console.c) answers reads with 0 bytes, writes with EAGAIN, and every poll at once with
 * POLLHUP. Waiting therefore is for a *change*, by an edge-triggered epoll: the kernel wakes it for data, for
 * room and when the host comes or goes, and between these the agent does not run at all. An edge is told
 * once; so whoever waits must have read or written until there was nothing more to do.
 *
 * A socket is waited for likewise, but ends when the host leaves.
 */
#ifndef VMHEAT_GUEST_PORT_H
#define VMHEAT_GUEST_PORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** What is behind a port. */
enum port_kind {
	PORT_DEVICE, /* of virtio-serial */
	PORT_SOCKET, /* a connected stream */
};

/** An open port; private to port.c. */
struct port {
	enum port_kind kind;
	int fd;
	int epoll_fd;
};

/** port_open() - open the port's device. One process at a time can (EBUSY). 0 or a negative errno. */
int port_open(struct port *port, const char *path);

/** port_attach() - use the open non-blocking @fd, which the port owns, whatever is returned: 0 or a negative errno. */
int port_attach(struct port *port, int fd, enum port_kind kind);

void port_close(struct port *port);

/**
 * port_read() - read what is there
 *
 * Return: bytes read; 0 if there is nothing now; a negative errno if the port is gone (-EPIPE: the host left a
 * socket).
 */
ssize_t port_read(struct port *port, void *bytes, size_t size);

/**
 * port_write() - write all of @bytes, waiting for room
 *
 * Return: 0; -EPIPE if the host left meanwhile, the rest is dropped; another negative errno if writing
 * failed.
 */
int port_write(struct port *port, const void *bytes, size_t size);

/** port_wait() - sleep until something has changed. 0 or a negative errno. */
int port_wait(struct port *port);

#endif /* VMHEAT_GUEST_PORT_H */
