/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port.c - the virtio-serial port, or the socket, that leads to the host, see port.h
 */
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

int port_open(struct port *port, const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : port_attach(port, fd, PORT_DEVICE);
}

int port_attach(struct port *port, int fd, enum port_kind kind)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int error;

	port->kind = kind;
	port->fd = fd;
	port->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (port->epoll_fd >= 0 && epoll_ctl(port->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	error = -errno;
	port_close(port);
	return error;
}

void port_close(struct port *port)
{
	if (port->epoll_fd >= 0)
		close(port->epoll_fd);
	close(port->fd);
}

ssize_t port_read(struct port *port, void *bytes, size_t size)
{
	ssize_t result;

	do {
		result = read(port->fd, bytes, size);
	} while (result < 0 && errno == EINTR);
	if (result < 0 && errno == EAGAIN)
		return 0;
	if (result == 0 && port->kind == PORT_SOCKET)
		return -EPIPE;
	return result < 0 ? -errno : result;
}

/* Sleep until something has changed; say what is so now, as EPOLL bits. */
static int wait_for_change(struct port *port, uint32_t *events)
{
	struct epoll_event event;
	int count;

	do {
		count = epoll_wait(port->epoll_fd, &event, 1, -1);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	*events = event.events;
	return 0;
}

int port_write(struct port *port, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size) {
		ssize_t written = write(port->fd, next, size);
		uint32_t events;
		int error;

		if (written >= 0) {
			next += written;
			size -= (size_t)written;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		error = wait_for_change(port, &events);
		if (error)
			return error;
		if (events & EPOLLHUP)
			return -EPIPE;
	}
	return 0;
}

int port_wait(struct port *port)
{
	uint32_t events;

	return wait_for_change(port, &events);
}
