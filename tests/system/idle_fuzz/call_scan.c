// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call_scan.c - random calls of VMHEAT_IDLE_IOC_SCAN
 *
 * Most are tidy: the structure and each bitmap have a part of the arena of their own. Then every result can be
 * checked. In the others they may lie anywhere, over each other too; then only that nothing else is written.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <vmheat/idle_bitmap.h>
#include "call.h"

#define BLOCK_SIZE  (1ULL << VMHEAT_IDLE_BITMAP_BLOCK_SHIFT)
#define BLOCK_PAGES 512
#define BLOCK_BYTES (BLOCK_PAGES / 8)
/* The structure in its first and only version so far. */
#define SCAN_SIZE 128
/* A structure can be so much larger than the module knows. */
#define STATED_SIZE_MAX 4096

#define FLAGS		VMHEAT_IDLE_SCAN_NO_FLUSH
#define PATHS		(VMHEAT_IDLE_PATH_HOST | VMHEAT_IDLE_PATH_TDP | VMHEAT_IDLE_PATH_KVM_AGING)
#define LEAVES		0x77

/* Parts of the arena in a tidy call. */
#define PART_SIZE  ((ARENA_SIZE - ARENA_PAGE) / 4)
#define BLOCKS_MAX (PART_SIZE / BLOCK_BYTES / 2)

_Static_assert(sizeof(struct vmheat_idle_scan) == SCAN_SIZE, "if it has grown: old callers have SCAN_SIZE");

/**
 * struct scan_call - one call
 * @address: of the structure
 * @given:   the structure
 * @found:   the same after the call, if it can be read
 * @tidy:    see above
 * @extra:   the bytes after a structure that is larger are not zero
 * @result:  of ioctl(), or a negative errno
 */
struct scan_call {
	uintptr_t address;
	struct vmheat_idle_scan given;
	struct vmheat_idle_scan found;
	bool tidy;
	bool extra;
	int result;
};

static uint64_t block_count(const struct vmheat_idle_scan *scan, uint64_t end)
{
	return end > scan->start ? (end - scan->start) / BLOCK_SIZE : 0;
}

static __u64 *buffer_of(struct vmheat_idle_scan *scan, unsigned int number)
{
	__u64 *const buffers[] = { &scan->accessed, &scan->present, &scan->coarse, &scan->leaves };

	return buffers[number];
}

static uint64_t buffer_bytes(unsigned int number, uint64_t blocks)
{
	return number < 3 ? blocks * BLOCK_BYTES : blocks;
}

static void choose_range(struct caller *caller, struct vmheat_idle_scan *scan)
{
	struct random *random = &caller->random;

	scan->start = random_address(caller) & ~(BLOCK_SIZE - 1);
	scan->end = scan->start + random_below(random, BLOCKS_MAX + 1) * BLOCK_SIZE;
	if (random_one_in(random, 16))
		scan->end = random_address(caller) & ~(BLOCK_SIZE - 1);
	if (random_one_in(random, 32))
		scan->start += 1 + random_below(random, BLOCK_SIZE);
	if (random_one_in(random, 32))
		scan->end = random_bits(random);
}

static void choose_buffers(struct caller *caller, struct scan_call *call)
{
	struct random *random = &caller->random;
	uint64_t blocks = block_count(&call->given, call->given.end);
	uintptr_t base = (uintptr_t)caller->arena.base;
	unsigned int i;

	if (blocks > BLOCKS_MAX)
		call->tidy = false;
	for (i = 0; i < 4; i++) {
		uint64_t bytes = buffer_bytes(i, blocks);
		uintptr_t part = base + ARENA_PAGE + i * PART_SIZE;

		if (random_one_in(random, 3))
			continue;
		*buffer_of(&call->given, i) = call->tidy ? part + random_below(random, PART_SIZE - bytes + 1)
							 : arena_choose(&caller->arena, random, bytes);
	}
	call->address = call->tidy ? base + random_below(random, ARENA_PAGE - sizeof(call->given))
				   : arena_choose(&caller->arena, random, sizeof(call->given));
}

