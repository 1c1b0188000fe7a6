/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_domain.c - domains and their balloon on libvirt's test driver, and the life of a process
 *
 * The test driver's domain has 8 GiB of memory, 2 GiB of it current, and no process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <libvirt/virterror.h>
#include "domain.h"
#include "domain_metadata.h"
#include "host_error.h"
#include "memory_actuator.h"
#include "proc_files.h"

#define PAGES_PER_MIB G_GUINT64_CONSTANT(256)

struct bench {
	virConnectPtr connection;
	struct domain domain; /* made by hand: the test driver's domains are not QEMU's */
};

static void ignore_error(void *data, virErrorPtr error)
{
}

static int set_up(void **state)
{
	struct bench *bench = g_new0(struct bench, 1);

	virSetErrorFunc(NULL, ignore_error);
	bench->connection = virConnectOpen("test:///default");
	bench->domain.handle = virDomainLookupByName(bench->connection, "test");
	assert_non_null(bench->domain.handle);
	bench->domain.name = (char *)"test";
	bench->domain.has_balloon = TRUE;
	bench->domain.boot_pages = 2048 * PAGES_PER_MIB;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	virDomainFree(bench->domain.handle);
	virConnectClose(bench->connection);
	g_free(bench);
	return 0;
}

/* A domain that QEMU does not run is refused with its name. */
static void test_not_qemu(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;

	assert_null(domain_new(bench->domain.handle, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_DATA));
	assert_string_equal(error->message, "test: not a QEMU domain but of the type 'test'");
}

/* The layout of a VM that has no process (any more): GONE, with its name. */
static void test_no_process(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;

	assert_null(domain_page_map(&bench->domain, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_GONE));
	assert_string_equal(error->message, "test: process 0 has ended or begun another program");
}

static gboolean set_balloon(struct bench *bench, guint64 pages, GError **error)
{
	return memory_actuator_of(RESIZE_BALLOON)->set(&bench->domain, NULL, pages, error);
}

/* What the balloon was set to is what libvirt says it is. */
static void test_balloon(void **state)
{
	struct bench *bench = *state;
	struct domain_memory memory;
	g_autoptr(GError) error = NULL;

	if (!set_balloon(bench, 1000 * PAGES_PER_MIB, &error))
		fail_msg("%s", error->message);
	assert_true(domain_memory(&bench->domain, &memory, &error));
	assert_int_equal(memory.balloon_pages, 1000 * PAGES_PER_MIB);
	assert_int_equal(memory.virtio_mem_count, 0);
}

static void assert_balloon_refused(struct bench *bench, guint64 pages, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_false(set_balloon(bench, pages, &error));
	assert_int_equal(error->domain, HOST_ERROR);
	if (strstr(error->message, message) == NULL)
		fail_msg("'%s' is not in '%s'", message, error->message);
}

/* No balloon at no size, none above boot memory, and none of a domain that has none. */
static void test_balloon_refused(void **state)
{
	struct bench *bench = *state;

	assert_balloon_refused(bench, 0, "test: its balloon cannot stand at 0 pages");
	assert_balloon_refused(bench, 2048 * PAGES_PER_MIB + 1, "cannot stand at 524289 pages: 1 to 524288");
	bench->domain.has_balloon = FALSE;
	assert_balloon_refused(bench, 1000 * PAGES_PER_MIB, "test: it has no balloon");
}

/* The size is what is left of boot memory and plugged of virtio-mem; the maximum all that there could be. */
static void test_size(void **state)
{
	struct domain_memory memory = { .balloon_pages = 200, .virtio_mem_count = 2 };

	memory.virtio_mems[0].size = (struct virtio_mem_size){ .size_pages = 64, .current_pages = 16 };
	memory.virtio_mems[1].size = (struct virtio_mem_size){ .size_pages = 32, .current_pages = 0 };
	assert_int_equal(domain_memory_size(&memory), 216);
	assert_int_equal(domain_memory_maximum(&memory, 256), 352);
}

/* A domain that has ended is GONE, whatever is asked of it. */
static void test_ended(void **state)
{
	struct bench *bench = *state;
	struct domain_memory memory;
	g_autoptr(GError) error = NULL;

	assert_int_equal(virDomainDestroy(bench->domain.handle), 0);
	assert_false(domain_memory(&bench->domain, &memory, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_GONE));
	g_clear_error(&error);
	assert_false(set_balloon(bench, 1000 * PAGES_PER_MIB, &error));
	assert_true(g_error_matches(error, HOST_ERROR, HOST_ERROR_GONE));
	assert_int_equal(virDomainCreate(bench->domain.handle), 0);
}

/* A process lives until it is a zombie; another process with its number is not it. */
static void test_alive(void **state)
{
	struct domain domain = { .pid = fork() };
	struct proc_stat stat;
	int status;

	if (domain.pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(domain.pid > 0);
	assert_true(proc_stat_read(domain.pid, &stat));
	domain.pid_start_time = stat.start_time;
	assert_true(domain_is_alive(&domain));
	domain.pid_start_time++;
	assert_false(domain_is_alive(&domain));
	domain.pid_start_time--;

	kill(domain.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)domain.pid, NULL, WEXITED | WNOWAIT), 0);
	assert_false(domain_is_alive(&domain));
	assert_int_equal(waitpid(domain.pid, &status, 0), domain.pid);
	assert_false(domain_is_alive(&domain));
}

#define DOMAIN_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* What an owner has set by libvirt is read, as he set it; without it there is nothing, which is no error. */
static void test_metadata(void **state)
{
	struct bench *bench = *state;
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) values = NULL;
	char *text;

	assert_true(domain_metadata_read(&bench->domain, &text, &error));
	assert_null(text);
	assert_int_equal(virDomainSetMetadata(bench->domain.handle, VIR_DOMAIN_METADATA_ELEMENT,
					      "<settings mode='act' floor='1GiB'/>", "vmheat",
					      DOMAIN_METADATA_URI, 0),
			 0);
	assert_true(domain_metadata_read(&bench->domain, &text, &error));
	values = domain_metadata_parse(text, &error);
	assert_string_equal(g_hash_table_lookup(values, "floor"), "1GiB");
	assert_int_equal(g_hash_table_size(values), 2);
	g_free(text);
}

/* A guest that stands still is told from one that runs. */
static void test_paused(void **state)
{
	struct bench *bench = *state;
	gboolean paused;

	assert_true(domain_is_paused(&bench->domain, &paused, NULL));
	assert_false(paused);
	assert_int_equal(virDomainSuspend(bench->domain.handle), 0);
	assert_true(domain_is_paused(&bench->domain, &paused, NULL));
	assert_true(paused);
	assert_int_equal(virDomainResume(bench->domain.handle), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOMAIN_TEST(test_not_qemu),	   DOMAIN_TEST(test_no_process), DOMAIN_TEST(test_balloon),
		DOMAIN_TEST(test_balloon_refused), DOMAIN_TEST(test_ended),	 DOMAIN_TEST(test_metadata),
		DOMAIN_TEST(test_paused),	   cmocka_unit_test(test_alive), cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
