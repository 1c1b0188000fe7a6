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
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vm.h"

/* What is left of a command line. */
struct words {
	char *rest;
};

/* The next word, NULL if there is none. */
static char *next_word(struct words *words)
{
	char *word = strsep(&words->rest, " ");

	return word && *word ? word : NULL;
}

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
		if (strcmp(text, names[i]) == 0) {
			*mode = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_number(const char *text, unsigned int *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = text ? strtoul(text, &end, 10) : 0;
	if (!text || end == text || *end || errno || value > UINT32_MAX)
		return -EINVAL;
	*number = value;
	return 0;
}

static int command_slot_add(struct vm *vm, struct words *words, char *result, size_t size)
{
	const char *number_text = next_word(words), *pages_text = next_word(words), *kind = next_word(words);
	const char *skew_text = next_word(words);
	unsigned int number, pages, skew = 0;
	bool huge = kind && strcmp(kind, "huge") == 0;
	int error;

	if (parse_number(number_text, &number) || parse_number(pages_text, &pages) ||
	    (skew_text && parse_number(skew_text, &skew)) || !kind || (!huge && strcmp(kind, "small") != 0))
		return -EINVAL;
	error = vm_slot_add(vm, number, pages, huge, skew);
	if (!error)
		snprintf(result, size, " %p", (void *)vm->slots[number].hva);
	return error;
}

static int command_slot(struct vm *vm, struct words *words, char *result, size_t size)
{
	const char *verb = next_word(words);
	unsigned int number;

	if (verb && strcmp(verb, "add") == 0)
		return command_slot_add(vm, words, result, size);
	if (!verb || strcmp(verb, "del") != 0 || parse_number(next_word(words), &number))
		return -EINVAL;
	return vm_slot_del(vm, number);
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
static int command_touch(struct vm *vm, const char *verb, struct words *words)
{
	static struct page_list list; /* large */
	const char *mode_text = next_word(words), *slot_text = next_word(words);
	char *list_text = next_word(words);
	enum touch_mode mode;
	unsigned int slot;

	if (!list_text || parse_mode(mode_text, &mode) || parse_number(slot_text, &slot) ||
	    parse_list(list_text, &list))
		return -EINVAL;
	if (strcmp(verb, "host") == 0)
		return touch_from_host(vm, mode, slot, &list);
	if (strcmp(verb, "loop") == 0)
		return vm_loop_start(vm, mode, slot, list.page, list.count);
	return vm_touch(vm, mode, slot, list.page, list.count);
}

static int command_reset(struct vm *vm)
{
	vm_free(vm);
	return vm_new(vm);
}

static int run_command(struct vm *vm, struct words *words, char *result, size_t size)
{
	const char *verb = next_word(words);

	if (!verb)
		return -EINVAL;
	if (strcmp(verb, "slot") == 0)
		return command_slot(vm, words, result, size);
	if (strcmp(verb, "info") == 0)
		return command_info(vm, result, size);
	if (strcmp(verb, "touch") == 0 || strcmp(verb, "loop") == 0 || strcmp(verb, "host") == 0)
		return command_touch(vm, verb, words);
	if (strcmp(verb, "rounds") == 0) {
		snprintf(result, size, " %u", vm_loop_rounds(vm));
		return 0;
	}
	if (strcmp(verb, "stop") == 0)
		return vm_loop_stop(vm);
	if (strcmp(verb, "reset") == 0)
		return command_reset(vm);
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
		error = run_command(&vm, &(struct words){ .rest = line }, result, sizeof(result));
		if (error)
			printf("error %s\n", strerror(-error));
		else
			printf("ok%s\n", result);
	}
	free(line);
	vm_free(&vm);
	return 0;
}
