/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_resize_device.c - which device resizes a guest, and how far it comes
 *
 * Sizes in MiB. The guest has 256 of boot memory, all of it there, and a virtio-mem device of 256 in blocks of 2, of which
 * 128 are plugged: 384 in all, of at most 512. Its balloon leaves it 64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "resize_device.h"

#define MIB UINT64_C(256) /* in pages */

struct scene {
	struct virtio_mem_size virtio_mems[2];
	struct resize_devices devices;
};

static struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	for (int i = 0; i < 2; i++)
		scene->virtio_mems[i] = (struct virtio_mem_size){ .block_pages = 2 * MIB,
								  .size_pages = 256 * MIB,
								  .requested_pages = 128 * MIB,
								  .current_pages = 128 * MIB };
	scene->devices = (struct resize_devices){ .balloon_usable = true,
						  .balloon_pages = 256 * MIB,
						  .boot_pages = 256 * MIB,
						  .least_pages = 64 * MIB,
						  .virtio_mem_usable = true,
						  .virtio_mems = scene->virtio_mems,
						  .virtio_mem_count = 1,
						  .ceiling_pages = 512 * MIB };
	return scene;
}

/* What the guest has of virtio-mem and of boot memory. */
static struct scene *scene_at(uint64_t plugged, uint64_t balloon)
{
	struct scene *scene = scene_new();

	scene->virtio_mems[0].requested_pages = scene->virtio_mems[0].current_pages = plugged * MIB;
	scene->devices.balloon_pages = balloon * MIB;
	return scene;
}

/* To @target, @device goes from @from to @to, and the guest then has @guest. */
static void assert_step(const struct scene *scene, uint64_t target, enum resize_device device, uint64_t from,
			uint64_t to, uint64_t guest)
{
	struct resize_step step;

	assert_true(resize_step_choose(&scene->devices, target * MIB, &step));
	assert_string_equal(resize_device_name(step.device), resize_device_name(device));
	assert_int_equal(step.from_pages, from * MIB);
	assert_int_equal(step.to_pages, to * MIB);
	assert_int_equal(step.guest_pages, guest * MIB);
}

static void assert_no_step(const struct scene *scene, uint64_t target)
{
	struct resize_step step;

	assert_false(resize_step_choose(&scene->devices, target * MIB, &step));
}

static void test_size(void **state)
{
	struct scene *scene = scene_new();

	assert_int_equal(resize_devices_size(&scene->devices), 384 * MIB);
	scene->devices.virtio_mem_count = 2;
	assert_int_equal(resize_devices_size(&scene->devices), 512 * MIB);
	free(scene);
}

/* The numbers of the theory of operation: shrinks are rounded down, growth up, and less than a block is the balloon's. */
static void test_blocks(void **state)
{
	struct scene *scene = scene_new();

	assert_step(scene, 320, RESIZE_VIRTIO_MEM, 128, 64, 320);
	assert_step(scene, 321, RESIZE_VIRTIO_MEM, 128, 66, 322);
	assert_step(scene, 383, RESIZE_BALLOON, 256, 255, 383);
	assert_step(scene, 387, RESIZE_VIRTIO_MEM, 128, 132, 388);
	assert_step(scene, 512, RESIZE_VIRTIO_MEM, 128, 256, 512);
	free(scene);
}

/* A guest without virtio-mem is the balloon's, and the other way round. */
static void test_one_device(void **state)
{
	struct scene *scene = scene_new();

	scene->devices.virtio_mem_count = 0;
	assert_step(scene, 192, RESIZE_BALLOON, 256, 192, 192);
	assert_step(scene, 256, RESIZE_BALLOON, 256, 256, 256);
	free(scene);

	scene = scene_new();
	scene->devices.balloon_usable = false;
	assert_step(scene, 320, RESIZE_VIRTIO_MEM, 128, 64, 320);
	assert_no_step(scene, 383); /* a shrink below a block */
	assert_no_step(scene, 384);
	assert_step(scene, 385, RESIZE_VIRTIO_MEM, 128, 130, 386);
	free(scene);
}

/* With all unplugged the balloon shrinks on, down to its floor of 64; then there is nothing left. */
static void test_nothing_plugged(void **state)
{
	struct scene *scene = scene_at(0, 256);

	assert_step(scene, 240, RESIZE_BALLOON, 256, 240, 240);
	assert_step(scene, 32, RESIZE_BALLOON, 256, 64, 64);
	assert_step(scene, 300, RESIZE_VIRTIO_MEM, 0, 44, 300);
	scene->devices.balloon_pages = 64 * MIB;
	assert_no_step(scene, 32);
	free(scene);
}

