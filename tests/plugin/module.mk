# SPDX-License-Identifier: GPL-2.0-or-later
#
# The plugin in real QEMUs, on a guest whose every access is known.

PLUGIN_CHECK := $(BUILD)/test/bin/plugin_check
PLUGIN_GUEST := $(BUILD)/test/plugin/guest.bin
C_SOURCES    += $(wildcard tests/plugin/*.[ch])

CFLAGS_tests_plugin := -Idaemon/host -Iqemu-plugin $(CFLAGS_glib)

# Flat: its multiboot header says where it goes.
$(PLUGIN_GUEST): tests/plugin/guest.S tests/plugin/guest.h
	@mkdir -p $(@D)
	$(say) GUEST $@
	$(Q)$(CC) -c -Itests/plugin $< -o $@.o
	$(Q)$(LD) -Ttext=0x100000 -e _start $@.o -o $@.elf
	$(Q)objcopy -O binary -j .text $@.elf $@

$(PLUGIN_CHECK): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/plugin/*.c)) $(PLUGIN_OBSERVER_OBJECTS)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@ $(GLIB_LIBS)

.PHONY: plugin-check
plugin-check: $(PLUGIN) $(PLUGIN_GUEST) $(PLUGIN_CHECK)
