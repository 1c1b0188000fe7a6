/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_observer.c - an observer of one process's memory, see idle_observer.h
 *
 * A scan is made of calls of SCAN_BUDGET_US. The module looks at a process for one caller at a time, so this is also
 * how long another observer of the same VM waits for its turn.
 */
#include "idle_observer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SCAN_BUDGET_US 10000u

/* Room for memslots in the first call; most VMs have fewer. */
#define SLOTS_FIRST 32u

struct idle_observer {
	int pid;
	int fd;
	char *path;
};

G_DEFINE_QUARK(vmheat_idle_observer_error, idle_observer_error)

/* Turn the errno of what failed on the file into an error. Always FALSE. */
static gboolean fail(const struct idle_observer *observer, int number, GError **error)
{
	switch (number) {
	case ESRCH:
		g_set_error(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_GONE,
			    "process %d has ended or begun another program", observer->pid);
		break;
	case ENOENT:
		g_set_error(
			error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_UNAVAILABLE,
			"%s is missing: load the module that makes it with \"modprobe kvm_idle\" (if it is "
			"loaded: /sys/kernel/debug/kprobes/enabled must be 1)",
			observer->path);
		break;
	case EACCES:
	case EPERM:
		g_set_error(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_UNAVAILABLE,
			    "%s: %s: this takes the right to trace the process: be its user, or root",
			    observer->path, g_strerror(number));
		break;
	case ENOTTY:
	case E2BIG:
		g_set_error(
			error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_UNAVAILABLE,
			"%s: the kvm_idle that is loaded is older than this program: load the one that came "
			"with it",
			observer->path);
		break;
	case EOPNOTSUPP:
		g_set_error(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_UNAVAILABLE,
			    "process %d has a VM of a KVM that kvm_idle does not know: see the kernel's log",
			    observer->pid);
		break;
	default:
		g_set_error(error, IDLE_OBSERVER_ERROR, IDLE_OBSERVER_ERROR_FAILED, "%s: %s", observer->path,
			    g_strerror(number));
	}
	return FALSE;
}

struct idle_observer *idle_observer_new(const char *proc, pid_t pid, GError **error)
{
	g_autofree char *process = g_strdup_printf("%s/%d", proc, (int)pid);
	struct idle_observer *observer = g_new(struct idle_observer, 1);

	*observer = (struct idle_observer){ .pid = (int)pid,
					    .path = g_strconcat(process, "/" VMHEAT_IDLE_BITMAP_NAME, NULL) };
	observer->fd = open(observer->path, O_RDONLY | O_CLOEXEC);
	if (observer->fd >= 0)
		return observer;
	fail(observer, errno == ENOENT && access(process, F_OK) != 0 ? ESRCH : errno, error);
	idle_observer_free(observer);
	return NULL;
}

void idle_observer_free(struct idle_observer *observer)
{
	if (observer == NULL)
		return;
	if (observer->fd >= 0)
		close(observer->fd);
	g_free(observer->path);
	g_free(observer);
}

/* Add to @sum what @part, which went on where @sum ended, says. */
static void add_part(struct vmheat_idle_scan *sum, const struct vmheat_idle_scan *part)
{
	sum->next = part->next;
	if (part->window_max_ns != 0 && (sum->window_max_ns == 0 || part->window_min_ns < sum->window_min_ns))
		sum->window_min_ns = part->window_min_ns;
	sum->window_max_ns = MAX(sum->window_max_ns, part->window_max_ns);
	sum->pages_present += part->pages_present;
	sum->pages_accessed += part->pages_accessed;
	sum->pages_first += part->pages_first;
	sum->pages_skipped += part->pages_skipped;
	sum->paths |= part->paths;
}

/* The address in @array, with so many bytes for each block of the range, for what follows sum->next; 0 if unwanted. */
static guint64 array_at_next(const struct vmheat_idle_scan *sum, guint64 array, gsize block_bytes)
{
	guint64 blocks = (sum->next - sum->start) >> VMHEAT_IDLE_BITMAP_BLOCK_SHIFT;

	return array == 0 ? 0 : array + blocks * block_bytes;
}

gboolean idle_observer_scan(struct idle_observer *observer, struct vmheat_idle_scan *scan, GError **error)
{
	const gsize block_bytes =
		(1u << VMHEAT_IDLE_BITMAP_BLOCK_SHIFT) >> VMHEAT_IDLE_BITMAP_PAGE_SHIFT >> 3;
	struct vmheat_idle_scan sum = { .size = sizeof(sum),
					.flags = scan->flags,
					.start = scan->start,
					.end = scan->end,
					.accessed = scan->accessed,
					.present = scan->present,
					.coarse = scan->coarse,
					.leaves = scan->leaves,
					.next = scan->start };

	do {
		struct vmheat_idle_scan part = { .size = sizeof(part),
						 .flags = sum.flags,
						 .start = sum.next,
						 .end = sum.end,
						 .budget_us = SCAN_BUDGET_US,
						 .accessed = array_at_next(&sum, sum.accessed, block_bytes),
						 .present = array_at_next(&sum, sum.present, block_bytes),
						 .coarse = array_at_next(&sum, sum.coarse, block_bytes),
						 .leaves = array_at_next(&sum, sum.leaves, 1) };

		if (ioctl(observer->fd, VMHEAT_IDLE_IOC_SCAN, &part) != 0)
			return fail(observer, errno, error);
		/* At least one block is done, whatever the budget. */
		if (part.next > part.end || (part.next == part.start && part.start != part.end))
			return fail(observer, EPROTO, error);
		add_part(&sum, &part);
	} while (sum.next < sum.end);
	*scan = sum;
	return TRUE;
}

gboolean idle_observer_check(struct idle_observer *observer, GError **error)
{
	struct vmheat_idle_scan nothing = { 0 };

	return idle_observer_scan(observer, &nothing, error);
}

GArray *idle_observer_memslots(struct idle_observer *observer, GError **error)
{
	g_autoptr(GArray) slots = g_array_new(FALSE, TRUE, sizeof(struct vmheat_idle_memslot));
	struct vmheat_idle_memslots argument = { .count = SLOTS_FIRST };

	/* There may be more by the next call. */
	do {
		g_array_set_size(slots, argument.count);
		argument = (struct vmheat_idle_memslots){ .size = sizeof(argument),
							  .slot_size = sizeof(struct vmheat_idle_memslot),
							  .slots = (uintptr_t)slots->data,
							  .capacity = slots->len };
		if (ioctl(observer->fd, VMHEAT_IDLE_IOC_MEMSLOTS, &argument) != 0) {
			fail(observer, errno, error);
			return NULL;
		}
	} while (argument.count > argument.capacity);
	g_array_set_size(slots, argument.count);
	return g_steal_pointer(&slots);
}
