/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_act_record.c - a line of the journal, there and back, and what is no line of the journal
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "act_record.h"

static char vm[] = "lazy";
static char uuid[] = "11111111-2222-3333-4444-555555555555";
static char device[] = "virtiomem1";
static char why[] = "shrink from 384 to 320 MiB: [one] {step}, \"quoted\\\"";

static struct act_record balloon(void)
{
	return (struct act_record){ .number = 12,
				    .state = ACT_APPLIED,
				    .kind = ACT_KIND_BALLOON,
				    .time_us = 1763654400000001,
				    .begun_us = 1763654399000000,
				    .vm = vm,
				    .uuid = uuid,
				    .pid = 4711,
				    .pid_start = 98765,
				    .from = 384u << 20,
				    .to = 320u << 20,
				    .replaces = 11,
				    .why = why };
}

static void assert_refused(const char *line, gsize length, int code, const char *message)
{
	g_autoptr(GError) error = NULL;
	struct act_record record;

	assert_false(act_record_parse(line, length, &record, &error));
	assert_true(g_error_matches(error, ACT_RECORD_ERROR, code));
	assert_string_equal(error->message, message);
}

static void assert_json_refused(const char *text, int code, const char *message)
{
	g_autoptr(GError) error = NULL;
	struct act_record record;

	assert_false(act_record_from_json(text, strlen(text), &record, &error));
	assert_true(g_error_matches(error, ACT_RECORD_ERROR, code));
	assert_string_equal(error->message, message);
}

static void test_there_and_back(void **state)
{
	struct act_record record = balloon(), read;
	g_autofree char *line = act_record_format(&record);
	g_autoptr(GError) error = NULL;

	assert_true(g_str_has_suffix(line, "}\n"));
	assert_true(act_record_parse(line, strlen(line) - 1, &read, &error));
	assert_int_equal(read.number, 12);
	assert_int_equal(read.state, ACT_APPLIED);
	assert_int_equal(read.kind, ACT_KIND_BALLOON);
	assert_true(read.time_us == record.time_us && read.begun_us == record.begun_us);
	assert_string_equal(read.vm, vm);
	assert_string_equal(read.uuid, uuid);
	assert_true(read.pid == 4711 && read.pid_start == 98765);
	assert_true(read.from == record.from && read.to == record.to && read.replaces == 11);
	assert_string_equal(read.why, why);
	assert_null(read.note);
	act_record_clear(&read);
}

/* Which virtio-mem device it was is kept; without, the record is of no use. */
static void test_virtio_mem(void **state)
{
	struct act_record record = balloon(), read, copy;
	g_autofree char *line = NULL;

	record.kind = ACT_KIND_VIRTIO_MEM;
	record.device = device;
	line = act_record_format(&record);
	assert_true(act_record_parse(line, strlen(line) - 1, &read, NULL));
	assert_int_equal(read.kind, ACT_KIND_VIRTIO_MEM);
	act_record_copy(&copy, &read);
	assert_string_equal(copy.device, "virtiomem1");
	assert_true(copy.from == record.from && copy.to == record.to);
	act_record_clear(&copy);
	act_record_clear(&read);
	assert_json_refused("{\"act\":1,\"state\":\"applied\",\"kind\":\"virtio-mem\",\"time\":1,\"begun\":1,"
			    "\"pid\":1,\"start\":1,\"from\":2,\"to\":1,\"vm\":\"a\",\"uuid\":\"b\"}",
			    ACT_RECORD_ERROR_DAMAGED, "something is missing from it");
}

/* Whatever single bit of the line turns, it is no record any more: 8 bits of some 350 bytes. */
static void test_each_bit_counts(void **state)
{
	struct act_record record = balloon(), read;
	g_autofree char *line = act_record_format(&record);
	gsize length = strlen(line) - 1;

	for (gsize bit = 0; bit < length * 8; bit++) {
		line[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(act_record_parse(line, length, &read, NULL));
		line[bit / 8] ^= (char)(1 << bit % 8);
	}
	/* And none that is cut short. */
	for (gsize cut = 0; cut < length; cut++)
		assert_false(act_record_parse(line, cut, &read, NULL));
	assert_true(act_record_parse(line, length, &read, NULL));
	act_record_clear(&read);
}

static void test_garbage(void **state)
{
	char *deep = g_strnfill(100000, '[');
	char *objects = g_strnfill(60000, '{');

	assert_refused("", 0, ACT_RECORD_ERROR_DAMAGED, "it is too short");
	assert_refused(deep, strlen(deep), ACT_RECORD_ERROR_DAMAGED, "it is too long");
	assert_refused("0123456789abcdef {}", 19, ACT_RECORD_ERROR_DAMAGED, "its checksum is wrong");
	assert_json_refused(deep, ACT_RECORD_ERROR_DAMAGED, "it is not one JSON object");
	assert_json_refused(objects, ACT_RECORD_ERROR_DAMAGED, "it is not one JSON object");
	assert_json_refused("[1]", ACT_RECORD_ERROR_DAMAGED, "it is not one JSON object");
	assert_json_refused("{\"act\":", ACT_RECORD_ERROR_DAMAGED, "it is not JSON");
	assert_json_refused("{}", ACT_RECORD_ERROR_DAMAGED, "it has no number");
	assert_json_refused("{\"act\":0}", ACT_RECORD_ERROR_DAMAGED, "it has no number");
	assert_json_refused("{\"act\":-1}", ACT_RECORD_ERROR_DAMAGED, "it has no number");
	assert_json_refused("{\"act\":\"1\"}", ACT_RECORD_ERROR_DAMAGED, "it has no number");
	assert_json_refused("{\"act\":1,\"state\":\"applied\",\"kind\":\"balloon\",\"time\":1}",
			    ACT_RECORD_ERROR_DAMAGED, "something is missing from it");
	g_free(objects);
	g_free(deep);
}

/* What a later version may write is told from damage. */
static void test_unknown(void **state)
{
	assert_json_refused("{\"act\":1,\"state\":\"applied\",\"kind\":\"teleport\"}",
			    ACT_RECORD_ERROR_UNKNOWN, "its kind is not known");
	assert_json_refused("{\"act\":1,\"state\":\"dreamt\",\"kind\":\"balloon\"}", ACT_RECORD_ERROR_UNKNOWN,
			    "its state is not known");
}

/* A key that is not known is no reason to refuse. A name that is no UTF-8 does not make a line that is not read. */
static void test_tolerance(void **state)
{
	struct act_record record = balloon(), read;
	char wrong[] = "la\xffzy";
	g_autofree char *line = NULL;
	static const char text[] =
		"{\"act\":1,\"later\":7,\"state\":\"verified\",\"kind\":\"moves\",\"time\":1,"
		"\"begun\":1,\"pid\":1,\"start\":1,\"limit\":4096,\"moved\":0,\"vm\":\"a\","
		"\"uuid\":\"b\"}";

	assert_true(act_record_from_json(text, strlen(text), &read, NULL));
	assert_int_equal(read.limit, 4096);
	act_record_clear(&read);

	record.vm = wrong;
	line = act_record_format(&record);
	assert_true(act_record_parse(line, strlen(line) - 1, &read, NULL));
	act_record_clear(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_each_bit_counts),
		cmocka_unit_test(test_garbage),	       cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tolerance),      cmocka_unit_test(test_virtio_mem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
