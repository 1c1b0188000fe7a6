/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_virtio_mem_actuator.c - what libvirt is told to resize a virtio-mem device
 *
 * Libvirt's test driver has no memory devices, so its two functions are played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libvirt/virterror.h>
#include "host_error.h"
#include "memory_actuator.h"

#define PAGES_PER_MIB G_GUINT64_CONSTANT(256)
#define DEFINITION                                                                                           \
	"<domain><devices><memory model='virtio-mem'><target><size unit='KiB'>8192</size>"                   \
	"<block unit='KiB'>2048</block><requested unit='KiB'>8192</requested>"                               \
	"<current unit='KiB'>8192</current></target><alias name='virtiomem0'/></memory></devices></domain>"

/* Libvirt: what it knows, and what it was told. */
static struct {
	const char *definition; /* NULL: it fails */
	gboolean refuses;
	char *told;
	unsigned int flags;
} libvirt;

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
	return libvirt.definition == NULL ? NULL : strdup(libvirt.definition);
}

int virDomainUpdateDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags)
{
	libvirt.told = g_strdup(xml);
	libvirt.flags = flags;
	return libvirt.refuses ? -1 : 0;
}

static int set_up(void **state)
{
	memset(&libvirt, 0, sizeof(libvirt));
	libvirt.definition = DEFINITION;
	return 0;
}

static int tear_down(void **state)
{
	g_clear_pointer(&libvirt.told, g_free);
	return 0;
}

static gboolean set(const char *alias, guint64 pages, GError **error)
{
	const struct domain domain = { .name = (char *)"g1" };

	return memory_actuator_of(RESIZE_VIRTIO_MEM)->set(&domain, alias, pages, error);
}

/* The live device, with what is requested now. */
static void test_set(void **state)
{
	assert_true(set("virtiomem0", 4 * PAGES_PER_MIB, NULL));
	assert_non_null(strstr(libvirt.told, "<requested unit=\"KiB\">4096</requested>"));
	assert_true(g_str_has_prefix(libvirt.told, "<memory model=\"virtio-mem\">"));
	assert_int_equal(libvirt.flags, VIR_DOMAIN_AFFECT_LIVE);
}

/* A device that is not there, and a size that it cannot have: libvirt is told nothing. */
static void test_refused(void **state)
{
	g_autoptr(GError) error = NULL;

	assert_false(set("virtiomem1", 0, &error));
	assert_string_equal(error->message, "g1: it has no virtio-mem device virtiomem1");
	g_clear_error(&error);
	assert_false(set("virtiomem0", 9 * PAGES_PER_MIB, &error));
	assert_int_equal(error->domain, HOST_ERROR);
	assert_null(libvirt.told);
}

/* Libvirt fails, in either call. */
static void test_libvirt_fails(void **state)
{
	g_autoptr(GError) error = NULL;

	libvirt.refuses = TRUE;
	assert_false(set("virtiomem0", 0, &error));
	assert_true(g_str_has_prefix(error->message, "g1: cannot set its virtio-mem device"));
	g_clear_error(&error);
	libvirt.definition = NULL;
	assert_false(set("virtiomem0", 0, &error));
	assert_true(g_str_has_prefix(error->message, "g1: cannot read its definition"));
}

#define LIBVIRT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIBVIRT_TEST(test_set),
		LIBVIRT_TEST(test_refused),
		LIBVIRT_TEST(test_libvirt_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
