/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port-request.c - sends one line to a Unix socket and prints the one line that comes back
 *
 * Usage: port-request SOCKET SECONDS LINE
 * Exit code: 0 answered, 1 no answer within SECONDS or the connection broke, 2 wrong usage.
 *
 * The socket is the host's end of a guest's virtio-serial port. QEMU takes one client at a time and drops
 * what a guest writes while there is none, so a late answer to an earlier request is not met here.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_line(int fd, const char *line)
{
	size_t left = strlen(line);

	while (left > 0) {
		ssize_t sent = send(fd, line, left, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		line += sent;
		left -= (size_t)sent;
	}
	return send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
}

/* Copies what comes to stdout, up to and with the first newline. */
static bool print_reply(int fd, long long deadline_ms)
{
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		long long left_ms = deadline_ms - now_ms();
		char byte;

		if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (read(fd, &byte, 1) != 1) {
			errno = ECONNRESET;
			return false;
		}
		putchar(byte);
		if (byte == '\n')
			return fflush(stdout) == 0;
	}
}

int main(int argc, char **argv)
{
	char *end = NULL;
	long seconds = argc == 4 ? strtol(argv[2], &end, 10) : 0;
	bool answered;
	int fd;

	if (argc != 4 || *end != '\0' || seconds < 1 || seconds > 3600) {
		fprintf(stderr, "usage: port-request SOCKET SECONDS(1..3600) LINE\n");
		return 2;
	}
	fd = connect_to(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "port-request: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	answered = send_line(fd, argv[3]) && print_reply(fd, now_ms() + seconds * 1000LL);
	if (!answered)
		fprintf(stderr, "port-request: %s: no answer to \"%s\": %s\n", argv[1], argv[3],
			strerror(errno));
	close(fd);
	return answered ? 0 : 1;
}
