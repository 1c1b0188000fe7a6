# SPDX-License-Identifier: GPL-2.0-or-later
#
# kvm_idle.ko, by kbuild, from links to the sources in build/kvm/, so that nothing is written beside them.
# KERNEL_BUILD names another kernel's build tree: that of the running kernel, or the installed Debian headers.

KERNEL_BUILD ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
                            $(lastword $(sort $(wildcard /usr/src/linux-headers-*-amd64))))

KVM_SOURCES    := $(wildcard kvm/*.[ch]) kvm/Kbuild
KERNEL_SOURCES += $(filter %.c %.h,$(KVM_SOURCES))

.PHONY: kvm-module
kvm-module: $(BUILD)/kvm/kvm_idle.ko

$(BUILD)/kvm/kvm_idle.ko: $(KVM_SOURCES) include/vmheat/idle_bitmap.h kvm/module.mk
	@test -n "$(KERNEL_BUILD)" || { echo "no kernel headers found: install linux-headers-amd64" >&2; exit 1; }
	@mkdir -p $(@D)
	ln -sfn $(CURDIR)/include $(@D)/include
	ln -sf $(KVM_SOURCES:%=$(CURDIR)/%) $(@D)/
	$(MAKE) -C $(KERNEL_BUILD) M=$(CURDIR)/$(@D) modules

include tests/vmm/module.mk
