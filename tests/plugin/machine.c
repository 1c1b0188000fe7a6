// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * machine.c - a QEMU with the plugin and the test guest, see machine.h
 */
#define _GNU_SOURCE
#include "machine.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_SECONDS 20L
#define GIB	     (1024 * MIB)

/* What a q35 machine does: all of its boot memory lies low if it is less than that, else so much. */
#define LOW_LIMIT     (2816 * MIB)
#define LOW_BYTES     (2 * GIB)

#define ENTRY_PRESENT 0x3u /* and writable */
#define ENTRY_LARGE   0x80u

struct machine *machine_new(const char *folder, const guint64 *pieces_mib, guint64 dimm_mib)
{
	struct machine *machine = g_new0(struct machine, 1);
	guint64 boot = 0;

	for (gsize i = 0; i < PIECES_MAX; i++) {
		struct piece *piece = &machine->pieces[machine->piece_count];
		gboolean is_dimm = pieces_mib[i] == 0;

		*piece = (struct piece){ .bytes = (is_dimm ? dimm_mib : pieces_mib[i]) * MIB,
					 .is_dimm = is_dimm };
		if (piece->bytes == 0)
			break;
		piece->fd = memfd_create("memory", 0);
		g_assert_true(piece->fd >= 0 && ftruncate(piece->fd, (off_t)piece->bytes) == 0);
		piece->data = mmap(NULL, piece->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
				   piece->fd, 0);
		g_assert_true(piece->data != MAP_FAILED);
		machine->piece_count++;
		if (is_dimm)
			break;
		boot += piece->bytes;
	}
	machine->low_bytes = boot < LOW_LIMIT ? boot : LOW_BYTES;
	machine->map = g_build_filename(folder, "guest.map", NULL);
	machine->monitor = g_build_filename(folder, "monitor", NULL);
	return machine;
}

void machine_free(struct machine *machine)
{
	machine_stop(machine);
	for (gsize i = 0; i < machine->piece_count; i++) {
		munmap(machine->pieces[i].data, machine->pieces[i].bytes);
		close(machine->pieces[i].fd);
	}
	unlink(machine->map);
	g_free(machine->map);
	g_free(machine->monitor);
	g_free(machine);
}

guint8 *machine_page(const struct machine *machine, guint64 gfn)
{
	guint64 address = gfn * PAGE, offset;

	for (gsize i = 0; i < machine->piece_count; i++) {
		const struct piece *piece = &machine->pieces[i];

		if (piece->is_dimm && piece->gfn != 0 && gfn >= piece->gfn &&
		    gfn - piece->gfn < piece->bytes / PAGE)
			return piece->data + (gfn - piece->gfn) * PAGE;
	}
	if (address >= 4 * GIB)
		offset = address - 4 * GIB + machine->low_bytes;
	else if (address < machine->low_bytes)
		offset = address;
	else
		return NULL;
	for (gsize i = 0; i < machine->piece_count && !machine->pieces[i].is_dimm; i++) {
		if (offset < machine->pieces[i].bytes)
			return machine->pieces[i].data + offset;
		offset -= machine->pieces[i].bytes;
	}
	return NULL;
}

volatile guint64 *machine_mailbox(const struct machine *machine, guint processor, guint64 offset)
{
	return (volatile guint64 *)(void *)(machine_page(machine, GUEST_MAILBOX / PAGE + processor) + offset);
}

/* Entry number @index of the page table @table pages behind the first. */
static guint64 *table_entry(const struct machine *machine, guint table, guint index)
{
	return &((guint64 *)(void *)machine_page(machine, GUEST_TABLES / PAGE + table))[index];
}

static guint64 table_address(guint table)
{
	return (GUEST_TABLES + (guint64)table * PAGE) | ENTRY_PRESENT;
}

/* All of the machine's addresses as they are, by pages of 1 GiB; and the window, empty. */
static void make_page_tables(const struct machine *machine)
{
	*table_entry(machine, 0, 0) = table_address(1);
	for (guint i = 0; i < 512; i++)
		*table_entry(machine, 1, i) = (i * GIB) | ENTRY_LARGE | ENTRY_PRESENT;
	*table_entry(machine, 0, 1) = table_address(2);
	*table_entry(machine, 2, 0) = table_address(3);
	*table_entry(machine, 3, 0) = table_address(4);
}

/* Boot memory: one backend is the machine's, several are NUMA nodes. */
static void add_memory(const struct machine *machine, GPtrArray *arguments)
{
	gsize boot_pieces = 0;
	guint64 boot = 0;

	for (gsize i = 0; i < machine->piece_count; i++) {
		const struct piece *piece = &machine->pieces[i];

		if (piece->is_dimm)
			continue;
		g_ptr_array_add(arguments, g_strdup("-object"));
		g_ptr_array_add(arguments,
				g_strdup_printf("memory-backend-file,id=m%zu,size=%" G_GUINT64_FORMAT
						"M,mem-path=/proc/self/fd/%d,share=on",
						i, piece->bytes / MIB, piece->fd));
		boot += piece->bytes;
		boot_pieces++;
	}
	g_ptr_array_add(arguments, g_strdup("-m"));
	g_ptr_array_add(arguments, g_strdup_printf("%" G_GUINT64_FORMAT "M,slots=2,maxmem=16G", boot / MIB));
	g_ptr_array_add(arguments, g_strdup("-machine"));
	g_ptr_array_add(arguments,
			g_strdup_printf("q35,smm=off%s", boot_pieces == 1 ? ",memory-backend=m0" : ""));
	for (gsize i = 0; i < boot_pieces && boot_pieces > 1; i++) {
		g_ptr_array_add(arguments, g_strdup("-numa"));
		g_ptr_array_add(arguments, g_strdup_printf("node,memdev=m%zu", i));
	}
}

