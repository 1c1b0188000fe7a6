/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arguments.c - what the agent is told on its command line, see arguments.h
 *
 * The defaults: a tenth of a processor is what scanning 4 GiB every 5 s takes on a processor of today; a guest that needs
 * more is scanned less often. The worst answer is 2 bytes a page, so 4 MiB/s carry one of 40 GiB every 5 s.
 */
#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT  "/dev/virtio-ports/" VMHEAT_GUEST_PORT_NAME
#define DEFAULT_CPU   0.1
#define DEFAULT_BYTES 4194304.0

const char arguments_usage[] =
	"Usage: vmheat-guest [OPTION]... [PORT]\n"
	"Tell the VM host which memory of this guest is free, idle or accessed, when it asks.\n"
	"\n"
	"  PORT             device of the virtio-serial port (default " DEFAULT_PORT "),\n"
	"                   or vsock: wait for the host on its vsock port\n"
	"  --cpu=PERCENT%   of one processor that it may use in the long run (default 10%; 0: no limit)\n"
	"  --traffic=SIZE   that it may send a second in the long run, with its unit: B, KiB or MiB\n"
	"                   (default 4MiB; 0: no limit)\n"
	"  --help           show this help\n"
	"  --version        show the version\n"
	"\n"
	"What goes beyond a limit is paid back: as long, scans are answered with the kernel's counters "
	"alone.\n";

/* Either an option with a value, then the value, or NULL. */
static const char *value_of(const char *argument, const char *option)
{
	size_t length = strlen(option);

	return strncmp(argument, option, length) == 0 && argument[length] == '=' ? argument + length + 1
										 : NULL;
}

struct unit {
	const char *name;
	double worth;
};

/* A number with one of @units, or 0 without one. */
static bool parse_quantity(const char *text, const struct unit *units, double *value)
{
	char *end;
	double number;

	/* strtod would take a sign, blanks, "inf" and hexadecimal too. */
	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		return false;
	number = strtod(text, &end);
	if (*end == '\0' && number == 0.0) {
		*value = 0.0;
		return true;
	}
	for (; units->name; units++) {
		if (strcmp(end, units->name) == 0) {
			*value = number * units->worth;
			return *value < 1e15;
		}
	}
	return false;
}

static bool parse_argument(struct arguments *arguments, const char *argument)
{
	static const struct unit shares[] = { { "%", 0.01 }, { NULL, 0.0 } };
	static const struct unit sizes[] = {
		{ "B", 1.0 }, { "KiB", 1024.0 }, { "MiB", 1048576.0 }, { NULL, 0.0 }
	};
	const char *value;

	if (strcmp(argument, "--help") == 0)
		arguments->show_help = true;
	else if (strcmp(argument, "--version") == 0)
		arguments->show_version = true;
	else if ((value = value_of(argument, "--cpu")) != NULL)
		return parse_quantity(value, shares, &arguments->limits.cpu);
	else if ((value = value_of(argument, "--traffic")) != NULL)
		return parse_quantity(value, sizes, &arguments->limits.bytes);
	else if (argument[0] == '-' || argument[0] == '\0' || arguments->port != NULL)
		return false;
	else
		arguments->port = argument;
	return true;
}

const char *arguments_parse(struct arguments *arguments, int argc, char **argv)
{
	*arguments = (struct arguments){ .limits = { .cpu = DEFAULT_CPU, .bytes = DEFAULT_BYTES } };
	for (int i = 1; i < argc; i++)
		if (!parse_argument(arguments, argv[i]))
			return argv[i];
	if (arguments->port == NULL)
		arguments->port = DEFAULT_PORT;
	return NULL;
}
