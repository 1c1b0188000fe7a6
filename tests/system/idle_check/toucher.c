// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * toucher.c - an ordinary process that touches the pages it is told to
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "toucher.h"

#define PAGE	  4096UL
#define HUGE_SIZE (2UL << 20)
#define RETURN	  0xc3 /* the x86 instruction */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void transfer(ssize_t (*call)(int, void *, size_t), int socket, void *data, size_t size)
{
	ssize_t done;

	for (; size; size -= done, data = (char *)data + done) {
		done = call(socket, data, size);
		if (done <= 0)
			_exit(1);
	}
}

static ssize_t send_some(int socket, void *data, size_t size)
{
	return send(socket, data, size, MSG_NOSIGNAL);
}

static void touch_page(volatile uint8_t *page, char mode)
{
	switch (mode) {
	case 'r':
		(void)*page;
		break;
	case 'w':
		*page = RETURN;
		break;
	case 'x':
		((void (*)(void))(uintptr_t)page)();
		break;
	case 'u':
		madvise((void *)(uintptr_t)page, PAGE, MADV_DONTNEED);
		break;
	}
}

static void serve(const struct toucher *toucher, int socket)
{
	bool *set = malloc(toucher->pages);
	char mode;
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!set)
		_exit(1);
	for (;;) {
		transfer(read, socket, &mode, 1);
		transfer(read, socket, set, toucher->pages);
		for (i = 0; i < toucher->pages; i++) {
			if (set[i])
				touch_page((uint8_t *)toucher->address + i * PAGE, mode);
		}
		transfer(send_some, socket, &mode, 1);
	}
}

void toucher_start(struct toucher *toucher, size_t pages, bool huge)
{
	size_t size = pages * PAGE + HUGE_SIZE;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int sockets[2];

	if (map == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		die("toucher");
	madvise(map, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	toucher->address = ((uintptr_t)map + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	toucher->pages = pages;
	fflush(stdout);
	toucher->pid = fork();
	if (toucher->pid < 0)
		die("fork");
	if (toucher->pid == 0) {
		close(sockets[0]);
		serve(toucher, sockets[1]);
	}
	close(sockets[1]);
	toucher->socket = sockets[0];
	munmap(map, size);
}

void toucher_end(struct toucher *toucher)
{
	close(toucher->socket);
	kill(toucher->pid, SIGKILL);
	waitpid(toucher->pid, NULL, 0);
}

void toucher_touch(struct toucher *toucher, char mode, const bool *set)
{
	char answer = mode;

	transfer(send_some, toucher->socket, &answer, 1);
	transfer(send_some, toucher->socket, (void *)set, toucher->pages);
	transfer(read, toucher->socket, &answer, 1);
}
