// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmm.c - the test VMM: KVM guests that touch exactly the pages that they are told to, the known truth of the
 * module's tests
 *
 * Commands come in lines on stdin; each is answered by one line on stdout, "ok", with a result if there is
 * one, or "error" and why.
 *
 *   vm N            All that follows is for VM N (0 to 3), which is created if it is not there.
 *   vcpu KIND       All that follows is done by this vCPU of the VM, which is created if it is not there. KIND is
 *                   guest, nested (a guest of the guest), nested-paging (one with nested paging), smm (the guest
 *                   in System Management Mode) or paging (the guest with page tables of its own, to which it writes
 *                   after each touch). Unless another is chosen it is the guest's.
 *   slot add S PAGES BACKING [SKEW]
 *                   Add memory slot S that shows new memory; the result is its address in this process.
 *   slot show S VM T FIRST PAGES
 *                   Add slot S that shows PAGES pages, from FIRST on, of the memory of slot T of a VM.
 *   slot move S N   Let the guest have slot S at place N; each slot begins at the place of its own number.
 *   slot del S      Delete it. Memory is unmapped with the last slot that shows it.
 *   info            The result is ID:AS:GFN:HVA:PAGES for each slot of the VM, the control slot included, numbers
 *                   in hexadecimal.
 *   touch r|w|x S LIST
 *                   The vCPU touches pages of slot S by read, write or instruction fetch; then the answer comes.
 *   loop r|w|x S LIST
 *                   The vCPU goes on touching them until "stop". The answer comes after the first round.
 *   rounds          The result is how many rounds of the loop are complete.
 *   stop            Ends the loop.
 *   host r|w|u S LIST
 *                   This process touches the pages, or gives them back to the host.
 *   advise HOW S LIST
 *                   madvise() pages: hugepage, nohugepage, collapse, cold or pageout.
 *   reset           Destroy the VM with its slots, and create a new one without.
 *
 * S is a number from 0 to 11; 65536 more for a slot that is seen in System Management Mode. Place N is
 * 256 MiB * (N + 1) in guest-physical memory, N from 0 to 14. BACKING is small, huge, memfd, hugetlb-2m,
 * hugetlb-1g or file, see memory.h; SKEW see memory_new(). LIST is FIRST[-LAST[/STEP]] of page numbers within
 * the slot, several separated by commas; a page must have been written before its instructions are fetched,
 * but for a file's. At the end of stdin the VMM ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "page_list.h"
#include "vm.h"

#define MAX_VMS	    4
#define RESULT_SIZE 4096

/**
 * struct vmm - the VMM
 * @vms:    its VMs; those whose @kvm is negative do not exist
 * @chosen: the VM that commands are for
 * @result: of the command
 * @list:   pages of the command
 */
struct vmm {
	struct vm vms[MAX_VMS];
	struct vm *chosen;
	char result[RESULT_SIZE];
	struct page_list list;
};

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

static int parse_number(const char *text, unsigned int limit, unsigned int *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = text ? strtoul(text, &end, 10) : 0;
	if (!text || end == text || *end || errno || value >= limit)
		return -EINVAL;
	*number = value;
	return 0;
}

static int next_number(struct words *words, unsigned int limit, unsigned int *number)
{
	return parse_number(next_word(words), limit, number);
}

