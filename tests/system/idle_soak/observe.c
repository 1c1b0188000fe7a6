// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * observe.c - observers of a subject: what is touched all the time is never idle
 *
 * A page that is touched between two looks may be a hole at the second one, because it is swapped out or on its way to
 * another node at that moment; but it is not idle. Nothing is said of cold pages but that most are idle sometimes, for
 * whatever moves them makes them look accessed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "idle_map.h"
#include "observe.h"
#include "page_scan.h"

#define INTERVAL_US	 10000
#define LOOK_US		 1000
#define ROUNDS_BETWEEN	 2 /* the first may have begun before */
#define PATIENCE_SECONDS 120

/* Let some time go by, in which all hot pages are touched. Return: false if they are not. */
static bool wait_for_rounds(struct observer *observer)
{
	struct subject *subject = observer->subject;
	uint32_t first = subject->kind->rounds(subject);
	time_t end = time(NULL) + PATIENCE_SECONDS;

	usleep(INTERVAL_US);
	while (subject->kind->rounds(subject) - first < ROUNDS_BETWEEN) {
		if (time(NULL) > end) {
			printf("%s: does not go round any more\n", subject->kind->name);
			return false;
		}
		usleep(LOOK_US);
	}
	return true;
}

/* Judge the pages that were found idle. */
static bool judge(struct observer *observer, const char *how, const bool *idle)
{
	size_t i, hot = 0;

	observer->scans++;
	for (i = 0; i < observer->subject->pages; i++) {
		if (!idle[i])
			continue;
		if (!subject_is_hot(i))
			observer->idle++;
		else if (hot++ < 8)
			printf("%s: by %s, scan %lu: page %zu is idle, but is touched all the time\n",
			       observer->subject->kind->name, how, observer->scans, i);
	}
	if (hot)
		printf("%s: by %s: %zu pages are wrong\n", observer->subject->kind->name, how, hot);
	return !hot;
}

static bool read_once(struct observer *observer, int fd, bool *idle)
{
	const struct subject *subject = observer->subject;
	int ret;

	ret = idle_map_mark(fd, subject->address, subject->pages, NULL);
	if (!ret && !wait_for_rounds(observer))
		return false;
	if (!ret)
		ret = idle_map_read(fd, subject->address, subject->pages, idle);
	if (ret)
		printf("%s: %s\n", subject->kind->name, strerror(-ret));
	return !ret && judge(observer, "read", idle);
}

static bool scan_once(struct observer *observer, int fd, bool *accessed, bool *present)
{
	const struct subject *subject = observer->subject;
	size_t i;
	int ret;

	ret = page_scan(fd, subject->address, subject->pages, 0, accessed, present, NULL, NULL);
	if (ret < 0) {
		printf("%s: %s\n", subject->kind->name, strerror(-ret));
		return false;
	}
	for (i = 0; i < subject->pages; i++)
		present[i] = present[i] && !accessed[i];
	return judge(observer, "scan", present) && wait_for_rounds(observer);
}

static void *observe(struct observer *observer, bool scans)
{
	size_t pages = observer->subject->pages;
	bool *first = malloc(pages), *second = malloc(pages);
	int fd = idle_map_open(observer->subject->pid);

	if (!first || !second || fd < 0) {
		printf("%s: %s\n", observer->subject->kind->name, fd < 0 ? strerror(-fd) : "no memory");
		observer->wrong = true;
	}
	while (!observer->stop && !observer->wrong)
		observer->wrong =
			scans ? !scan_once(observer, fd, first, second) : !read_once(observer, fd, first);
	free(first);
	free(second);
	close(fd);
	return NULL;
}

static void *observe_by_reading(void *argument)
{
	return observe(argument, false);
}

static void *observe_by_scanning(void *argument)
{
	return observe(argument, true);
}

static void start(struct observer *observer, struct subject *subject, void *(*run)(void *))
{
	*observer = (struct observer){ .subject = subject };
	if (pthread_create(&observer->thread, NULL, run, observer)) {
		perror("pthread_create");
		exit(2);
	}
}

void observer_start_reading(struct observer *observer, struct subject *subject)
{
	start(observer, subject, observe_by_reading);
}

void observer_start_scanning(struct observer *observer, struct subject *subject)
{
	start(observer, subject, observe_by_scanning);
}

bool observer_end(struct observer *observer)
{
	observer->stop = true;
	pthread_join(observer->thread, NULL);
	return !observer->wrong;
}
