# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tools of the system tests.

CFLAGS_tests_system := -Idaemon/core
C_SOURCES           += tests/system/agent_client.c

bed-images: $(BUILD)/test/bin/agent-client

$(BUILD)/test/bin/agent-client: $(BUILD)/obj/tests/system/agent_client.o $(BUILD)/obj/daemon/core/guest_stream.o $(BUILD)/obj/daemon/core/guest_pages.o \
                                $(BUILD)/obj/daemon/core/page_map.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

# The daemon's test runs it with the sanitizers.
C_SOURCES += tests/system/garbage_agent.c
bed-images: $(BUILD)/test/bin/garbage-agent $(BUILD)/test/bin/vmheatd $(BUILD)/bin/vmheatd $(BUILD)/bin/vmheatctl $(PLUGIN)

$(BUILD)/test/bin/garbage-agent: $(BUILD)/obj/tests/system/garbage_agent.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

# What ends the daemon at a chosen moment.
C_SOURCES += tests/system/kill_at.c
bed-images: $(BUILD)/test/bin/kill-at.so

$(BUILD)/test/bin/kill-at.so: tests/system/kill_at.c Makefile
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(filter-out -fPIE,$(ALL_CFLAGS)) -fPIC -shared $< -o $@

# What vmheatctl idle is tried on.
C_SOURCES += tests/system/known_process.c
bed-images: $(BUILD)/test/bin/known-process

$(BUILD)/test/bin/known-process: $(BUILD)/obj/tests/system/known_process.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

# Random calls of the module's file, about the test VMM among others.
C_SOURCES += $(wildcard tests/system/idle_fuzz/*.[ch])
CFLAGS_tests_system_idle_fuzz := -Itests/system/idle_check
IDLE_FUZZ_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/system/idle_fuzz/*.c)) \
                     $(BUILD)/obj/tests/system/idle_check/vmm_client.o
bed-images: $(BUILD)/test/bin/idle_fuzz

$(BUILD)/test/bin/idle_fuzz: $(IDLE_FUZZ_OBJECTS)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie -pthread $^ -o $@

# Long scanning of processes and VMs of which it is known what must come out.
C_SOURCES += $(wildcard tests/system/idle_soak/*.[ch])
CFLAGS_tests_system_idle_soak := -Itests/system/idle_check
IDLE_SOAK_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/system/idle_soak/*.c) \
                       $(addprefix tests/system/idle_check/,idle_map.c page_scan.c vmm_client.c))
bed-images: $(BUILD)/test/bin/idle_soak

$(BUILD)/test/bin/idle_soak: $(IDLE_SOAK_OBJECTS)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie -pthread $^ -o $@

# What the host's reclaim and the observers take from one another.
RECLAIM_CHECK := $(BUILD)/test/bin/reclaim_check
CFLAGS_tests_system_reclaim_check := -Itests/vmm -Itests/system/idle_check
C_SOURCES += $(wildcard tests/system/reclaim_check/*.[ch])
bed-images: $(RECLAIM_CHECK)

$(RECLAIM_CHECK): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/system/reclaim_check/*.c)) \
                  $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/vmm.c,$(wildcard tests/vmm/*.c))) \
                  $(BUILD)/obj/tests/system/idle_check/idle_map.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie -pthread $^ -o $@
