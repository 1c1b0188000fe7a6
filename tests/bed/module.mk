# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the emulated VM host runs: two kernels, two initial ramdisks, and the tools of its jobs.

BED_KERNELS := $(BUILD)/kernel/guest/vmlinux $(BUILD)/kernel/debian/package
BED_IMAGES  := $(BUILD)/bed/host.cpio $(BUILD)/bed/guest.cpio
BED_TOOLS   := $(BUILD)/test/bin/port-request
BED_GUEST_PROGRAMS := $(BUILD)/bin/vmheat-guest $(BUILD)/test/bin/vmheat-workload
C_SOURCES   += tests/bed/lib/port-request.c

.PHONY: bed-kernels bed-images
bed-kernels: $(BED_KERNELS)
bed-images: $(BED_KERNELS) $(BED_IMAGES) $(BED_TOOLS) ## everything that `tests/bed/bed run` boots

.PHONY: bed-selftest
bed-selftest: ## shows that the bed fails when it must; 2 minutes
	@tests/bed/selftest

# Each script knows best, and in no time, whether its result is up to date; if so it leaves it untouched.
.PHONY: bed-force
$(BUILD)/kernel/guest/vmlinux: bed-force
	@tests/bed/kernel/build-guest-kernel
$(BUILD)/kernel/debian/package: bed-force
	@tests/bed/host/fetch-kernel

$(BUILD)/bed/host.cpio: tests/bed/host/build-initramfs tests/bed/host/init $(BUILD)/kernel/debian/package
	$< $@ $(BUILD)/kernel/debian

$(BUILD)/bed/guest.cpio: tests/bed/guest/build-initramfs tests/bed/guest/init $(BED_GUEST_PROGRAMS)
	$< $@ $(BED_GUEST_PROGRAMS)

$(BUILD)/test/bin/port-request: $(BUILD)/obj/tests/bed/lib/port-request.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

include tests/bed/workload/module.mk
