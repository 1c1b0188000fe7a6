/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run_encoder.c - page bytes into PAGES payloads, see run_encoder.h
 */
#include "run_encoder.h"

#include <endian.h>
#include <string.h>
#include "vmheat/guest_protocol.h"

#define RUN_SIZE_MAX  (1 + VMHEAT_RUN_LENGTH_BYTES_MAX)
#define RUN_PAGES_MAX ((UINT64_C(1) << (7 * VMHEAT_RUN_LENGTH_BYTES_MAX)) - 1)

static int emit_payload(struct run_encoder *encoder)
{
	size_t length = encoder->length;

	encoder->length = 0;
	return length ? encoder->emit(encoder->context, encoder->payload, length) : 0;
}

/* Write the growing run into the payload. */
static int close_run(struct run_encoder *encoder)
{
	uint64_t pages = encoder->run_pages;
	int error;

	if (pages == 0)
		return 0;
	encoder->run_pages = 0;
	if (encoder->capacity - encoder->length < RUN_SIZE_MAX) {
		error = emit_payload(encoder);
		if (error)
			return error;
	}
	if (encoder->length == 0) {
		uint64_t gfn = htole64(encoder->run_gfn);

		memcpy(encoder->payload, &gfn, sizeof(gfn));
		encoder->length = sizeof(gfn);
	}
	encoder->payload[encoder->length++] = encoder->run_page;
	while (pages > 0x7f) {
		encoder->payload[encoder->length++] = (uint8_t)(pages & 0x7f) | 0x80;
		pages >>= 7;
	}
	encoder->payload[encoder->length++] = (uint8_t)pages;
	return 0;
}

static int add_run(struct run_encoder *encoder, uint64_t gfn, uint8_t page, uint64_t pages)
{
	uint64_t next_gfn = encoder->run_gfn + encoder->run_pages;
	int error;

	if (encoder->run_pages && gfn == next_gfn && page == encoder->run_page &&
	    pages <= RUN_PAGES_MAX - encoder->run_pages) {
		encoder->run_pages += pages;
		return 0;
	}
	error = close_run(encoder);
	if (!error && gfn != next_gfn)
		error = emit_payload(encoder);
	encoder->run_gfn = gfn;
	encoder->run_page = page;
	encoder->run_pages = pages;
	return error;
}

int run_encoder_add(struct run_encoder *encoder, uint64_t gfn, const uint8_t *pages, size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t first = i;
		int error;

		while (i < count && pages[i] == pages[first])
			i++;
		error = add_run(encoder, gfn + first, pages[first], i - first);
		if (error)
			return error;
	}
	return 0;
}

int run_encoder_finish(struct run_encoder *encoder)
{
	int error = close_run(encoder);

	return error ? error : emit_payload(encoder);
}
