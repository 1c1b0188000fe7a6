/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numa_balancing.c - one sysctl
 */
#include "numa_balancing.h"

gboolean numa_balancing_is_on(void)
{
	g_autofree char *text = NULL;

	/* A kernel without NUMA balancing has no such file. */
	return g_file_get_contents("/proc/sys/kernel/numa_balancing", &text, NULL, NULL) &&
	       g_ascii_strtoll(text, NULL, 10) != 0;
}
