/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - where messages go: one line each on stderr, or the journal with its fields when stderr is the
 * journal
 *
 * Everybody else uses g_message(), g_warning() and so on. g_info() and g_debug() are shown where
 * G_MESSAGES_DEBUG says so.
 */
#ifndef VMHEAT_SERVICE_LOG_H
#define VMHEAT_SERVICE_LOG_H

/** log_start() - call once, before the first message. */
void log_start(void);

#endif /* VMHEAT_SERVICE_LOG_H */
