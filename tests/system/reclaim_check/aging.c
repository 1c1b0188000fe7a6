// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * aging.c - how often the host's reclaim asks whether pages are young, counted by the kernel's own event tracing
 *
 * A kprobe event on each function by which it asks, with a histogram that counts the hits in the address range.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "aging.h"
#include "cgroup_child.h"

#define TRACING "/sys/kernel/debug/tracing/"
#define GROUP	"vmheat_aging"

struct function {
	const char *name;
	const char *address; /* the register that it is passed in */
};

static const struct function of_kvm[] = {
	{ "kvm_mmu_notifier_clear_flush_young", "%dx" },
	{ "kvm_mmu_notifier_clear_young", "%dx" },
	{ NULL, NULL },
};
static const struct function of_host[] = {
	{ "ptep_test_and_clear_young", "%si" },
	{ "ptep_clear_flush_young", "%si" },
	{ "pmdp_test_and_clear_young", "%si" },
	{ "pmdp_clear_flush_young", "%si" },
	{ NULL, NULL },
};

static const struct function *functions;
static uintptr_t range_start, range_end;

static void write_text(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* Add (prefix "") or remove (prefix "!") the histogram of a function's event. */
static void write_trigger(const struct function *function, const char *prefix)
{
	char path[256], text[256];

	snprintf(path, sizeof(path), TRACING "events/" GROUP "/%s/trigger", function->name);
	snprintf(text, sizeof(text), "%shist:keys=common_pid if address >= 0x%lx && address < 0x%lx\n",
		 prefix, (unsigned long)range_start, (unsigned long)range_end);
	write_text(path, text, 0);
}

void aging_start(bool vm, uintptr_t start, uintptr_t end)
{
	char text[256];
	const struct function *function;

	functions = vm ? of_kvm : of_host;
	range_start = start;
	range_end = end;
	for (function = functions; function->name; function++) {
		snprintf(text, sizeof(text), "p:" GROUP "/%s %s address=%s:x64\n", function->name,
			 function->name, function->address);
		write_text(TRACING "kprobe_events", text, O_APPEND);
		write_trigger(function, "");
	}
}

void aging_stop(void)
{
	char text[256];
	const struct function *function;

	for (function = functions; function->name; function++) {
		write_trigger(function, "!");
		snprintf(text, sizeof(text), "-:" GROUP "/%s\n", function->name);
		write_text(TRACING "kprobe_events", text, O_APPEND);
	}
}

uint64_t aging_count(void)
{
	char path[256], line[256];
	uint64_t sum = 0;
	const struct function *function;
	FILE *hist;

	for (function = functions; function->name; function++) {
		snprintf(path, sizeof(path), TRACING "events/" GROUP "/%s/hist", function->name);
		hist = fopen(path, "re");
		if (!hist)
			die(path);
		while (fgets(line, sizeof(line), hist)) {
			const char *hits = strstr(line, "Hits: ");

			if (hits)
				sum += strtoull(hits + strlen("Hits: "), NULL, 10);
		}
		fclose(hist);
	}
	return sum;
}

void probes_arm(bool armed)
{
	write_text("/sys/kernel/debug/kprobes/enabled", armed ? "1" : "0", 0);
}
