# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmheat-guest, the agent inside a VM: C library only and static, so that one binary runs in any guest.

# All but main.c, which the unit tests replace.
GUEST_SOURCES := guest/agent.c guest/arguments.c guest/budget.c guest/cgroup_names.c guest/cgroup_table.c guest/counters.c \
                 guest/frame_reader.c guest/lru_gen.c guest/page_flags.c guest/page_idle.c \
                 guest/page_scanner.c guest/page_words.c guest/paths.c guest/physical_memory.c guest/port.c guest/run_encoder.c \
                 guest/text_file.c guest/vsock_listener.c
C_SOURCES     += guest/main.c $(GUEST_SOURCES) $(wildcard guest/*.h)
PROGRAMS      += $(BUILD)/bin/vmheat-guest

$(BUILD)/bin/vmheat-guest: $(patsubst %.c,$(BUILD)/obj/%.o,guest/main.c $(GUEST_SOURCES))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -static $^ -o $@

SOURCES_test_guest_stream   := daemon/core/guest_stream.c daemon/core/guest_pages.c daemon/core/page_map.c guest/run_encoder.c
SOURCES_fuzz_guest_stream   := daemon/core/guest_stream.c daemon/core/guest_pages.c daemon/core/page_map.c
SOURCES_test_guest_encoder  := guest/run_encoder.c
SOURCES_test_guest_reader   := guest/frame_reader.c
SOURCES_test_guest_text     := guest/counters.c guest/physical_memory.c guest/text_file.c guest/vsock_listener.c
SOURCES_test_guest_flags    := guest/page_flags.c
SOURCES_test_guest_answers  := $(GUEST_SOURCES) daemon/core/guest_stream.c daemon/core/guest_pages.c daemon/core/page_map.c
SOURCES_test_guest_cgroups  := guest/cgroup_names.c guest/cgroup_table.c guest/lru_gen.c guest/text_file.c
SOURCES_test_guest_limits   := guest/arguments.c guest/budget.c
SOURCES_test_guest_cgroup_frames := daemon/core/guest_stream.c daemon/core/guest_pages.c daemon/core/page_map.c
