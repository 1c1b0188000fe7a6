/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workload.c - vmheat-workload, a guest's load of known truth, commanded over a virtio-serial port
 *
 * Usage: vmheat-workload PORT     (a device, or - for standard input and output)
 *
 * One line is one command, answered by one line of JSON: what was measured, or {"error": ...}.
 *
 *   touch MIB                                  write so much more memory, once
 *   drop MIB                                   give so much of what was touched last back to the kernel
 *   hot OFFSET MIB INTERVAL_MS packed|spread   touch MIB of pages every INTERVAL_MS from now on
 *   stop                                       touch nothing any more
 *   check                                      check all that was touched, byte by byte (this touches it)
 *   status                                     nothing but the answer
 *
 * A packed hot set is one page after the other from MiB OFFSET on; a spread one lies evenly over all that is
 * touched from there to the end. Its first round is over when the answer comes.
 *
 * Theory of operation
 *
 * One loop waits for a line or the next round. The port's host side may come and go with every command. While
 * it is away poll() would return at once, for ever; so then the loop looks again after a pause instead. An
 * answer that cannot be written is dropped: nothing may keep the rounds from running.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "touch_area.h"

#define ARGUMENTS_MAX	  4
#define LINE_SIZE	  128
#define INTERVAL_MS_MAX	  3600000u
#define HOST_AWAY_WAIT_MS 50
#define ANSWER_WAIT_NS	  2000000000ull /* then whoever asked has left */
#define NS_PER_MS	  1000000u

struct workload {
	int in;
	int out;
	bool is_port; /* reading nothing means that the host is away, not that the input has ended */

	struct touch_area area;
	bool spread;
	uint64_t interval_ms;
	uint64_t next_round_ns;
	uint64_t late_rounds; /* that began only after the next one was due */

	size_t line_length;
	char line[LINE_SIZE];
};

/* The value behind @name in one of the kernel's tables of names and numbers; 0 if it is not there. */
static unsigned long long kernel_value(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[LINE_SIZE];
	unsigned long long value = 0;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0) {
			value = strtoull(line + strlen(name), NULL, 10);
			break;
		}
	}
	(void)fclose(file);
	return value;
}

/*
 * A command can be here before the word that a host is there to be answered: until then, and while the host does not
 * read, a port takes nothing.
 */
