/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rounds.h - mark, touch and read random sets of pages, and compare with what must come out
 */
#ifndef ROUNDS_H
#define ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct rounds - who is tested
 * @idle_fd: its idle_bitmap
 * @address: of its first page; nothing touches the pages but @touch
 * @pages:   how many
 * @mapped:  begin by writing all pages, so that nobody maps any later
 * @modes:   how pages are touched: 'r', 'w', 'x', and the upper case letters if by the VMM itself
 * @touch:   touches pages
 * @context: for @touch
 */
struct rounds {
	int idle_fd;
	uintptr_t address;
	size_t pages;
	bool mapped;
	const char *modes;
	void (*touch)(void *context, char mode, const bool *set, size_t pages);
	void *context;
};

/**
 * rounds_run() - let some rounds go by
 *
 * Each round marks a random set of pages, touches one or two others in random modes, and reads all pages
 * twice. A page must be idle exactly if it was mapped when it was last marked, and has not been touched
 * since.
 *
 * Return: true if every page of every round was right; otherwise what was wrong has been printed
 */
bool rounds_run(const struct rounds *rounds, unsigned int count);

#endif /* ROUNDS_H */