/* The position of a word in a list of names. */
static int parse_name(const char *text, const char *const *names, size_t count, unsigned int *position)
{
	for (*position = 0; text && *position < count; ++*position) {
		if (!strcmp(text, names[*position]))
			return 0;
	}
	return -EINVAL;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int command_vm(struct vmm *vmm, struct words *words)
{
	unsigned int number;
	int error;

	if (next_number(words, MAX_VMS, &number))
		return -EINVAL;
	if (vmm->vms[number].kvm < 0) {
		error = vm_new(&vmm->vms[number]);
		if (error)
			return error;
	}
	vmm->chosen = &vmm->vms[number];
	return 0;
}

static int command_vcpu(struct vmm *vmm, struct words *words)
{
	static const char *const names[] = {
		[VCPU_GUEST] = "guest", [VCPU_NESTED] = "nested", [VCPU_NESTED_PAGING] = "nested-paging",
		[VCPU_SMM] = "smm",	[VCPU_PAGING] = "paging",
	};
	unsigned int kind;

	if (parse_name(next_word(words), names, COUNT(names), &kind))
		return -EINVAL;
	return vm_vcpu_choose(vmm->chosen, kind);
}

static int command_slot_add(struct vmm *vmm, unsigned int number, struct words *words)
{
	static const char *const names[] = {
		[BACKING_SMALL] = "small",	     [BACKING_HUGE] = "huge",
		[BACKING_MEMFD] = "memfd",	     [BACKING_HUGETLB_2M] = "hugetlb-2m",
		[BACKING_HUGETLB_1G] = "hugetlb-1g", [BACKING_FILE] = "file",
	};
	unsigned int pages, backing, skew = 0;
	const char *skew_text;
	int error;

	if (next_number(words, UINT32_MAX, &pages) ||
	    parse_name(next_word(words), names, COUNT(names), &backing))
		return -EINVAL;
	skew_text = next_word(words);
	if (skew_text && parse_number(skew_text, UINT32_MAX, &skew))
		return -EINVAL;
	error = vm_slot_add(vmm->chosen, number, pages, backing, skew);
	if (!error)
		snprintf(vmm->result, sizeof(vmm->result), " %p", (void *)vm_slot(vmm->chosen, number)->hva);
	return error;
}

static int command_slot_show(struct vmm *vmm, unsigned int number, struct words *words)
{
	const struct vm_slot *shown;
	unsigned int vm, shown_number, first, pages;

	if (next_number(words, MAX_VMS, &vm) || next_number(words, UINT32_MAX, &shown_number) ||
	    next_number(words, UINT32_MAX, &first) || next_number(words, UINT32_MAX, &pages))
		return -EINVAL;
	shown = vm_slot(&vmm->vms[vm], shown_number);
	return shown ? vm_slot_show(vmm->chosen, number, shown->memory, first, pages) : -ENOENT;
}

static int command_slot(struct vmm *vmm, struct words *words)
{
	const char *verb = next_word(words);
	unsigned int number, place;

	if (!verb || next_number(words, UINT32_MAX, &number))
		return -EINVAL;
	if (!strcmp(verb, "add"))
		return command_slot_add(vmm, number, words);
	if (!strcmp(verb, "show"))
		return command_slot_show(vmm, number, words);
	if (!strcmp(verb, "del"))
		return vm_slot_del(vmm->chosen, number);
	if (strcmp(verb, "move") != 0 || next_number(words, VM_PLACES, &place))
		return -EINVAL;
	return vm_slot_move(vmm->chosen, number, place);
}

static void add_info(struct vmm *vmm, unsigned int space, unsigned int number, const struct vm_slot *slot)
{
	size_t used = strlen(vmm->result);

	snprintf(vmm->result + used, sizeof(vmm->result) - used, " %x:%x:%llx:%lx:%x", number, space,
		 (unsigned long long)(slot->gpa / VM_PAGE_SIZE), (unsigned long)slot->hva, slot->pages);
}

static int command_info(struct vmm *vmm)
{
	const struct vm *vm = vmm->chosen;
	const struct vm_slot control = { .hva = vm->control, .pages = GUEST_CONTROL_SIZE / VM_PAGE_SIZE };
	unsigned int i;

	add_info(vmm, 0, VM_CONTROL_SLOT, &control);
	if (vm->smm)
		add_info(vmm, 1, VM_CONTROL_SLOT, &control);
	for (i = 0; i < VM_ADDRESS_SPACES * VM_MAX_SLOTS; i++) {
		if (vm->slots[i].memory)
			add_info(vmm, i / VM_MAX_SLOTS, i % VM_MAX_SLOTS, &vm->slots[i]);
	}
	return 0;
}

/* SLOT LIST: the list is left in @vmm->list. */
static int next_pages(struct vmm *vmm, struct words *words, unsigned int *number)
{
	const struct vm_slot *slot;
	char *list;

	if (next_number(words, UINT32_MAX, number))
		return -EINVAL;
	list = next_word(words);
	if (!list)
		return -EINVAL;
	slot = vm_slot(vmm->chosen, *number);
	return slot ? page_list_parse(&vmm->list, list, slot->pages) : -ENOENT;
}

/* How often a page that is busy for a moment may keep the kernel from what is advised. */
#define MAX_TRIES 100

static int advise_range(uint8_t *start, size_t size, int advice)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (!madvise(start, size, advice))
			return 0;
		if (errno != EAGAIN)
			break;
	}
	return -errno;
}

/* madvise() the pages of a list. */
static int advise(const struct vm_slot *slot, const struct page_list *list, int advice)
{
	uint32_t i, end;
	int error = 0;

	for (i = 0; i < list->count && !error; i = end) {
		for (end = i + 1; end < list->count && list->page[end] == list->page[end - 1] + 1; end++)
			;
		error = advise_range(slot->hva + list->page[i] * VM_PAGE_SIZE, (end - i) * VM_PAGE_SIZE,
				     advice);
	}
	return error;
}

