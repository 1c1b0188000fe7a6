/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_mapped_file.c - files that are cut short while they are mapped
 *
 * One test, because cmocka takes SIGBUS for itself whenever a test begins.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "mapped_file.h"

#define SIZE 65536

static int new_file(void)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, SIZE), 0);
	return fd;
}

/* Any other page that has gone still ends the process: not one of ours, or one of ours no more. */
static void assert_kills(const volatile char *address)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(10);
		(void)*address;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

/*
 * One of two files is cut: it reads as zeros and says so, takes writes, and the other one knows nothing of it.
 */
static void test_cut_short(void **state)
{
	int fds[3] = { new_file(), new_file(), new_file() };
	struct mapped_file *files[2];
	char *data[2], *other;

	signal(SIGBUS, SIG_DFL); /* instead of cmocka's */
	for (gsize i = 0; i < 2; i++) {
		files[i] = mapped_file_new(fds[i], SIZE);
		assert_non_null(files[i]);
		data[i] = mapped_file_data(files[i]);
		memset(data[i], 'x', SIZE);
	}
	assert_int_equal(ftruncate(fds[0], 4096), 0);
	assert_false(mapped_file_is_lost(files[0]));
	assert_int_equal(data[0][SIZE - 1], 0);
	assert_true(mapped_file_is_lost(files[0]));
	data[0][5000] = 'y';
	assert_int_equal(data[0][0], 0);
	assert_false(mapped_file_is_lost(files[1]));
	assert_int_equal(data[1][SIZE - 1], 'x');
	other = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fds[2], 0);
	assert_true(other != MAP_FAILED);
	assert_int_equal(ftruncate(fds[2], 0), 0);
	assert_kills(other);
	munmap(other, SIZE);
	for (gsize i = 0; i < 2; i++)
		mapped_file_free(files[i]);
	for (gsize i = 0; i < 3; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut_short) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
