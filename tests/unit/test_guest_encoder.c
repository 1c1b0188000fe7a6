/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_encoder.c - page bytes become the bytes that the guest protocol asks for
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "run_encoder.h"

#define IDLE	 2
#define ACCESSED 3

/* Payloads as they were emitted, one behind the other. */
struct emitted {
	size_t count;
	size_t lengths[64];
	uint8_t payloads[64][64];
	int error; /* what emit() is to return */
};

static struct emitted emitted;
static uint8_t payload[64];
static struct run_encoder encoder;

static int take_payload(void *context, const uint8_t *bytes, size_t length)
{
	struct emitted *to = context;

	assert_true(to->count < 64);
	memcpy(to->payloads[to->count], bytes, length);
	to->lengths[to->count++] = length;
	return to->error;
}

static int set_up(void **state)
{
	memset(&emitted, 0, sizeof(emitted));
	encoder = (struct run_encoder){
		.payload = payload, .capacity = sizeof(payload), .emit = take_payload, .context = &emitted
	};
	return 0;
}

/* Pages of one kind from @gfn on. */
static int add(uint64_t gfn, uint8_t page, size_t count)
{
	uint8_t pages[4096];

	assert_true(count <= sizeof(pages));
	memset(pages, page, count);
	return run_encoder_add(&encoder, gfn, pages, count);
}

static void assert_payload(size_t number, const uint8_t *bytes, size_t length)
{
	assert_true(number < emitted.count);
	assert_int_equal(emitted.lengths[number], length);
	assert_memory_equal(emitted.payloads[number], bytes, length);
}
#define assert_bytes(number, ...)                                                                            \
	assert_payload(number, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Nothing in, nothing out. */
static void test_nothing(void **state)
{
	assert_int_equal(run_encoder_finish(&encoder), 0);
	assert_int_equal(emitted.count, 0);
}

/* First gfn 0x123 in 8 bytes, then 2 pages idle and 1 accessed. */
static void test_runs(void **state)
{
	const uint8_t pages[] = { IDLE, IDLE, ACCESSED };

	assert_int_equal(run_encoder_add(&encoder, 0x123, pages, 3), 0);
	assert_int_equal(run_encoder_finish(&encoder), 0);
	assert_int_equal(emitted.count, 1);
	assert_bytes(0, 0x23, 1, 0, 0, 0, 0, 0, 0, IDLE, 2, ACCESSED, 1);
}

/* A run goes on from one call to the next. 127 still is one byte; 128 is 0x80 0x01; 300 is 0xac 0x02. */
static void test_lengths(void **state)
{
	add(0, IDLE, 100);
	add(100, IDLE, 27);
	add(127, ACCESSED, 128);
	add(255, IDLE, 300);
	run_encoder_finish(&encoder);
	assert_bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, IDLE, 0x7f, ACCESSED, 0x80, 1, IDLE, 0xac, 2);
}

/* A gap asks for a payload with a first gfn of its own, even between pages of one kind. */
static void test_gap(void **state)
{
	add(0, IDLE, 5);
	add(10, IDLE, 5);
	run_encoder_finish(&encoder);
	assert_int_equal(emitted.count, 2);
	assert_bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, IDLE, 5);
	assert_bytes(1, 10, 0, 0, 0, 0, 0, 0, 0, IDLE, 5);
}

/*
 * 64 bytes hold 8 of first gfn and 26 runs of one page (60 bytes): the 27th might take 6, so it begins the
 * next payload.
 */
static void test_full_payload(void **state)
{
	for (uint64_t gfn = 0; gfn < 27; gfn++)
		add(gfn, gfn % 2 ? IDLE : ACCESSED, 1);
	run_encoder_finish(&encoder);
	assert_int_equal(emitted.count, 2);
	assert_int_equal(emitted.lengths[0], 60);
	assert_bytes(1, 26, 0, 0, 0, 0, 0, 0, 0, ACCESSED, 1);
}

/* A payload is never longer than it may be, and what it holds is what was put in: 4000 pages in runs of 1 to
 * 200. */
static void test_no_payload_overflows(void **state)
{
	uint64_t gfn = 0;

	for (size_t run = 1; run <= 200; run += 13, gfn += run)
		for (uint8_t page = 0; page < 4; page++, gfn += run)
			add(gfn, page, run);
	run_encoder_finish(&encoder);
	for (size_t i = 0; i < emitted.count; i++)
		assert_in_range(emitted.lengths[i], 10, sizeof(payload));
}

/* The longest run there is has 2^35 - 1 pages; one page more begins another run. */
static void test_longest_run(void **state)
{
	add(0, IDLE, 1);
	encoder.run_pages = (UINT64_C(1) << 35) - 2; /* as if that many had been added */
	add((UINT64_C(1) << 35) - 2, IDLE, 1);
	add((UINT64_C(1) << 35) - 1, IDLE, 1);
	run_encoder_finish(&encoder);
	assert_int_equal(emitted.count, 1);
	assert_bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, IDLE, 0xff, 0xff, 0xff, 0xff, 0x7f, IDLE, 1);
}

/* What emit() fails with comes back from whichever call met it. */
static void test_emit_fails(void **state)
{
	emitted.error = -32;
	assert_int_equal(add(0, IDLE, 1), 0);
	assert_int_equal(add(10, IDLE, 1), -32);
	assert_int_equal(run_encoder_finish(&encoder), -32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, set_up),
		cmocka_unit_test_setup(test_runs, set_up),
		cmocka_unit_test_setup(test_lengths, set_up),
		cmocka_unit_test_setup(test_gap, set_up),
		cmocka_unit_test_setup(test_full_payload, set_up),
		cmocka_unit_test_setup(test_no_payload_overflows, set_up),
		cmocka_unit_test_setup(test_longest_run, set_up),
		cmocka_unit_test_setup(test_emit_fails, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
