# SPDX-License-Identifier: GPL-2.0-or-later
#
# What compares a Linux guest with the oracle, in the emulated VM host.

C_SOURCES += $(wildcard tests/oracle/*.[ch])

CFLAGS_tests_oracle := -Itests/system/idle_check
ORACLE_LINUX        := $(BUILD)/test/bin/oracle_linux

bed-images: $(ORACLE_LINUX)

$(ORACLE_LINUX): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/oracle/*.c) \
                   $(addprefix tests/system/idle_check/,idle_map.c page_scan.c))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

# The plugin's part, under a QEMU that is played.
SOURCES_test_oracle_plugin := qemu-plugin/oracle.c
