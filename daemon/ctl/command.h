/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - vmheatctl's commands
 */
#ifndef VMHEAT_CTL_COMMAND_H
#define VMHEAT_CTL_COMMAND_H

#include "client.h"

/** What the command line says besides the command's own arguments. */
struct command_options {
	gboolean json;
	gboolean color;	   /* even where nobody may see it */
	gboolean no_color; /* in any case */
	gint top;	   /* at most so many rows, 0 for all; or TOP_UNSET */
};

#define TOP_UNSET G_MININT

/** A command: @arguments are what stands after its name, as many as it allows, and a NULL. @service is NULL for a
 * command that needs none. */
typedef enum exit_code command_func(VmheatManager1 *service, const struct command_options *options,
				    char **arguments);

command_func command_list;	  /* list */
command_func command_show;	  /* show VM */
command_func command_map;	  /* map VM */
command_func command_explain;	  /* explain VM */
command_func command_history;	  /* history [VM] */
command_func command_idle;	  /* idle PID [SECONDS]; without the service */
command_func command_working_set; /* working-set VM [SECONDS...] */
command_func command_set;	  /* set VM KEY=VALUE... */
command_func command_act;	  /* act VM */
command_func command_notify;	  /* notify VM OPERATION */

#endif /* VMHEAT_CTL_COMMAND_H */