static void choose_size(struct caller *caller, struct scan_call *call)
{
	static const uint32_t sizes[] = { 0,
					  4,
					  SCAN_SIZE - 8,
					  SCAN_SIZE - 1,
					  SCAN_SIZE + 1,
					  SCAN_SIZE + 8,
					  STATED_SIZE_MAX,
					  STATED_SIZE_MAX + 1,
					  UINT32_MAX };
	uint8_t zeros[STATED_SIZE_MAX] = { 0 };

	call->given.size = sizeof(call->given);
	if (random_one_in(&caller->random, 12))
		call->given.size = sizes[random_below(&caller->random, sizeof(sizes) / sizeof(sizes[0]))];
	/* What lies behind the structure is the arena's filling, never zero. */
	call->extra = call->given.size > sizeof(call->given);
	if (call->extra && call->given.size <= STATED_SIZE_MAX && random_one_in(&caller->random, 2)) {
		arena_put(&caller->arena, call->address + sizeof(call->given), zeros,
			  call->given.size - sizeof(call->given));
		call->extra = false;
	}
}

static void choose(struct caller *caller, struct scan_call *call)
{
	struct random *random = &caller->random;

	*call = (struct scan_call){ .tidy = !random_one_in(random, 4) };
	arena_fill(&caller->arena, random);
	choose_range(caller, &call->given);
	choose_buffers(caller, call);
	choose_size(caller, call);
	if (random_one_in(random, 2))
		call->given.flags = VMHEAT_IDLE_SCAN_NO_FLUSH;
	if (random_one_in(random, 32))
		call->given.flags = (uint32_t)random_bits(random);
	if (random_one_in(random, 2))
		call->given.budget_us = random_size(random, 10000);
	if (random_one_in(random, 16))
		call->given.budget_us = random_bits(random);
	/* Results are no arguments: whatever they are before. */
	call->given.next = random_bits(random);
	call->given.reserved = (uint32_t)random_bits(random);
	arena_put(&caller->arena, call->address, &call->given, sizeof(call->given));
	arena_seal(&caller->arena);
}

static bool arguments_are_valid(const struct vmheat_idle_scan *scan)
{
	return scan->size >= SCAN_SIZE && scan->size <= STATED_SIZE_MAX && !(scan->flags & ~FLAGS) &&
	       !(scan->start % BLOCK_SIZE) && !(scan->end % BLOCK_SIZE) && scan->start <= scan->end;
}

static struct errors scan_errors(const struct caller *caller, const struct scan_call *call)
{
	struct errors permitted = { 0 };

	errors_permit(&permitted, !arguments_are_valid(&call->given), EINVAL);
	errors_permit(&permitted, call->extra, E2BIG);
	errors_permit(&permitted, !call->tidy, EFAULT);
	/* Where the structure lies over a bitmap or falls out of the arena, other arguments are read than were given. */
	errors_permit(&permitted, !call->tidy, EINVAL);
	errors_permit(&permitted, !call->tidy, E2BIG);
	errors_permit(&permitted, !target_is_lasting(caller->file.target), ESRCH);
	return permitted;
}

static uint64_t count_bits(uint64_t address, uint64_t bytes)
{
	const uint8_t *bitmap = (const uint8_t *)(uintptr_t)address;
	uint64_t count = 0, i;

	for (i = 0; i < bytes; i++)
		count += (uint64_t)__builtin_popcount(bitmap[i]);
	return count;
}

/* Whether each page of one bitmap is also one of the other. */
static bool is_subset(uint64_t address, uint64_t of, uint64_t bytes)
{
	const uint8_t *bitmap = (const uint8_t *)(uintptr_t)address, *larger = (const uint8_t *)(uintptr_t)of;
	uint64_t i;

	for (i = 0; i < bytes; i++) {
		if (bitmap[i] & ~larger[i])
			return false;
	}
	return true;
}

static void judge_numbers(const struct caller *caller, const struct scan_call *call)
{
	const struct vmheat_idle_scan *given = &call->given, *found = &call->found;
	uint64_t pages = block_count(given, found->next) * BLOCK_PAGES;

	if (memcmp(given, found, offsetof(struct vmheat_idle_scan, next)) != 0)
		caller_fail(caller, "scan: changed its arguments");
	if (found->next % BLOCK_SIZE || found->next < given->start || found->next > given->end ||
	    (found->next == given->start && given->start != given->end))
		caller_fail(caller, "scan: from %llx to %llx, next %llx", (unsigned long long)given->start,
			    (unsigned long long)given->end, (unsigned long long)found->next);
	if (!given->budget_us && found->next != given->end && target_is_lasting(caller->file.target))
		caller_fail(caller, "scan: stopped without a budget");
	if (found->pages_present > pages || found->pages_accessed > found->pages_present ||
	    found->pages_first > found->pages_accessed || found->pages_skipped > found->pages_accessed)
		caller_fail(caller, "scan: %llu pages, %llu present, %llu accessed, %llu first, %llu skipped",
			    (unsigned long long)pages, (unsigned long long)found->pages_present,
			    (unsigned long long)found->pages_accessed, (unsigned long long)found->pages_first,
			    (unsigned long long)found->pages_skipped);
	if (found->window_min_ns > found->window_max_ns)
		caller_fail(caller, "scan: windows of %llu to %llu ns",
			    (unsigned long long)found->window_min_ns,
			    (unsigned long long)found->window_max_ns);
	if (found->paths & ~PATHS || found->reserved)
		caller_fail(caller, "scan: paths %x, reserved %x", found->paths, found->reserved);
}

