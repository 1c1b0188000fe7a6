/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_variant.h - what D-Bus shows of the journal
 */
#ifndef VMHEAT_SERVICE_ACT_VARIANT_H
#define VMHEAT_SERVICE_ACT_VARIANT_H

#include <glib.h>

/** act_variant_history() - GetHistory: floating aa{sv}, from an array of struct act_record. */
GVariant *act_variant_history(const GArray *records);

#endif /* VMHEAT_SERVICE_ACT_VARIANT_H */
