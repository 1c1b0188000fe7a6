# SPDX-License-Identifier: GPL-2.0-or-later

CFLAGS_tests_demo :=
C_SOURCES += tests/demo/page_nodes.c

$(BUILD)/test/bin/page_nodes: $(BUILD)/obj/tests/demo/page_nodes.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@ -lnuma

.PHONY: demo demo-installed
demo: setup ## the main job, on real guests in the emulated VM host
	@+$(MAKE) --no-print-directory demo-installed

demo-installed: all bed-images $(BUILD)/test/bin/page_nodes
	@tests/demo/demo
