# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where page data comes from: the kernel module, the plugin, the guest's agent.

SOURCE_SOURCES := daemon/source/guest_agent.c daemon/source/idle_bitmap.c daemon/source/plugin.c \
                  daemon/source/source_error.c
C_SOURCES      += $(SOURCE_SOURCES) $(wildcard daemon/source/*.h)

SOURCES_test_idle_bitmap := $(SOURCE_SOURCES) $(HOST_SOURCES) daemon/core/page_map.c daemon/core/guest_stream.c daemon/core/guest_pages.c \
                            daemon/core/proc_format.c
LIBS_test_idle_bitmap    := $(HOST_LIBS) -Wl,--wrap=ioctl
SOURCES_test_guest_agent := $(SOURCES_test_idle_bitmap)
LIBS_test_guest_agent    := $(HOST_LIBS)
SOURCES_test_plugin_source := $(SOURCES_test_idle_bitmap) qemu-plugin/map_file.c qemu-plugin/map_recorder.c
LIBS_test_plugin_source    := $(HOST_LIBS)
