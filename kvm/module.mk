# SPDX-License-Identifier: GPL-2.0-or-later
#
# kvm_idle.ko, by kbuild, from links to the sources in build/kvm/, so that nothing is written beside them.
# KERNEL_BUILD names another kernel's build tree: that of the running kernel, or the installed Debian headers.

KERNEL_BUILD ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
                            $(lastword $(sort $(wildcard /usr/src/linux-headers-*-amd64))))

KVM_SOURCES    := $(wildcard kvm/*.[ch]) kvm/Kbuild
KERNEL_SOURCES += $(filter %.c %.h,$(KVM_SOURCES))

# $(call kernel_module,FOLDER/NAME.ko,TREE,SOURCES): a module for the kernel whose build tree is TREE, by KERNEL_MAKE.
# Debian's kernels want type information in modules, which takes a program that nothing else here needs.
KERNEL_MAKE = $(MAKE)
define kernel_module
$(1): $(3) include/vmheat/idle_bitmap.h kvm/module.mk
	@test -n "$(2)" || { echo "no kernel headers found: install linux-headers-amd64" >&2; exit 1; }
	@mkdir -p $$(@D)
	ln -sfn $(CURDIR)/include $$(@D)/include
	ln -sf $(3:%=$(CURDIR)/%) $$(@D)/
	+$$(KERNEL_MAKE) -C $(2) M=$(CURDIR)/$$(@D) CONFIG_DEBUG_INFO_BTF_MODULES= modules
endef
$(eval $(call kernel_module,$(BUILD)/kvm/kvm_idle.ko,$(KERNEL_BUILD),$(KVM_SOURCES)))

.PHONY: kvm-module
kvm-module: $(BUILD)/kvm/kvm_idle.ko

include tests/vmm/module.mk