pid_t machine_run_qemu(const struct machine *machine, const char *qemu, const char *const *extra,
		       const char *log)
{
	static const char *const fixed[] = { "-nodefaults",
					     "-display",
					     "none",
					     "-vga",
					     "none",
					     "-smp",
					     "2",
					     "-cpu",
					     "qemu64,+pdpe1gb",
					     "-kernel",
					     "build/test/plugin/guest.bin" };
	g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
	pid_t pid;

	g_ptr_array_add(arguments, g_strdup(qemu));
	for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
		g_ptr_array_add(arguments, g_strdup(fixed[i]));
	add_memory(machine, arguments);
	g_ptr_array_add(arguments, g_strdup("-plugin"));
	g_ptr_array_add(arguments, g_strdup_printf("build/bin/libvmheat-plugin.so,map=%s", machine->map));
	g_ptr_array_add(arguments, g_strdup("-qmp"));
	g_ptr_array_add(arguments, g_strdup_printf("unix:%s,server=on,wait=off", machine->monitor));
	for (; *extra != NULL; extra++)
		g_ptr_array_add(arguments, g_strdup(*extra));
	g_ptr_array_add(arguments, NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	/* Nothing is left running, however the test ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log == NULL || dup2(open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO) >= 0)
		execvp(qemu, (char **)arguments->pdata);
	_exit(127);
}

gboolean machine_start(struct machine *machine, const char *qemu, const char *const *extra)
{
	make_page_tables(machine);
	/* Both say that they are there by saying that nothing is done. */
	for (guint i = 0; i < GUEST_PROCESSORS; i++) {
		*machine_mailbox(machine, i, MAILBOX_GO) = 1;
		*machine_mailbox(machine, i, MAILBOX_DONE) = 0;
		*machine_mailbox(machine, i, MAILBOX_COMMANDS) = COMMAND_END;
	}
	machine->pid = machine_run_qemu(machine, qemu, extra, NULL);
	return machine->pid > 0 && machine_wait_done(machine);
}

void machine_stop(struct machine *machine)
{
	if (machine->pid <= 0)
		return;
	kill(machine->pid, SIGKILL);
	waitpid(machine->pid, NULL, 0);
	machine->pid = 0;
	unlink(machine->monitor);
}

gboolean machine_wait_done(const struct machine *machine)
{
	gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;

	for (guint i = 0; i < GUEST_PROCESSORS; i++)
		while (*machine_mailbox(machine, i, MAILBOX_DONE) !=
		       *machine_mailbox(machine, i, MAILBOX_GO)) {
			if (g_get_monotonic_time() > end)
				return FALSE;
			g_usleep(20);
		}
	return TRUE;
}

/* Send the monitor one command, and wait for what it says of it. */
static gboolean monitor_command(int monitor, const char *command)
{
	g_autoptr(GString) said = g_string_new(NULL);
	char text[4096];
	ssize_t count;

	if (write(monitor, command, strlen(command)) != (ssize_t)strlen(command))
		return FALSE;
	do {
		count = read(monitor, text, sizeof(text));
		if (count > 0)
			g_string_append_len(said, text, count);
		if (strstr(said->str, "\"error\"") != NULL)
			g_printerr("%s", said->str);
	} while (count > 0 && strstr(said->str, "\"return\"") == NULL &&
		 strstr(said->str, "\"error\"") == NULL);
	return strstr(said->str, "\"return\"") != NULL;
}

gboolean machine_plug(struct machine *machine, guint64 gfn)
{
	struct piece *piece = &machine->pieces[machine->piece_count - 1];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int monitor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_autofree char *add_object = g_strdup_printf(
		"{\"execute\": \"object-add\", \"arguments\": {\"qom-type\": \"memory-backend-file\", "
		"\"id\": \"md\", "
		"\"size\": %" G_GUINT64_FORMAT ", \"mem-path\": \"/proc/self/fd/%d\", \"share\": true}}\n",
		piece->bytes, piece->fd);
	g_autofree char *add_device = g_strdup_printf(
		"{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"pc-dimm\", \"id\": \"d\", "
		"\"memdev\": \"md\", \"addr\": %" G_GUINT64_FORMAT "}}\n",
		gfn * PAGE);
	gboolean done;

	g_strlcpy(address.sun_path, machine->monitor, sizeof(address.sun_path));
	done = connect(monitor, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       monitor_command(monitor, "{\"execute\": \"qmp_capabilities\"}\n") &&
	       monitor_command(monitor, add_object) && monitor_command(monitor, add_device);
	close(monitor);
	if (done)
		piece->gfn = gfn;
	return done;
}
