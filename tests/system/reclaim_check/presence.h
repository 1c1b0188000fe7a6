/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * presence.h - which pages a process has in memory
 */
#ifndef PRESENCE_H
#define PRESENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "page_set.h"

/** presence_open() - open a process's pagemap. Looking into it leaves accessed bits alone. */
int presence_open(pid_t pid);

/**
 * presence_read() - which pages of a set are present, not swapped out
 * @address: of page 0
 * @present: one element for each page of the set
 *
 * Return: how many are. Exits the program if it fails.
 */
uint32_t presence_read(int fd, uintptr_t address, const struct page_set *set, bool *present);

#endif /* PRESENCE_H */
