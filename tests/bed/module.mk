# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the emulated VM host runs: two kernels, two initial ramdisks, the kernel module, and the tools of its jobs.
# BED_KERNEL is what the host boots: 6.1, 6.12 or next, Debian's, or our own debug or page-idle.

BED_KERNEL  ?= 6.1
BED_KERNELS := $(BUILD)/kernel/guest/stamp $(BUILD)/kernel/$(BED_KERNEL)/stamp
BED_IMAGES  := $(BUILD)/bed/host-$(BED_KERNEL).cpio $(BUILD)/bed/guest.cpio
BED_MODULE  := $(BUILD)/kvm-$(BED_KERNEL)/kvm_idle.ko
BED_TOOLS   := $(BUILD)/test/bin/port-request
BED_GUEST_PROGRAMS := $(BUILD)/bin/vmheat-guest $(BUILD)/test/bin/vmheat-workload
C_SOURCES   += tests/bed/lib/port-request.c

.PHONY: bed-kernels bed-images
bed-kernels: $(BED_KERNELS)
bed-images: $(BED_KERNELS) $(BED_IMAGES) $(BED_MODULE) $(BED_TOOLS) ## everything that `tests/bed/bed run` boots

.PHONY: bed-selftest
bed-selftest: ## shows that the bed fails when it must; 2 minutes
	@tests/bed/selftest

# Each script knows best, and in no time, whether its result is up to date; if so it leaves it untouched.
.PHONY: bed-force
$(addprefix $(BUILD)/kernel/,guest/stamp debug/stamp page-idle/stamp): $(BUILD)/kernel/%/stamp: bed-force
	@tests/bed/kernel/build-kernel $*
$(BUILD)/kernel/6.1/stamp $(BUILD)/kernel/6.12/stamp $(BUILD)/kernel/next/stamp: $(BUILD)/kernel/%/stamp: bed-force
	@tests/bed/host/fetch-kernel $*

$(BUILD)/bed/host-%.cpio: tests/bed/host/build-initramfs tests/bed/host/init $(BUILD)/kernel/%/stamp
	$< $@ $(BUILD)/kernel/$*

# The module as the host's kernel needs it, whatever kernel this machine runs.
ifeq ($(BED_KERNEL),next)
BED_KERNEL_BUILD := /build
$(BUILD)/kvm-next/% $(BUILD)/test/faults-next/%: KERNEL_MAKE = tests/bed/host/next-root make
else
BED_KERNEL_BUILD := $(CURDIR)/$(BUILD)/kernel/$(BED_KERNEL)/build
endif
$(eval $(call kernel_module,$(BED_MODULE),$(BED_KERNEL_BUILD),$(KVM_SOURCES)))
$(BED_MODULE): $(BUILD)/kernel/$(BED_KERNEL)/stamp

# What the debug kernel and the tests of the module must find.
BED_FAULTS     := $(BUILD)/test/faults-$(BED_KERNEL)/faults.ko
FAULTS_SOURCES := tests/bed/faults/faults.c tests/bed/faults/idle_faults.c
KERNEL_SOURCES += $(FAULTS_SOURCES)
$(eval $(call kernel_module,$(BED_FAULTS),$(BED_KERNEL_BUILD),$(FAULTS_SOURCES) tests/bed/faults/Kbuild))
$(BED_FAULTS): $(BUILD)/kernel/$(BED_KERNEL)/stamp
bed-images: $(BED_FAULTS)

# Builds of the module with a fault each, that the oracle must find: of copies of its sources, changed by a patch. One that
# does not apply any more ends make.
PLANTED_FAULTS := $(patsubst tests/bed/faults/kvm_idle/%.patch,$(BUILD)/test/faults-$(BED_KERNEL)/%/kvm_idle.ko, \
                    $(wildcard tests/bed/faults/kvm_idle/*.patch))
.PHONY: planted-faults
planted-faults: $(PLANTED_FAULTS)
$(PLANTED_FAULTS): $(BUILD)/test/faults-$(BED_KERNEL)/%/kvm_idle.ko: tests/bed/faults/kvm_idle/%.patch $(KVM_SOURCES) \
                   include/vmheat/idle_bitmap.h $(BUILD)/kernel/$(BED_KERNEL)/stamp
	rm -rf $(@D) && mkdir -p $(@D)
	cp $(KVM_SOURCES) $(@D)/
	ln -s $(CURDIR)/include $(@D)/include
	patch --quiet --fuzz=0 --strip=1 --directory=$(@D) <$<
	+$(KERNEL_MAKE) -C $(BED_KERNEL_BUILD) M=$(CURDIR)/$(@D) CONFIG_DEBUG_INFO_BTF_MODULES= modules

$(BUILD)/bed/guest.cpio: tests/bed/guest/build-initramfs tests/bed/guest/init $(BED_GUEST_PROGRAMS)
	$< $@ $(BED_GUEST_PROGRAMS)

$(BUILD)/test/bin/port-request: $(BUILD)/obj/tests/bed/lib/port-request.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

include tests/bed/workload/module.mk
