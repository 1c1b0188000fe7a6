# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon's pure part: every file works on its arguments alone, and needs nothing but the C library.

CORE_SOURCES := daemon/core/age_ways.c daemon/core/guest_pages.c daemon/core/guest_stream.c daemon/core/leaf_ages.c \
                daemon/core/memory_tax.c daemon/core/merge.c daemon/core/page_ages.c daemon/core/page_map.c \
                daemon/core/placement_plan.c daemon/core/proc_format.c daemon/core/resize_act.c daemon/core/resize_device.c \
                daemon/core/resize_plan.c daemon/core/working_set.c
LIBS_core    := -lm
C_SOURCES    += $(CORE_SOURCES) $(wildcard daemon/core/*.h)

SOURCES_test_memory_tax        := daemon/core/memory_tax.c
LIBS_test_memory_tax           := $(LIBS_core)
SOURCES_test_page_map          := daemon/core/page_map.c
SOURCES_test_guest_pages       := daemon/core/guest_pages.c
SOURCES_test_merge             := daemon/core/merge.c daemon/core/guest_pages.c
SOURCES_test_leaf_ages         := daemon/core/leaf_ages.c daemon/core/guest_pages.c daemon/core/merge.c daemon/core/page_ages.c \
                                  daemon/core/age_ways.c
SOURCES_test_page_ages         := daemon/core/page_ages.c daemon/core/age_ways.c
SOURCES_test_working_set       := daemon/core/working_set.c daemon/core/page_ages.c
LIBS_test_working_set          := $(LIBS_core)
SOURCES_test_resize_act        := daemon/core/resize_act.c
SOURCES_test_resize_device      := daemon/core/resize_device.c
SOURCES_test_resize_plan       := daemon/core/resize_plan.c
SOURCES_test_resize_backoff    := daemon/core/resize_plan.c
SOURCES_test_resize_invariants := daemon/core/resize_plan.c
SOURCES_test_placement_plan    := daemon/core/placement_plan.c
SOURCES_test_control_loop      := daemon/core/merge.c daemon/core/page_ages.c daemon/core/age_ways.c \
                                  daemon/core/working_set.c daemon/core/resize_plan.c
LIBS_test_control_loop         := $(LIBS_core)
