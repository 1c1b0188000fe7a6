/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_domain_xml.c - what is read of a live domain's definition
 *
 * The fixtures are what libvirt 9.0 gave for running domains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "domain_xml.h"
#include "host_error.h"

#define FIXTURES      "tests/unit/fixtures/"
#define PAGES_PER_MIB G_GUINT64_CONSTANT(256)

static struct domain_xml *parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct domain_xml *xml = domain_xml_parse("g1", text, &error);

	if (xml == NULL)
		fail_msg("%s", error->message);
	return xml;
}

static struct domain_xml *parse_fixture(const char *file)
{
	g_autofree char *path = g_strconcat(FIXTURES, file, NULL);
	g_autofree char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return parse(text);
}

static void assert_refused(const char *text, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(domain_xml_parse("g1", text, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_DATA));
	assert_true(g_str_has_prefix(error->message, "g1: "));
	assert_non_null(strstr(error->message, message));
}

static void assert_blocks(const struct domain_xml *xml, const guint64 *blocks, gsize count)
{
	assert_int_equal(xml->ram_blocks->len, count);
	assert_memory_equal(xml->ram_blocks->data, blocks, count * sizeof(*blocks));
}

/* A plain domain: boot memory only, a balloon, the agent's port and not the other. */
static void test_plain(void **state)
{
	struct domain_xml *xml = parse_fixture("domain-plain.xml");

	assert_int_equal(xml->boot_pages, 256 * PAGES_PER_MIB);
	assert_true(xml->has_balloon);
	assert_string_equal(xml->agent_socket,
			    "/var/lib/libvirt/qemu/channel/target/domain-1-g1/org.vmheat.guest.0");
	assert_blocks(xml, (const guint64[]){ 256 * PAGES_PER_MIB }, 1);
	assert_int_equal(xml->ram_pages, 256 * PAGES_PER_MIB);
	domain_xml_free(xml);
}

/* Two cells of 192 + 64 MiB, a virtio-mem of 256 and a DIMM of 128: boot memory is the cells'; the ivshmem
 * device is no RAM. */
static void test_devices(void **state)
{
	static const guint64 blocks[] = { 256 * PAGES_PER_MIB, 192 * PAGES_PER_MIB, 64 * PAGES_PER_MIB,
					  256 * PAGES_PER_MIB, 128 * PAGES_PER_MIB };
	struct domain_xml *xml = parse_fixture("domain-devices.xml");

	assert_int_equal(xml->boot_pages, 256 * PAGES_PER_MIB);
	assert_int_equal(xml->ram_pages, 640 * PAGES_PER_MIB);
	assert_blocks(xml, blocks, G_N_ELEMENTS(blocks));
	domain_xml_free(xml);
}

#define DOMAIN(inner)  "<domain type='kvm'><memory unit='KiB'>262144</memory>" inner "</domain>"
#define DEVICES(inner) DOMAIN("<devices>" inner "</devices>")
#define PORT	       "<target type='virtio' name='org.vmheat.guest.0'/>"

static void assert_no_agent(const char *text)
{
	struct domain_xml *xml = parse(text);

	assert_null(xml->agent_socket);
	domain_xml_free(xml);
}

