/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_libvirt_connection.c - the connection on libvirt's own test driver
 *
 * "test:///default" lives in this process and has one running domain, "test". All its connections share it,
 * so a second one plays whoever starts and stops domains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "libvirt_connection.h"

#define TEST_URI    "test:///default"
#define PATIENCE_US (G_GINT64_CONSTANT(30) * G_USEC_PER_SEC)

/* What was told, one word an event. */
static GString *told;

static void note_connected(gpointer data)
{
	g_string_append(told, "connected ");
}

static void note_disconnected(const char *reason, gpointer data)
{
	g_string_append_printf(told, "disconnected(%s) ", reason);
}

static void note_running(virDomainPtr domain, gpointer data)
{
	g_string_append_printf(told, "running(%s) ", virDomainGetName(domain));
}

static void note_stopped(const char *uuid, const char *name, gpointer data)
{
	assert_int_equal(strlen(uuid), 36);
	g_string_append_printf(told, "stopped(%s) ", name);
}

static void note_devices(virDomainPtr domain, gpointer data)
{
	g_string_append_printf(told, "devices(%s) ", virDomainGetName(domain));
}

static void note_metadata(virDomainPtr domain, gpointer data)
{
	g_string_append_printf(told, "metadata(%s) ", virDomainGetName(domain));
}

static const struct libvirt_connection_callbacks callbacks = {
	.connected = note_connected,
	.disconnected = note_disconnected,
	.running = note_running,
	.stopped = note_stopped,
	.devices_changed = note_devices,
	.metadata_changed = note_metadata,
};

static int set_up(void **state)
{
	told = g_string_new("");
	return 0;
}

static int tear_down(void **state)
{
	g_string_free(told, TRUE);
	return 0;
}

static gboolean wake_up(gpointer data)
{
	return G_SOURCE_CONTINUE;
}

/* Run the main loop until what was told ends with @end. */
static void wait_for(const char *end)
{
	gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
	guint timer = g_timeout_add(10, wake_up, NULL);

	while (!g_str_has_suffix(told->str, end) && g_get_monotonic_time() < deadline)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(timer);
	if (!g_str_has_suffix(told->str, end))
		fail_msg("'%s' does not end with '%s'", told->str, end);
}

/* Let everything happen that is on its way. */
static void settle(void)
{
	for (int i = 0; i < 20; i++) {
		while (g_main_context_iteration(NULL, FALSE))
			;
		g_usleep(5000);
	}
}

/* The running domain is told after the connection; then its end and its new start, once each. */
static void test_domains(void **state)
{
	struct libvirt_connection *connection = libvirt_connection_new(TEST_URI, &callbacks, NULL);
	virConnectPtr other;
	virDomainPtr domain;

	assert_string_equal(told->str, ""); /* nothing is told before the main loop runs */
	wait_for("connected running(test) ");

	other = virConnectOpen(TEST_URI);
	domain = virDomainLookupByName(other, "test");
	assert_non_null(domain);
	assert_int_equal(virDomainDestroy(domain), 0);
	wait_for("stopped(test) ");
	assert_int_equal(virDomainCreate(domain), 0);
	wait_for("running(test) ");
	assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "<settings mode='act'/>",
					      "vmheat", "https://vmheat.org/domain/1.0", 0),
			 0);
	wait_for("metadata(test) ");
	settle();
	assert_string_equal(told->str, "connected running(test) stopped(test) running(test) metadata(test) ");

	/* After the end of the connection nothing is told any more. */
	libvirt_connection_free(connection);
	assert_int_equal(virDomainDestroy(domain), 0);
	assert_int_equal(virDomainCreate(domain), 0);
	settle();
	assert_string_equal(told->str, "connected running(test) stopped(test) running(test) metadata(test) ");
	virDomainFree(domain);
	virConnectClose(other);
}

/* Freed while it is still being opened: nothing is told, nothing is left behind. */
static void test_freed_while_opening(void **state)
{
	libvirt_connection_free(libvirt_connection_new(TEST_URI, &callbacks, NULL));
	settle();
	assert_string_equal(told->str, "");
}

/* A libvirtd that is not there: said once, with the URI and libvirt's reason, however often it is tried. */
static void test_no_libvirtd(void **state)
{
	struct libvirt_connection *connection = libvirt_connection_new(
		"qemu+unix:///system?socket=/nonexistent/libvirt-sock", &callbacks, NULL);
	gint64 end =
		g_get_monotonic_time() + G_GINT64_CONSTANT(7) * G_USEC_PER_SEC; /* attempts are 5 s apart */

	wait_for(") ");
	assert_non_null(strstr(told->str, "/nonexistent/libvirt-sock"));
	while (g_get_monotonic_time() < end)
		settle();
	assert_true(g_str_has_prefix(told->str, "disconnected("));
	assert_null(strstr(told->str + 1, "disconnected("));
	libvirt_connection_free(connection);
}

#define CONNECTION_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTION_TEST(test_domains),
		CONNECTION_TEST(test_freed_while_opening),
		CONNECTION_TEST(test_no_libvirtd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
