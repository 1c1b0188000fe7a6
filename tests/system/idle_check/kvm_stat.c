// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm_stat.c - what KVM itself says of its VMs, in debugfs
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kvm_stat.h"

#define STATISTICS "/sys/kernel/debug/kvm"

long kvm_tlb_flushes(void)
{
	FILE *file = fopen(STATISTICS "/tlb_flush", "r");
	long flushes = -1;
	char text[32];

	if (!file)
		return -1;
	if (fgets(text, sizeof(text), file))
		flushes = strtol(text, NULL, 10);
	fclose(file);
	return flushes;
}

/* There is a directory PID-FD for each VM. */
bool kvm_vm_exists(pid_t pid)
{
	DIR *directory = opendir(STATISTICS);
	struct dirent *entry;
	bool found = false;
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "%d-", (int)pid);
	while (directory && (entry = readdir(directory)))
		found = found || !strncmp(entry->d_name, prefix, strlen(prefix));
	if (directory)
		closedir(directory);
	return found;
}