static int command_host(struct vmm *vmm, struct words *words)
{
	const struct page_list *list = &vmm->list;
	const char *mode = next_word(words);
	const struct vm_slot *slot;
	unsigned int number;
	uint32_t i;
	int error = mode ? next_pages(vmm, words, &number) : -EINVAL;

	if (error)
		return error;
	slot = vm_slot(vmm->chosen, number);
	if (!strcmp(mode, "u"))
		return advise(slot, list,
			      slot->memory->backing == BACKING_MEMFD ? MADV_REMOVE : MADV_DONTNEED);
	if (strcmp(mode, "r") != 0 && strcmp(mode, "w") != 0)
		return -EINVAL;
	for (i = 0; i < list->count; i++) {
		volatile uint8_t *page = slot->hva + list->page[i] * VM_PAGE_SIZE;

		if (*mode == 'w')
			*page = 0xc3;
		else
			(void)*page;
	}
	return 0;
}

/* touch and loop: MODE SLOT LIST. */
static int command_touch(struct vmm *vmm, const char *verb, struct words *words)
{
	static const char *const names[] = { [TOUCH_READ] = "r", [TOUCH_WRITE] = "w", [TOUCH_EXECUTE] = "x" };
	const struct page_list *list = &vmm->list;
	struct vm *vm = vmm->chosen;
	unsigned int mode, slot;
	int error;

	if (parse_name(next_word(words), names, COUNT(names), &mode))
		return -EINVAL;
	error = next_pages(vmm, words, &slot);
	if (error)
		return error;
	if (!strcmp(verb, "loop"))
		return vm_loop_start(vm, mode, slot, list->page, list->count);
	return vm_touch(vm, mode, slot, list->page, list->count);
}

static int command_advise(struct vmm *vmm, struct words *words)
{
	static const char *const names[] = { "hugepage", "nohugepage", "collapse", "cold", "pageout" };
	static const int advices[] = { MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLLAPSE, MADV_COLD,
				       MADV_PAGEOUT };
	unsigned int how, number;
	int error;

	if (parse_name(next_word(words), names, COUNT(names), &how))
		return -EINVAL;
	error = next_pages(vmm, words, &number);
	return error ? error : advise(vm_slot(vmm->chosen, number), &vmm->list, advices[how]);
}

static int command_reset(struct vmm *vmm)
{
	vm_free(vmm->chosen);
	return vm_new(vmm->chosen);
}

static int run_command(struct vmm *vmm, struct words *words)
{
	const char *verb = next_word(words);

	if (!verb)
		return -EINVAL;
	if (!strcmp(verb, "vm"))
		return command_vm(vmm, words);
	if (!strcmp(verb, "vcpu"))
		return command_vcpu(vmm, words);
	if (!strcmp(verb, "slot"))
		return command_slot(vmm, words);
	if (!strcmp(verb, "info"))
		return command_info(vmm);
	if (!strcmp(verb, "touch") || !strcmp(verb, "loop"))
		return command_touch(vmm, verb, words);
	if (!strcmp(verb, "host"))
		return command_host(vmm, words);
	if (!strcmp(verb, "advise"))
		return command_advise(vmm, words);
	if (!strcmp(verb, "rounds")) {
		snprintf(vmm->result, sizeof(vmm->result), " %u", vm_loop_rounds(vmm->chosen));
		return 0;
	}
	if (!strcmp(verb, "stop"))
		return vm_loop_stop(vmm->chosen);
	if (!strcmp(verb, "reset"))
		return command_reset(vmm);
	return -ENOSYS;
}

static void serve(struct vmm *vmm)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	int error;

	while ((length = getline(&line, &capacity, stdin)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		vmm->result[0] = '\0';
		error = run_command(vmm, &(struct words){ .rest = line });
		if (error)
			printf("error %s\n", strerror(-error));
		else
			printf("ok%s\n", vmm->result);
	}
	free(line);
}

int main(void)
{
	static struct vmm vmm; /* large */
	size_t i;
	int error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < MAX_VMS; i++)
		vmm.vms[i].kvm = -1;
	vmm.chosen = &vmm.vms[0];
	error = vm_new(vmm.chosen);
	if (error) {
		fprintf(stderr, "vmm: cannot create a VM: %s\n", strerror(-error));
		return 1;
	}
	serve(&vmm);
	for (i = 0; i < MAX_VMS; i++) {
		if (vmm.vms[i].kvm >= 0)
			vm_free(&vmm.vms[i]);
	}
	return 0;
}