static void answer(const struct workload *workload, const char *text, size_t length)
{
	uint64_t give_up_ns = touch_area_now_ns() + ANSWER_WAIT_NS;

	while (length && touch_area_now_ns() < give_up_ns) {
		ssize_t written = write(workload->out, text, length);

		if (written > 0) {
			text += written;
			length -= (size_t)written;
		} else if (errno == EAGAIN) {
			(void)poll(NULL, 0, 1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void answer_error(const struct workload *workload, const char *what)
{
	char text[LINE_SIZE];
	int length = snprintf(text, sizeof(text), "{\"error\": \"%s\"}\n", what);

	answer(workload, text, (size_t)length);
}

static void answer_status(const struct workload *workload)
{
	const struct touch_area *area = &workload->area;
	const char *layout = area->page_count == 0 ? "none" : workload->spread ? "spread" : "packed";
	char text[1024];
	int length = snprintf(
		text, sizeof(text),
		"{\"touched_mib\": %.3f, \"hot_mib\": %.3f, \"hot_pages\": %zu, \"layout\": \"%s\", "
		"\"first_page\": %zu, \"stride_pages\": %zu, \"interval_ms\": %llu, \"rounds\": %llu, "
		"\"late_rounds\": %llu, \"last_round_ms\": %.3f, \"clock_ms\": %.3f, \"work_pages\": %llu, "
		"\"work_ms\": %.3f, "
		"\"corrupt\": %llu, \"resident_kib\": %llu, \"swap_kib\": %llu, \"pswpin\": %llu, "
		"\"pswpout\": %llu, \"refault_anon\": %llu, \"refault_file\": %llu, \"oom_kill\": %llu}\n",
		(double)area->touched_pages / TOUCH_AREA_MIB_PAGES,
		(double)area->last_round_pages / TOUCH_AREA_MIB_PAGES, area->last_round_pages, layout,
		area->first_page, area->stride, (unsigned long long)workload->interval_ms,
		(unsigned long long)area->rounds, (unsigned long long)workload->late_rounds,
		(double)area->last_round_ns / NS_PER_MS, (double)touch_area_now_ns() / NS_PER_MS,
		(unsigned long long)area->work_pages, (double)area->work_ns / NS_PER_MS,
		(unsigned long long)area->corrupt, kernel_value("/proc/self/status", "VmRSS:"),
		kernel_value("/proc/self/status", "VmSwap:"), kernel_value("/proc/vmstat", "pswpin "),
		kernel_value("/proc/vmstat", "pswpout "),
		kernel_value("/proc/vmstat", "workingset_refault_anon "),
		kernel_value("/proc/vmstat", "workingset_refault_file "),
		kernel_value("/proc/vmstat", "oom_kill "));

	answer(workload, text, (size_t)length);
}

static void run_due_round(struct workload *workload)
{
	uint64_t now_ns = touch_area_now_ns();
	uint64_t interval_ns = workload->interval_ms * NS_PER_MS;

	if (workload->area.page_count == 0 || now_ns < workload->next_round_ns)
		return;
	if (now_ns >= workload->next_round_ns + interval_ns) {
		workload->late_rounds++;
		workload->next_round_ns = now_ns;
	}
	workload->next_round_ns += interval_ns;
	touch_area_run_round(&workload->area);
}

/* A decimal number of at most @max; false for anything else. */
static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0 && *number <= max;
}

static const char *do_touch(struct workload *workload, char **arguments)
{
	uint64_t mib;

	if (!parse_number(arguments[0], TOUCH_AREA_MIB_MAX, &mib))
		return "touch: MIB is not a number in range";
	if (!touch_area_grow(&workload->area, workload->area.touched_pages + mib * TOUCH_AREA_MIB_PAGES))
		return "touch: more than the area can hold";
	return NULL;
}

static const char *do_drop(struct workload *workload, char **arguments)
{
	struct touch_area *area = &workload->area;
	uint64_t mib;

	if (!parse_number(arguments[0], TOUCH_AREA_MIB_MAX, &mib) ||
	    mib * TOUCH_AREA_MIB_PAGES > area->touched_pages)
		return "drop: MIB is not a number of at most what is touched";
	if (!touch_area_shrink(area, area->touched_pages - mib * TOUCH_AREA_MIB_PAGES))
		return "drop: the hot set lies there";
	return NULL;
}

static const char *do_hot(struct workload *workload, char **arguments)
{
	uint64_t offset_mib;
	uint64_t mib;
	uint64_t interval_ms;
	bool spread = strcmp(arguments[3], "spread") == 0;

	if (!parse_number(arguments[0], TOUCH_AREA_MIB_MAX, &offset_mib) ||
	    !parse_number(arguments[1], TOUCH_AREA_MIB_MAX, &mib) || mib == 0)
		return "hot: OFFSET or MIB is not a number in range";
	if (!parse_number(arguments[2], INTERVAL_MS_MAX, &interval_ms) || interval_ms == 0)
		return "hot: INTERVAL_MS is not a number in range";
	if (!spread && strcmp(arguments[3], "packed") != 0)
		return "hot: the layout is neither packed nor spread";
	if (!touch_area_set_hot(&workload->area, offset_mib * TOUCH_AREA_MIB_PAGES,
				mib * TOUCH_AREA_MIB_PAGES, spread))
		return "hot: more than the area can hold";
	workload->spread = spread;
	workload->interval_ms = interval_ms;
	workload->late_rounds = 0;
	workload->next_round_ns = touch_area_now_ns();
	run_due_round(workload);
	return NULL;
}

static const char *do_stop(struct workload *workload, char **arguments)
{
	workload->interval_ms = 0;
	(void)touch_area_set_hot(&workload->area, 0, 0, false);
	return NULL;
}

static const char *do_check(struct workload *workload, char **arguments)
{
	touch_area_check(&workload->area);
	return NULL;
}

static const char *do_status(struct workload *workload, char **arguments)
{
	return NULL;
}

/* Each returns what is wrong with its arguments, or NULL. */
static const struct {
	const char *name;
	size_t arguments;
	const char *(*run)(struct workload *workload, char **arguments);
} commands[] = {
	{ "touch", 1, do_touch }, { "drop", 1, do_drop },   { "hot", 4, do_hot },
	{ "stop", 0, do_stop },	  { "check", 0, do_check }, { "status", 0, do_status },
};

static void run_line(struct workload *workload, char *line)
{
	char *rest;
	char *name = strtok_r(line, " \t\r", &rest);
	char *arguments[ARGUMENTS_MAX + 1] = { NULL };
	size_t count = 0;

	if (!name)
		return;
	while (count <= ARGUMENTS_MAX && (arguments[count] = strtok_r(NULL, " \t\r", &rest)))
		count++;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *wrong;

		if (strcmp(name, commands[i].name) != 0)
			continue;
		if (count != commands[i].arguments) {
			answer_error(workload, "wrong number of arguments");
			return;
		}
		wrong = commands[i].run(workload, arguments);
		if (wrong)
			answer_error(workload, wrong);
		else
			answer_status(workload);
		return;
	}
	answer_error(workload, "unknown command");
}

static void take_byte(struct workload *workload, char byte)
{
	if (byte != '\n') {
		/* What is too long to be a command is kept short, and is none. */
		if (workload->line_length < sizeof(workload->line) - 1)
			workload->line[workload->line_length++] = byte;
		return;
	}
	workload->line[workload->line_length] = '\0';
	workload->line_length = 0;
	run_line(workload, workload->line);
}

/* Wait until a round is due or something was said. Whether to look what that was. */
static bool wait_for_input(const struct workload *workload)
{
	struct pollfd poll_in = { .fd = workload->in, .events = POLLIN };
	int timeout = -1;

	if (workload->area.page_count) {
		uint64_t now_ns = touch_area_now_ns();
		uint64_t left_ns = workload->next_round_ns > now_ns ? workload->next_round_ns - now_ns : 0;

		timeout = (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
	}
	if (poll(&poll_in, 1, timeout) <= 0)
		return false;
	if (workload->is_port && poll_in.revents & POLLHUP)
		(void)poll(NULL, 0,
			   timeout >= 0 && timeout < HOST_AWAY_WAIT_MS ? timeout : HOST_AWAY_WAIT_MS);
	return true;
}

/* Do what was said. False at the end of the input. */
static bool take_input(struct workload *workload)
{
	char bytes[LINE_SIZE];
	ssize_t size = read(workload->in, bytes, sizeof(bytes));

	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	if (size == 0) {
		/* Half a line from a host that left is not the beginning of the next one's. */
		workload->line_length = 0;
		return workload->is_port;
	}
	for (ssize_t i = 0; i < size; i++)
		take_byte(workload, bytes[i]);
	return true;
}

int main(int argc, char **argv)
{
	static struct workload workload;

	if (argc != 2) {
		(void)fputs("Usage: vmheat-workload PORT|-\n", stderr);
		return 2;
	}
	workload.in = STDIN_FILENO;
	workload.out = STDOUT_FILENO;
	if (strcmp(argv[1], "-") != 0) {
		workload.is_port = true;
		workload.in = workload.out = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	/* All but the area, which comes after: that a command is taken must not swap anything in. */
	(void)mlockall(MCL_CURRENT);
	if (workload.in < 0 || !touch_area_open(&workload.area)) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	for (;;) {
		if (wait_for_input(&workload) && !take_input(&workload))
			return EXIT_SUCCESS;
		run_due_round(&workload);
	}
}
