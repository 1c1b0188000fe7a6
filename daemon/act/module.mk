# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon can do to a VM: balloon, virtio-mem, page moves.

ACT_SOURCES := daemon/act/balloon.c daemon/act/page_moves.c daemon/act/page_moves_linux.c daemon/act/virtio_mem_actuator.c
C_SOURCES   += $(ACT_SOURCES) $(wildcard daemon/act/*.h)

SOURCES_test_page_moves := $(ACT_SOURCES) $(HOST_SOURCES) daemon/core/page_map.c daemon/core/proc_format.c
LIBS_test_page_moves    := $(HOST_LIBS)
SOURCES_test_domain     := $(SOURCES_test_page_moves)
LIBS_test_domain        := $(HOST_LIBS)
SOURCES_test_virtio_mem_actuator := daemon/act/virtio_mem_actuator.c daemon/host/virtio_mem.c daemon/host/xml_query.c daemon/host/host_error.c
LIBS_test_virtio_mem_actuator    := $(HOST_LIBS)
