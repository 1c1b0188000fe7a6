// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmm_client.c - the test VMM (tests/vmm) as a child process
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vmm_client.h"

#define VMM_NAME "vmm"

static void die(const char *what)
{
	printf("vmm_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The VMM's path: this program's, with another name. */
static void vmm_path(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (length < 0)
		die("/proc/self/exe");
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + sizeof(VMM_NAME) > size)
		die(path);
	memcpy(slash + 1, VMM_NAME, sizeof(VMM_NAME));
}

void vmm_start(struct vmm_client *vmm)
{
	int to[2], from[2];
	char path[4096];

	vmm_path(path, sizeof(path));
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("pipe");
	fflush(stdout);
	vmm->pid = fork();
	if (vmm->pid < 0)
		die("fork");
	if (vmm->pid == 0) {
		if (dup2(to[0], STDIN_FILENO) >= 0 && dup2(from[1], STDOUT_FILENO) >= 0)
			execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	vmm->to = fdopen(to[1], "w");
	vmm->from = fdopen(from[0], "r");
	if (!vmm->to || !vmm->from)
		die("fdopen");
	/* It answers once the VM is there. */
	vmm_command(vmm, "info");
}

void vmm_end(struct vmm_client *vmm, bool killed)
{
	if (killed)
		kill(vmm->pid, SIGKILL);
	fclose(vmm->to);
	fclose(vmm->from);
	waitpid(vmm->pid, NULL, 0);
}

const char *vmm_command(struct vmm_client *vmm, const char *format, ...)
{
	static char answer[4096];
	va_list arguments;

	va_start(arguments, format);
	vfprintf(vmm->to, format, arguments);
	va_end(arguments);
	fputc('\n', vmm->to);
	fflush(vmm->to);
	if (!fgets(answer, sizeof(answer), vmm->from))
		strcpy(answer, "no answer\n");
	if (strncmp(answer, "ok", 2) != 0) {
		printf("vmm_client: the VMM answered to \"%.60s...\": %s", format, answer);
		exit(1);
	}
	return answer + 2;
}

uintptr_t vmm_slot_add(struct vmm_client *vmm, unsigned int slot, size_t pages, enum backing backing,
		       size_t skew)
{
	static const char *const names[] = {
		[BACKING_SMALL] = "small",	     [BACKING_HUGE] = "huge",
		[BACKING_MEMFD] = "memfd",	     [BACKING_HUGETLB_2M] = "hugetlb-2m",
		[BACKING_HUGETLB_1G] = "hugetlb-1g", [BACKING_FILE] = "file",
	};

	return strtoull(vmm_command(vmm, "slot add %u %zu %s %zu", slot, pages, names[backing], skew), NULL,
			16);
}

void vmm_touch(struct vmm_client *vmm, const char *verb, char mode, unsigned int slot, const bool *set,
	       size_t pages)
{
	char *list = NULL, *separator = "";
	size_t size, first, end;
	FILE *stream = open_memstream(&list, &size);

	if (!stream)
		die("open_memstream");
	for (first = 0; first < pages; first = end + 1) {
		for (end = first; end < pages && set[end]; end++)
			;
		if (end == first)
			continue;
		fprintf(stream, "%s%zu-%zu", separator, first, end - 1);
		separator = ",";
	}
	fclose(stream);
	if (size)
		vmm_command(vmm, "%s %c %u %s", verb, mode, slot, list);
	free(list);
}

void vmm_loop_wait(struct vmm_client *vmm)
{
	unsigned long rounds = strtoul(vmm_command(vmm, "rounds"), NULL, 10);

	/* The round that is under way may have passed a page already. */
	while (strtoul(vmm_command(vmm, "rounds"), NULL, 10) < rounds + 2)
		;
}
