/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_virtio_mem.c - virtio-mem devices read from a definition, and the definition that changes one
 *
 * The fixture is what libvirt 9.0 gave for a running domain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "host_error.h"
#include "virtio_mem.h"

#define PAGES_PER_MIB G_GUINT64_CONSTANT(256)

/* A device with these inner elements of its target. */
#define DEVICE(alias, target)                                                                                \
	"<memory model='virtio-mem'><target>" target "</target><alias name='" alias "'/></memory>"
#define DOMAIN(inner)	"<domain type='kvm'><devices>" inner "</devices></domain>"
#define KIB(name, size) "<" name " unit='KiB'>" size "</" name ">"
#define SIZES(size, block, requested, current)                                                               \
	KIB("size", size) KIB("block", block) KIB("requested", requested) KIB("current", current)

static guint parse(const char *text, struct virtio_mem *devices)
{
	g_autoptr(GError) error = NULL;
	guint count;

	if (!virtio_mem_parse("g1", text, devices, &count, &error))
		fail_msg("%s", error->message);
	return count;
}

static char *read_fixture(const char *name)
{
	g_autofree char *path = g_strconcat("tests/unit/fixtures/", name, NULL);
	char *text;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

/* 256 MiB in blocks of 2, 128 of them requested and plugged, at node 0; the DIMM beside it is none. */
static void test_fixture(void **state)
{
	struct virtio_mem devices[VIRTIO_MEM_DEVICES_MAX];
	g_autofree char *text = read_fixture("domain-devices.xml");
	g_autofree char *plain = read_fixture("domain-plain.xml");

	assert_int_equal(parse(text, devices), 1);
	assert_string_equal(devices[0].alias, "virtiomem0");
	assert_int_equal(devices[0].node, 0);
	assert_int_equal(devices[0].size.block_pages, 2 * PAGES_PER_MIB);
	assert_int_equal(devices[0].size.size_pages, 256 * PAGES_PER_MIB);
	assert_int_equal(devices[0].size.requested_pages, 128 * PAGES_PER_MIB);
	assert_int_equal(devices[0].size.current_pages, 128 * PAGES_PER_MIB);
	assert_int_equal(parse(plain, devices), 0);
}

/* Two devices, at nodes 0, which is not written, and 1; nothing plugged of the second. */
static void test_two(void **state)
{
	struct virtio_mem devices[VIRTIO_MEM_DEVICES_MAX];

	assert_int_equal(parse(DOMAIN(DEVICE("ua-a", SIZES("8192", "2048", "8192", "4096"))
					      DEVICE("b", "<node>1</node>" SIZES("4096", "4096", "0", "0"))),
			       devices),
			 2);
	assert_int_equal(devices[0].node, 0);
	assert_int_equal(devices[0].size.current_pages, 4 * PAGES_PER_MIB);
	assert_string_equal(devices[1].alias, "b");
	assert_int_equal(devices[1].node, 1);
	assert_int_equal(devices[1].size.requested_pages, 0);
}

static void assert_refused(const char *text)
{
	struct virtio_mem devices[VIRTIO_MEM_DEVICES_MAX];
	g_autoptr(GError) error = NULL;
	guint count = 77;

	assert_false(virtio_mem_parse("g1", text, devices, &count, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_DATA));
	assert_true(g_str_has_prefix(error->message, "g1: its "));
	assert_int_equal(count, 0);
}

/* Devices that make no sense, and what is not XML. */
static void test_refused(void **state)
{
	g_autoptr(GString) many = g_string_new("<domain><devices>");
	g_autofree char *alias = g_strnfill(VIRTIO_MEM_ALIAS_MAX, 'a');
	g_autofree char *long_alias =
		g_strdup_printf(DOMAIN("<memory model='virtio-mem'><target>" SIZES(
					"4096", "2048", "0", "0") "</target>"
								  "<alias name='%s'/></memory>"),
				alias);

	assert_refused("<domain");
	assert_refused(DOMAIN("<memory model='virtio-mem'/>"));
	assert_refused(DOMAIN(
		"<memory model='virtio-mem'><target>" SIZES("4096", "2048", "0", "0") "</target></memory>"));
	assert_refused(long_alias);
	assert_refused(DOMAIN(DEVICE("", SIZES("4096", "2048", "0", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4096", "0", "0", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4096", "2048", "6144", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4096", "2048", "0", "6144"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4096", "2048", "1024", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4096", "2048", "0", "1024"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("3072", "2048", "0", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4098", "2", "0", "0")))); /* not pages */
	assert_refused(DOMAIN(DEVICE("a", SIZES("18446744073709551612", "4", "0", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("-4096", "2048", "0", "0"))));
	assert_refused(DOMAIN(DEVICE("a", "<node>-1</node>" SIZES("4096", "2048", "0", "0"))));
	assert_refused(DOMAIN(DEVICE("a", KIB("size", "4096") KIB("block", "2048") KIB("requested", "0"))));
	assert_refused(DOMAIN(DEVICE("a", "<size unit='MiB'>4</size>" KIB("block", "2048")
						  KIB("requested", "0") KIB("current", "0"))));
	assert_refused(DOMAIN(DEVICE("a", SIZES("4096", "2048", "0", "0"))
				      DEVICE("a", SIZES("4096", "2048", "0", "0"))));
	for (guint i = 0; i <= VIRTIO_MEM_DEVICES_MAX; i++)
		g_string_append_printf(many, DEVICE("m%u", SIZES("4096", "2048", "0", "0")), i);
	g_string_append(many, "</devices></domain>");
	assert_refused(many->str);
}

/* What looks like a device elsewhere in the definition is none. */
static void test_lookalikes(void **state)
{
	struct virtio_mem devices[VIRTIO_MEM_DEVICES_MAX];

	assert_int_equal(parse("<domain><metadata><devices>" DEVICE(
				       "a", SIZES("4096", "2048", "0", "0")) "</devices></metadata></domain>",
			       devices),
			 0);
}

/* The device as libvirt wrote it, with nothing but the requested size another: what was 131072 KiB becomes 65536. */
static void test_request(void **state)
{
	g_autofree char *text = read_fixture("domain-devices.xml");
	g_autofree char *definition = virtio_mem_request("g1", text, "virtiomem0", 64 * PAGES_PER_MIB, NULL);
	const char *from = strstr(text, "<memory model='virtio-mem'>");
	g_autoptr(GString) wanted = NULL;

	assert_non_null(from);
	wanted = g_string_new_len(from, strstr(from, "</memory>") + strlen("</memory>") - from);
	g_string_replace(wanted, "<requested unit='KiB'>131072<", "<requested unit='KiB'>65536<", 1);
	g_string_replace(wanted, "'", "\"", 0);
	assert_string_equal(definition, wanted->str);
}

/* Of two devices the one that is meant. All or nothing of it may be requested. */
static void test_request_of_two(void **state)
{
	const char *text = DOMAIN(DEVICE("a", SIZES("8192", "2048", "8192", "4096"))
					  DEVICE("b", SIZES("4096", "2048", "0", "0")));
	g_autofree char *none = virtio_mem_request("g1", text, "a", 0, NULL);
	g_autofree char *all = virtio_mem_request("g1", text, "b", 4 * PAGES_PER_MIB, NULL);

	assert_non_null(strstr(none, "<requested unit=\"KiB\">0</requested>"));
	assert_non_null(strstr(none, "\"a\""));
	assert_non_null(strstr(all, "<requested unit=\"KiB\">4096</requested>"));
	assert_non_null(strstr(all, "\"b\""));
}

static void assert_no_request(const char *alias, guint64 pages, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(virtio_mem_request("g1", DOMAIN(DEVICE("a", SIZES("8192", "2048", "0", "0"))), alias,
				       pages, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_DATA));
	assert_string_equal(error->message, message);
}

static void test_request_refused(void **state)
{
	g_autoptr(GError) error = NULL;

	assert_no_request("b", 0, "g1: it has no virtio-mem device b");
	assert_no_request("a", 10 * PAGES_PER_MIB, "g1: its virtio-mem device a cannot have 2560 pages");
	assert_no_request("a", PAGES_PER_MIB, "g1: its virtio-mem device a cannot have 256 pages");
	assert_null(virtio_mem_request("g1", "<domain", "a", 0, &error));
	assert_string_equal(error->message, "g1: its definition is not XML");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixture),		cmocka_unit_test(test_two),
		cmocka_unit_test(test_refused),		cmocka_unit_test(test_lookalikes),
		cmocka_unit_test(test_request),		cmocka_unit_test(test_request_of_two),
		cmocka_unit_test(test_request_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
