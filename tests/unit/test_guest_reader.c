/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guest_reader.c - the agent understands the host's requests, and nothing else
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "frame_reader.h"
#include "guest_frame.h"

static struct frame_reader reader;
static struct guest_bytes sent;
static struct vmheat_frame_header last; /* request that was read last */

static int set_up(void **state)
{
	memset(&reader, 0, sizeof(reader));
	memset(&last, 0, sizeof(last));
	sent.length = 0;
	return 0;
}

/* Push what was put together; return how many requests it held. */
static size_t push(void)
{
	size_t count = 0;

	for (size_t i = 0; i < sent.length; i++)
		count += frame_reader_push(&reader, sent.bytes[i], &last);
	sent.length = 0;
	return count;
}

/* Both requests are read, with their sequence. */
static void test_requests(void **state)
{
	put_header(&sent, VMHEAT_FRAME_HELLO, 5, 0);
	assert_int_equal(push(), 1);
	assert_int_equal(last.type, VMHEAT_FRAME_HELLO);
	put_header(&sent, VMHEAT_FRAME_SCAN, 0x12345678, 0);
	assert_int_equal(push(), 1);
	assert_int_equal(last.type, VMHEAT_FRAME_SCAN);
	assert_int_equal(last.sequence, 0x12345678);
}

/* Garbage before and between does not hide a request, not even the beginning of a magic right before one. */
static void test_garbage(void **state)
{
	put_bytes(&sent, "\x00garbage VMHVM", 14);
	put_header(&sent, VMHEAT_FRAME_SCAN, 1, 0);
	put_bytes(&sent, "VVVMH", 5);
	put_header(&sent, VMHEAT_FRAME_SCAN, 2, 0);
	assert_int_equal(push(), 2);
	assert_int_equal(last.sequence, 2);
}

/* A host that left in mid-frame, at any byte, does not hide the next one's request. */
static void test_cut_request(void **state)
{
	for (size_t cut = 1; cut < sizeof(struct vmheat_frame_header); cut++) {
		put_header(&sent, VMHEAT_FRAME_SCAN, 1, 0);
		sent.length = cut;
		put_header(&sent, VMHEAT_FRAME_SCAN, 2, 0);
		assert_int_equal(push(), 1);
		assert_int_equal(last.sequence, 2);
	}
}

/* Wrong version, reserved bits, a payload, a type that is the guest's own or none: no request. */
static void test_broken_requests(void **state)
{
	put_header(&sent, VMHEAT_FRAME_SCAN, 1, 0);
	sent.bytes[offsetof(struct vmheat_frame_header, version)]++;
	assert_int_equal(push(), 0);
	put_header(&sent, VMHEAT_FRAME_SCAN, 1, 0);
	sent.bytes[offsetof(struct vmheat_frame_header, reserved)] = 1;
	assert_int_equal(push(), 0);
	put_header(&sent, VMHEAT_FRAME_SCAN, 1, 4);
	assert_int_equal(push(), 0);
	for (int type = 0; type < 256; type++) {
		put_header(&sent, (uint8_t)type, 1, 0);
		assert_int_equal(push(), type == VMHEAT_FRAME_HELLO || type == VMHEAT_FRAME_SCAN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_requests, set_up),
		cmocka_unit_test_setup(test_garbage, set_up),
		cmocka_unit_test_setup(test_cut_request, set_up),
		cmocka_unit_test_setup(test_broken_requests, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
