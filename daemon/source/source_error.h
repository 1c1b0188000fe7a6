/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_error.h - how host sources tell what an observer could not do
 */
#ifndef VMHEAT_SOURCE_SOURCE_ERROR_H
#define VMHEAT_SOURCE_SOURCE_ERROR_H

#include <glib.h>
#include "domain.h"

/**
 * source_error_of_observer() - turn an error of IDLE_OBSERVER_ERROR into one of SOURCE_ERROR
 * @name:   the VM's
 * @reason: it; taken
 *
 * Return: always FALSE.
 */
gboolean source_error_of_observer(const char *name, GError *reason, GError **error);

/**
 * source_is_of_domain() - whether what a source has just opened is its domain's
 *
 * Open files of a process belong to that one for good; that it is the domain's QEMU is known once they are open.
 *
 * Return: FALSE, with SOURCE_ERROR_GONE, if the QEMU had ended before.
 */
gboolean source_is_of_domain(const struct domain *domain, GError **error);

#endif /* VMHEAT_SOURCE_SOURCE_ERROR_H */