/*
 * Blocks of 128, a step of 64: the balloon, but never into the guest's kernel's floor, however much is plugged. A change of
 * 150 is virtio-mem's: it gets within a block.
 */
static void test_large_blocks(void **state)
{
	struct scene *scene = scene_new();

	scene->virtio_mems[0].block_pages = 128 * MIB;
	assert_step(scene, 320, RESIZE_BALLOON, 256, 192, 320);
	assert_step(scene, 234, RESIZE_VIRTIO_MEM, 128, 0, 256);
	scene->devices.balloon_pages = 64 * MIB; /* the guest has 192 */
	assert_no_step(scene, 128);
	assert_step(scene, 64, RESIZE_VIRTIO_MEM, 128, 0, 64);
	free(scene);
}

/*
 * Growth by 100. Of 8 that virtio-mem has left it gets far from that, and the balloon has 56: the balloon. With 90 and 56:
 * virtio-mem. With nothing left the balloon again.
 */
static void test_furthest(void **state)
{
	struct scene *scene = scene_at(248, 200);

	assert_step(scene, 548, RESIZE_BALLOON, 200, 256, 504);
	free(scene);
	scene = scene_at(166, 200);
	assert_step(scene, 466, RESIZE_VIRTIO_MEM, 166, 256, 456);
	free(scene);
	scene = scene_at(256, 200);
	assert_step(scene, 500, RESIZE_BALLOON, 200, 244, 500);
	free(scene);
}

/* Rounding up stops at the ceiling: 386 is allowed, 387 wanted of 384; and of 385 nobody can have the one. */
static void test_ceiling(void **state)
{
	struct scene *scene = scene_new();

	scene->devices.ceiling_pages = 387 * MIB;
	assert_step(scene, 387, RESIZE_VIRTIO_MEM, 128, 130, 386);
	scene->devices.ceiling_pages = 385 * MIB;
	assert_no_step(scene, 385);
	free(scene);
}

/* Two devices: the one that has more to give; of equals the first. */
static void test_two(void **state)
{
	struct scene *scene = scene_new();
	struct resize_step step;

	scene->devices.virtio_mem_count = 2;
	assert_true(resize_step_choose(&scene->devices, 448 * MIB, &step));
	assert_int_equal(step.index, 0);
	scene->virtio_mems[0].requested_pages = scene->virtio_mems[0].current_pages = 16 * MIB;
	assert_true(resize_step_choose(&scene->devices, 336 * MIB, &step));
	assert_int_equal(step.index, 1);
	assert_int_equal(step.to_pages, 64 * MIB);
	free(scene);
}

/* The balloon is on its way down; the guest needs 64 more than it has: the balloon is turned, as far as it comes. */
static void test_turn_balloon(void **state)
{
	struct scene *scene = scene_at(128, 240);

	scene->devices.moving = true;
	scene->devices.moving_device = RESIZE_BALLOON;
	assert_step(scene, 432, RESIZE_BALLOON, 240, 256, 384);
	assert_step(scene, 368, RESIZE_BALLOON, 240, 240, 368);
	scene->devices.balloon_pages =
		256 * MIB; /* it has nothing more to give: it stays, and the next window is free */
	assert_step(scene, 432, RESIZE_BALLOON, 256, 256, 384);
	free(scene);
}

/* Virtio-mem is on its way down to 64, at 96: so small a change that it were the balloon's is still not made by it. */
static void test_turn_virtio_mem(void **state)
{
	struct scene *scene = scene_at(96, 200);

	scene->virtio_mems[0].requested_pages = 64 * MIB;
	scene->devices.moving = true;
	scene->devices.moving_device = RESIZE_VIRTIO_MEM;
	assert_step(scene, 320, RESIZE_VIRTIO_MEM, 96, 120, 320);
	assert_step(scene, 297, RESIZE_VIRTIO_MEM, 96, 96, 296);
	assert_step(scene, 295, RESIZE_VIRTIO_MEM, 96, 96, 296);
	assert_step(scene, 296, RESIZE_VIRTIO_MEM, 96, 96, 296);
	free(scene);
}

/* It may plug all it has, and does not: the balloon may grow, too, but not shrink. */
static void test_exhausted(void **state)
{
	struct scene *scene = scene_at(96, 200);

	scene->virtio_mems[0].requested_pages = 256 * MIB;
	scene->devices.moving = true;
	scene->devices.moving_device = RESIZE_VIRTIO_MEM;
	assert_step(scene, 500, RESIZE_BALLOON, 200, 256, 352);
	assert_step(scene, 400, RESIZE_VIRTIO_MEM, 96, 200, 400);
	assert_step(scene, 200, RESIZE_VIRTIO_MEM, 96, 0, 200);
	free(scene);
}

