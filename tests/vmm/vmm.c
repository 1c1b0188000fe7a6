// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmm.c - the test VMM: a KVM guest that touches exactly the pages that it is told to, the known truth of the
 * module's tests
 *
 * Commands come in lines on stdin; each is answered by one line on stdout, "ok", with a result if there is
 * one, or "error" and why.
 *
 *   slot add N PAGES small|huge [SKEW]   add memory slot N (0 to 11), see vm_slot_add(); the result is its
 * address in this process slot del N                           delete it and its memory info the result is
 * N:GFN:HVA:PAGES for each slot, numbers in hexadecimal but for N touch r|w|x N LIST                   the
 * guest touches pages of slot N by read, write or instruction fetch; the answer comes after loop r|w|x N LIST
 * the guest goes on touching them until "stop"; the answer comes after the first round rounds the result is
 * how many rounds of the loop are complete stop                                 ends the loop host r|w N LIST
 * this process touches the pages reset                                destroy the VM with its slots, and
 * create a new one without
 *
 * LIST is FIRST[-LAST[/STEP]] of page numbers within the slot, several separated by commas. A page must have
 * been written before its instructions are fetched. At the end of stdin the VMM ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vm.h"

/* The pages of a LIST. */
struct page_list {
	uint32_t count;
	uint32_t page[GUEST_MAX_TOUCHES];
};

static int parse_range(const char *text, struct page_list *list)
{
	unsigned long first, last, step = 1;
	char *end;

	first = last = strtoul(text, &end, 10);
	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	if (*end == '/')
		step = strtoul(end + 1, &end, 10);
	if (end == text || *end || last < first || last >= VM_MAX_SLOT_PAGES || !step)
		return -EINVAL;
	for (; first <= last; first += step) {
		if (list->count == GUEST_MAX_TOUCHES)
			return -E2BIG;
		list->page[list->count++] = first;
	}
	return 0;
}

static int parse_list(char *text, struct page_list *list)
{
	char *save, *range;
	int error = 0;

	list->count = 0;
	for (range = strtok_r(text, ",", &save); range && !error; range = strtok_r(NULL, ",", &save))
		error = parse_range(range, list);
	return error;
}

static int parse_mode(const char *text, enum touch_mode *mode)
{
	static const char *const names[] = { [TOUCH_READ] = "r", [TOUCH_WRITE] = "w", [TOUCH_EXECUTE] = "x" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*mode = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int command_slot_add(struct vm *vm, const char *arguments, char *result, size_t size)
{
	unsigned int number, pages, skew = 0;
	char kind[8];
	int error;

	if (sscanf(arguments, "add %u %u %7s %u", &number, &pages, kind, &skew) < 3 ||
	    (strcmp(kind, "small") && strcmp(kind, "huge")))
		return -EINVAL;
	error = vm_slot_add(vm, number, pages, !strcmp(kind, "huge"), skew);
	if (!error)
		snprintf(result, size, " %p", (void *)vm->slots[number].hva);
	return error;
}

static int command_slot_del(struct vm *vm, const char *arguments)
{
	unsigned int number;

	return sscanf(arguments, "del %u", &number) == 1 ? vm_slot_del(vm, number) : -EINVAL;
}

static int command_info(const struct vm *vm, char *result, size_t size)
{
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < VM_MAX_SLOTS; i++) {
		const struct vm_slot *slot = &vm->slots[i];

		if (slot->hva)
			used += snprintf(result + used, size - used, " %u:%lx:%lx:%x", i,
					 (unsigned long)(slot->gpa / VM_PAGE_SIZE), (unsigned long)slot->hva,
					 slot->pages);
	}
	return 0;
}

static int touch_from_host(struct vm *vm, enum touch_mode mode, unsigned int slot,
			   const struct page_list *list)
{
	uint32_t i;

	if (slot >= VM_MAX_SLOTS || !vm->slots[slot].hva)
		return -ENOENT;
	if (mode == TOUCH_EXECUTE)
		return -EINVAL;
	for (i = 0; i < list->count; i++) {
		volatile uint8_t *page = vm->slots[slot].hva + list->page[i] * VM_PAGE_SIZE;

		if (list->page[i] >= vm->slots[slot].pages)
			return -ERANGE;
		if (mode == TOUCH_WRITE)
			*page = 0xc3;
		else
			(void)*page;
	}
	return 0;
}

/* touch, loop and host: MODE N LIST. */
static int command_touch(struct vm *vm, const char *verb, char *arguments)
{
	static struct page_list list; /* large */
	char *save, *mode_text = strtok_r(arguments, " ", &save), *slot_text = strtok_r(NULL, " ", &save);
	char *list_text = strtok_r(NULL, " ", &save);
	enum touch_mode mode;
	unsigned int slot;
	int error;

	if (!mode_text || !slot_text || !list_text || sscanf(slot_text, "%u", &slot) != 1)
		return -EINVAL;
	error = parse_mode(mode_text, &mode);
	if (!error)
		error = parse_list(list_text, &list);
	if (error)
		return error;
	if (!strcmp(verb, "host"))
		return touch_from_host(vm, mode, slot, &list);
	if (!strcmp(verb, "loop"))
		return vm_loop_start(vm, mode, slot, list.page, list.count);
	return vm_touch(vm, mode, slot, list.page, list.count);
}

static int run_command(struct vm *vm, char *line, char *result, size_t size)
{
	char *arguments = strchr(line, ' ');

	if (arguments)
		*arguments++ = '\0';
	else
		arguments = line + strlen(line);
	if (!strcmp(line, "slot") && !strncmp(arguments, "add ", 4))
		return command_slot_add(vm, arguments, result, size);
	if (!strcmp(line, "slot"))
		return command_slot_del(vm, arguments);
	if (!strcmp(line, "info"))
		return command_info(vm, result, size);
	if (!strcmp(line, "rounds")) {
		snprintf(result, size, " %u", vm_loop_rounds(vm));
		return 0;
	}
	if (!strcmp(line, "stop"))
		return vm_loop_stop(vm);
	if (!strcmp(line, "reset")) {
		vm_free(vm);
		return vm_new(vm);
	}
	if (!strcmp(line, "touch") || !strcmp(line, "loop") || !strcmp(line, "host"))
		return command_touch(vm, line, arguments);
	return -ENOSYS;
}

int main(void)
{
	char *line = NULL, result[1024];
	size_t capacity = 0;
	ssize_t length;
	struct vm vm;
	int error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	error = vm_new(&vm);
	if (error) {
		fprintf(stderr, "vmm: cannot create a VM: %s\n", strerror(-error));
		return 1;
	}
	while ((length = getline(&line, &capacity, stdin)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		result[0] = '\0';
		error = run_command(&vm, line, result, sizeof(result));
		if (error)
			printf("error %s\n", strerror(-error));
		else
			printf("ok%s\n", result);
	}
	free(line);
	vm_free(&vm);
	return 0;
}