/* The CID of a running domain's vsock, whether it was given or found; what is none of a guest's is none. */
static void test_vsock(void **state)
{
	static const struct {
		const char *text;
		guint cid;
	} domains[] = {
		{ DEVICES(""), 0 },
		{ DEVICES("<vsock model='virtio'><cid auto='yes' address='42'/></vsock>"), 42 },
		{ DEVICES("<vsock model='virtio'><cid auto='no' address='4294967294'/></vsock>"),
		  4294967294 },
		{ DEVICES("<vsock model='virtio'><cid auto='no' address='4294967295'/></vsock>"), 0 },
		{ DEVICES("<vsock model='virtio'><cid auto='no' address='2'/></vsock>"), 0 },
		{ DEVICES("<vsock model='virtio'><cid auto='no' address='-3'/></vsock>"), 0 },
		{ DEVICES("<vsock model='virtio'><cid auto='yes'/></vsock>"), 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(domains); i++) {
		struct domain_xml *xml = parse(domains[i].text);

		assert_int_equal(xml->vsock_cid, domains[i].cid);
		domain_xml_free(xml);
	}
}

/* A port that is not a socket which QEMU listens on is none that the daemon could use. */
static void test_no_agent(void **state)
{
	assert_no_agent(DOMAIN(""));
	assert_no_agent(DEVICES("<channel type='unix'><source mode='connect' path='/a'/>" PORT "</channel>"));
	assert_no_agent(DEVICES("<channel type='pty'><source mode='bind' path='/a'/>" PORT "</channel>"));
	assert_no_agent(DEVICES("<channel type='unix'><source mode='bind' path='/a'/>"
				"<target type='virtio' name='org.vmheat.guest.00'/></channel>"));
	assert_no_agent(DEVICES("<channel type='unix'><source mode='bind' path='/a'/>"
				"<target type='xen' name='org.vmheat.guest.0'/></channel>"));
}

/* No balloon device, and one that says "none", are the same. */
static void test_no_balloon(void **state)
{
	struct domain_xml *absent = parse(DOMAIN("")), *none = parse(DEVICES("<memballoon model='none'/>"));

	assert_false(absent->has_balloon);
	assert_false(none->has_balloon);
	domain_xml_free(absent);
	domain_xml_free(none);
}

static void assert_reporting(const char *text, gboolean wanted)
{
	struct domain_xml *xml = parse(text);

	assert_int_equal(xml->free_page_reporting, wanted);
	domain_xml_free(xml);
}

/* Free page reporting is the balloon's; without a balloon there is none. */
static void test_free_page_reporting(void **state)
{
	assert_reporting(DEVICES("<memballoon model='virtio' freePageReporting='on'/>"), TRUE);
	assert_reporting(DEVICES("<memballoon model='virtio' freePageReporting='off'/>"), FALSE);
	assert_reporting(DEVICES("<memballoon model='virtio'/>"), FALSE);
	assert_reporting(DEVICES("<memballoon model='none' freePageReporting='on'/>"), FALSE);
	assert_reporting(DOMAIN(""), FALSE);
}

/* NVDIMM and virtio-pmem take from the sum and are no RAM; 256 MiB - 64 - 32 = 160. */
static void test_persistent_memory(void **state)
{
	struct domain_xml *xml =
		parse(DEVICES("<memory model='nvdimm'><target><size unit='KiB'>65536</size></target>"
			      "<alias name='nvdimm0'/></memory>"
			      "<memory model='virtio-pmem'><target><size unit='KiB'>32768</size>"
			      "</target><alias name='virtiopmem0'/></memory>"));

	assert_int_equal(xml->boot_pages, 160 * PAGES_PER_MIB);
	assert_int_equal(xml->ram_pages, 160 * PAGES_PER_MIB);
	assert_blocks(xml, (const guint64[]){ 160 * PAGES_PER_MIB }, 1);
	domain_xml_free(xml);
}

#define QEMU_NAMESPACE "xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"
#define EMULATED(arguments)                                                                                  \
	"<domain type='qemu' " QEMU_NAMESPACE "><memory unit='KiB'>262144</memory><q:commandline>" arguments \
	"</q:commandline></domain>"
#define PLUGIN(value) "<q:arg value='-plugin'/><q:arg value='" value "'/>"

static void assert_plugin_map(const char *text, const char *path)
{
	struct domain_xml *xml = parse(text);

	assert_true(xml->is_emulated);
	if (path == NULL)
		assert_null(xml->plugin_map);
	else
		assert_string_equal(xml->plugin_map, path);
	domain_xml_free(xml);
}

/* Without KVM: the plugin's file is found among QEMU's own arguments, with QEMU's doubled commas. */
static void test_plugin(void **state)
{
	assert_plugin_map(EMULATED(PLUGIN("/usr/lib/libvmheat-plugin.so,map=/run/g1.map")), "/run/g1.map");
	assert_plugin_map(
		EMULATED("<q:arg value='-d'/>" PLUGIN("file=/lib/libvmheat-plugin.so,map=/run/a,,b,x=y")),
		"/run/a,b");
	assert_plugin_map(EMULATED(""), NULL);
	assert_plugin_map(EMULATED(PLUGIN("/usr/lib/libother.so,map=/run/g1.map")), NULL);
	assert_plugin_map(EMULATED(PLUGIN("/usr/lib/libvmheat-plugin.so,oracle=/run/g1.map")), NULL);
	assert_plugin_map("<domain type='qemu'><memory unit='KiB'>262144</memory><commandline>"
			  "<arg value='libvmheat-plugin.so,map=/run/g1.map'/></commandline></domain>",
			  NULL);
}

/* With KVM QEMU calls no plugin, so its file would say that nothing is ever accessed. */
static void test_plugin_with_kvm(void **state)
{
	struct domain_xml *xml =
		parse("<domain type='kvm' " QEMU_NAMESPACE
		      "><memory unit='KiB'>262144</memory><q:commandline>" PLUGIN(
			      "/usr/lib/libvmheat-plugin.so,map=/run/g1.map") "</q:commandline></domain>");

	assert_false(xml->is_emulated);
	assert_null(xml->plugin_map);
	domain_xml_free(xml);
}

/* Text from elsewhere in the definition (metadata, a title) is never taken for a setting. */
static void test_lookalikes(void **state)
{
	struct domain_xml *xml = parse(DOMAIN("<metadata><memory unit='KiB'>4</memory><devices><memballoon "
					      "model='virtio'/></devices></metadata>"));

	assert_int_equal(xml->boot_pages, 256 * PAGES_PER_MIB);
	assert_false(xml->has_balloon);
	domain_xml_free(xml);
}

/* Definitions that make no sense are refused with the domain's name. */
static void test_refused(void **state)
{
	assert_refused("", "is not XML");
	assert_refused("<domain", "is not XML");
	assert_refused("<domain type='xen'><memory unit='KiB'>4096</memory></domain>", "of the type 'xen'");
	assert_refused("<other/>", "of the type ''");
	assert_refused("<domain type='kvm'/>", "no sensible memory size");
	assert_refused("<domain type='kvm'><memory unit='MiB'>256</memory></domain>",
		       "no sensible memory size");
	assert_refused("<domain type='kvm'><memory>262144</memory></domain>", "no sensible memory size");
	assert_refused("<domain type='kvm'><memory unit='KiB'>-4</memory></domain>",
		       "no sensible memory size");
	assert_refused("<domain type='kvm'><memory unit='KiB'>18446744073709551615</memory></domain>",
		       "no sensible memory size");
	assert_refused(DOMAIN("<cpu><numa><cell id='0' memory='256' unit='MiB'/></numa></cpu>"),
		       "no sensible memory size");
	assert_refused(DOMAIN("<cpu><numa><cell id='0' unit='KiB'/></numa></cpu>"),
		       "no sensible memory size");
	/* More in devices than there is in all. */
	assert_refused(
		DEVICES("<memory model='dimm'><target><size unit='KiB'>262144</size></target></memory>"),
		"no sensible memory size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_no_agent),
		cmocka_unit_test(test_vsock),
		cmocka_unit_test(test_no_balloon),
		cmocka_unit_test(test_persistent_memory),
		cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_plugin_with_kvm),
		cmocka_unit_test(test_lookalikes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_free_page_reporting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