/* A block has leaves exactly if pages of it are present. */
static void judge_leaves(const struct caller *caller, const struct vmheat_idle_scan *found, uint64_t blocks)
{
	const uint8_t *leaves = (const uint8_t *)(uintptr_t)found->leaves;
	uint64_t i;

	for (i = 0; i < blocks; i++) {
		if (leaves[i] & ~LEAVES)
			caller_fail(caller, "scan: leaves %x", leaves[i]);
		if (found->present &&
		    !leaves[i] != !count_bits(found->present + i * BLOCK_BYTES, BLOCK_BYTES))
			caller_fail(caller, "scan: block %llu: leaves %x do not go with the present pages",
				    (unsigned long long)i, leaves[i]);
	}
}

static void judge_bitmaps(const struct caller *caller, const struct scan_call *call)
{
	const struct vmheat_idle_scan *found = &call->found;
	uint64_t blocks = block_count(&call->given, found->next), bytes = blocks * BLOCK_BYTES;

	if (found->accessed && count_bits(found->accessed, bytes) != found->pages_accessed)
		caller_fail(caller, "scan: %llu pages accessed, but %llu bits",
			    (unsigned long long)found->pages_accessed,
			    (unsigned long long)count_bits(found->accessed, bytes));
	if (found->present && count_bits(found->present, bytes) != found->pages_present)
		caller_fail(caller, "scan: %llu pages present, but %llu bits",
			    (unsigned long long)found->pages_present,
			    (unsigned long long)count_bits(found->present, bytes));
	if (found->accessed && found->present && !is_subset(found->accessed, found->present, bytes))
		caller_fail(caller, "scan: a page is accessed but not present");
	if (found->coarse && found->accessed && !is_subset(found->coarse, found->accessed, bytes))
		caller_fail(caller, "scan: a page is coarse but not accessed");
	if (found->leaves)
		judge_leaves(caller, found, blocks);
}

/* Nothing may be written but the results, up to where the scan has come. After an error nobody says how far. */
static void accept_results(struct caller *caller, struct scan_call *call)
{
	uint64_t end = call->result || !call->tidy ? call->given.end : call->found.next;
	uint64_t blocks = block_count(&call->given, end);
	unsigned int i;

	if (call->result && call->tidy && (!arguments_are_valid(&call->given) || call->extra))
		return;
	arena_accept(&caller->arena, call->address + offsetof(struct vmheat_idle_scan, next),
		     sizeof(call->given) - offsetof(struct vmheat_idle_scan, next));
	for (i = 0; i < 4; i++) {
		if (*buffer_of(&call->given, i))
			arena_accept(&caller->arena, *buffer_of(&call->given, i), buffer_bytes(i, blocks));
	}
}

void call_scan(struct caller *caller)
{
	struct scan_call call;
	struct errors permitted;

	choose(caller, &call);
	caller->calls++;
	permitted = scan_errors(caller, &call);
	call.result = ioctl(caller->file.fd, VMHEAT_IDLE_IOC_SCAN, call.address) ? -errno : 0;
	caller_judge(caller, OPERATION_SCAN, -call.result, &permitted);
	if (call.tidy)
		memcpy(&call.found, (const void *)call.address, sizeof(call.found));
	if (!call.result && call.tidy) {
		if (!arguments_are_valid(&call.given) || call.extra)
			caller_fail(caller, "scan: size %u, flags %x, from %llx to %llx were taken",
				    call.given.size, call.given.flags, (unsigned long long)call.given.start,
				    (unsigned long long)call.given.end);
		judge_numbers(caller, &call);
		judge_bitmaps(caller, &call);
		if (call.found.pages_accessed)
			caller->world->accessed++;
	}
	accept_results(caller, &call);
	caller_intact(caller);
}