/* A device on its way that was unplugged altogether, or must not be told any more: nobody acts until that is settled. */
static void test_moving_gone(void **state)
{
	struct scene *scene = scene_new();

	scene->devices.moving = true;
	scene->devices.moving_device = RESIZE_VIRTIO_MEM;
	scene->devices.moving_index = 1;
	assert_no_step(scene, 320);
	scene->devices.moving_index = 0;
	scene->devices.virtio_mem_usable = false;
	assert_no_step(scene, 320);
	free(scene);
}

/*
 * Somebody else has told virtio-mem to have 256, and it has 0 (no driver) or 96. Before the guest shrinks it gives, or loses
 * its leave; the balloon does not shrink against it. Growth is not against it.
 */
static void test_opposed(void **state)
{
	struct scene *scene = scene_at(0, 256);

	scene->virtio_mems[0].requested_pages = 256 * MIB;
	assert_step(scene, 240, RESIZE_VIRTIO_MEM, 0, 0, 256);
	scene->virtio_mems[0].current_pages = 96 * MIB;
	assert_step(scene, 336, RESIZE_VIRTIO_MEM, 96, 80, 336);
	assert_step(scene, 351, RESIZE_VIRTIO_MEM, 96, 96, 352);
	scene->devices.balloon_pages = 240 * MIB;
	assert_step(scene, 337, RESIZE_BALLOON, 240, 241, 337);
	/* And the other way: it is told to have 64, has 96, and the guest grows by 1, or by 8. */
	scene->virtio_mems[0].requested_pages = 64 * MIB;
	assert_step(scene, 337, RESIZE_VIRTIO_MEM, 96, 96, 336);
	assert_step(scene, 344, RESIZE_VIRTIO_MEM, 96, 104, 344);
	/* If it must not be told, its owner has it so. */
	scene->devices.virtio_mem_usable = false;
	assert_step(scene, 337, RESIZE_BALLOON, 240, 241, 337);
	free(scene);
}

/* The floor is 64: with 256 besides nothing need be plugged, with 31 34 must, as 33 are no blocks; never more than all. */
static void test_least(void **state)
{
	struct scene *scene = scene_new();

	assert_int_equal(virtio_mem_least(&scene->virtio_mems[0], 256 * MIB, 64 * MIB), 0);
	assert_int_equal(virtio_mem_least(&scene->virtio_mems[0], 31 * MIB, 64 * MIB), 34 * MIB);
	assert_int_equal(virtio_mem_least(&scene->virtio_mems[0], 31 * MIB, 1024 * MIB), 256 * MIB);
	free(scene);
}

/* Whatever the sizes: nothing goes beyond what it has, in whole blocks, towards the target and by at most a block past it. */
static void test_invariants(void **state)
{
	for (int balloon = 64; balloon <= 256; balloon += 32) {
		for (int plugged = 0; plugged <= 256; plugged += 16) {
			for (int requested = 0; requested <= 256; requested += 64) {
				for (uint64_t target = 0; target <= 512; target += 7) {
					struct scene *scene = scene_at((uint64_t)plugged, (uint64_t)balloon);
					uint64_t size = resize_devices_size(&scene->devices);
					struct resize_step step;

					scene->virtio_mems[0].block_pages = 16 * MIB;
					scene->virtio_mems[0].requested_pages = (uint64_t)requested * MIB;
					if (resize_step_choose(&scene->devices, target * MIB, &step)) {
						assert_true(step.to_pages <= 256 * MIB);
						assert_int_equal(step.guest_pages - step.to_pages,
								 size - step.from_pages);
						if (step.device == RESIZE_VIRTIO_MEM)
							assert_int_equal(step.to_pages % (16 * MIB), 0);
						else
							assert_true(step.to_pages >= 64 * MIB);
						if (target * MIB <= size)
							assert_in_range(step.guest_pages, target * MIB, size);
						else
							assert_in_range(step.guest_pages, size,
									target * MIB + 16 * MIB - 1);
					}
					free(scene);
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),	     cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_one_device),   cmocka_unit_test(test_nothing_plugged),
		cmocka_unit_test(test_large_blocks), cmocka_unit_test(test_furthest),
		cmocka_unit_test(test_ceiling),	     cmocka_unit_test(test_two),
		cmocka_unit_test(test_turn_balloon), cmocka_unit_test(test_turn_virtio_mem),
		cmocka_unit_test(test_exhausted),    cmocka_unit_test(test_moving_gone),
		cmocka_unit_test(test_opposed),	     cmocka_unit_test(test_least),
		cmocka_unit_test(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
