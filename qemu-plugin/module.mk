# SPDX-License-Identifier: GPL-2.0-or-later
#
# libvmheat-plugin.so, which QEMU loads: C library only, and nothing visible but what QEMU looks up.

PLUGIN_SOURCES := $(wildcard qemu-plugin/*.c)
PLUGIN         := $(BUILD)/bin/libvmheat-plugin.so
C_SOURCES      += $(PLUGIN_SOURCES) $(wildcard qemu-plugin/*.h) include/vmheat/plugin_map.h
PROGRAMS       += $(PLUGIN)

CFLAGS_qemu-plugin := -Iqemu-plugin

# Objects of shared objects stand apart. What they take from QEMU is undefined here, so nothing else may be.
PLUGIN_CFLAGS = $(filter-out -fPIE,$(ALL_CFLAGS)) -fPIC -fvisibility=hidden $(folder_flags)

$(BUILD)/plugin/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(PLUGIN_CFLAGS) -c $< -o $@

$(PLUGIN): $(PLUGIN_SOURCES:%.c=$(BUILD)/plugin/obj/%.o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -shared $^ -o $@
	$(Q)! nm -D --undefined-only $@ | grep -vE ' (w .*|U (qemu_plugin_.*|[^ ]+@GLIBC_.*))$$'

SOURCES_test_plugin_layout := qemu-plugin/ram_layout.c
SOURCES_test_plugin_map    := qemu-plugin/map_file.c qemu-plugin/map_recorder.c qemu-plugin/ram_layout.c \
                              daemon/host/plugin_observer.c daemon/host/mapped_file.c daemon/host/idle_observer.c
LIBS_test_plugin_map        = $(GLIB_LIBS) -Wl,--wrap=fallocate
