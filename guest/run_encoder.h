/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run_encoder.h - page bytes into PAGES payloads (guest_protocol.h)
 *
 * Theory of operation
 *
 * Page bytes come in rising gfn order, in pieces of any size; equal neighbours become one run, across pieces.
 * Runs are collected in one payload of bounded size. It is handed out when the next run may not fit, when a
 * gap in the gfns asks for a new first gfn, and at the end.
 */
#ifndef VMHEAT_GUEST_RUN_ENCODER_H
#define VMHEAT_GUEST_RUN_ENCODER_H

#include <stddef.h>
#include <stdint.h>

/** Takes a finished payload; a negative errno ends the encoding and is handed on. */
typedef int (*run_encoder_emit)(void *context, const uint8_t *payload, size_t length);

/** The first four are the caller's to set, the others begin as zero. */
struct run_encoder {
	uint8_t *payload; /* the caller's; what emit() is called with */
	size_t capacity;  /* of @payload, at least 14: a first gfn and one run */
	run_encoder_emit emit;
	void *context;

	size_t length;	    /* of the payload so far; 0: not begun */
	uint64_t run_gfn;   /* the run that still grows: its first gfn, */
	uint64_t run_pages; /* length (0: there is none) */
	uint8_t run_page;   /* and page byte */
};

/** run_encoder_add() - add @count @pages from @gfn, above all before. 0, or what emit() failed with. */
int run_encoder_add(struct run_encoder *encoder, uint64_t gfn, const uint8_t *pages, size_t count);

/** run_encoder_finish() - hand out what is left; the encoder is as new. 0, or what emit() failed with. */
int run_encoder_finish(struct run_encoder *encoder);

#endif /* VMHEAT_GUEST_RUN_ENCODER_H */
