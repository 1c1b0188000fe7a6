# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test VMM and the program that checks the kernel module against it: run in the emulated VM host.

C_SOURCES += $(wildcard tests/vmm/*.[ch] tests/system/idle_check/*.[ch])

VMM        := $(BUILD)/test/bin/vmm
IDLE_CHECK := $(BUILD)/test/bin/idle_check

$(VMM): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/vmm/*.c))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie -pthread $^ -o $@

$(IDLE_CHECK): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/system/idle_check/*.c) tests/oracle/oracle_client.c)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie -pthread $^ -o $@

bed-images: $(VMM) $(IDLE_CHECK)
