# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tools of the system tests.

CFLAGS_tests_system := -Idaemon/core
C_SOURCES           += tests/system/agent_client.c

bed-images: $(BUILD)/test/bin/agent-client

$(BUILD)/test/bin/agent-client: $(BUILD)/obj/tests/system/agent_client.o $(BUILD)/obj/daemon/core/guest_stream.o \
                                $(BUILD)/obj/daemon/core/page_map.o
	@mkdir -p $(@D)
	$(CC) -pie $^ -o $@
