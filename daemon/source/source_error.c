/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_error.c - the error domain of all sources, see source.h
 */
#include "source.h"

G_DEFINE_QUARK(vmheat_source_error, source_error)
