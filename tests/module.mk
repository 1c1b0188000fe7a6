# SPDX-License-Identifier: GPL-2.0-or-later
#
# Unit tests: tests/unit/test_NAME.c is a cmocka program of its own; SOURCES_test_NAME (set beside the code that it
# tests) lists the sources it is linked with, LIBS_test_NAME further libraries. All are built with the sanitizers.
# Fuzz tests: tests/fuzz/fuzz_NAME.c likewise, a libFuzzer program; its corpus is tests/fuzz/corpus/NAME/.

# First, because what they set for their own tests is used below.
include tests/bed/module.mk tests/bench/module.mk tests/demo/module.mk tests/oracle/module.mk tests/plugin/module.mk
include tests/system/module.mk tests/sim/module.mk

UNIT_NAMES := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_TESTS += $(UNIT_NAMES:%=$(BUILD)/test/bin/%)
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_TESTS += $(FUZZ_NAMES:%=$(BUILD)/test/bin/%)
C_SOURCES  += $(wildcard tests/unit/*.[ch] tests/fuzz/*.[ch])

CFLAGS_tests_unit = -Idaemon/core -Idaemon/host -Idaemon/source -Idaemon/act -Idaemon/service -Idaemon/ctl -Iguest -Ikvm -Iqemu-plugin \
                    $(CFLAGS_daemon_host)
CFLAGS_tests_fuzz = -Idaemon/core -Idaemon/host -Idaemon/source -Idaemon/service $(CFLAGS_daemon_host) \
                    $(shell pkg-config --cflags json-glib-1.0 2>/dev/null)
CLANG ?= clang

define unit_test
$(BUILD)/test/bin/$(1): $(BUILD)/test/obj/tests/unit/$(1).o $(patsubst %.c,$(BUILD)/test/obj/%.o,$(SOURCES_$(1)))
	@mkdir -p $$(@D)
	$$(say) LINK $$@
	$$(Q)$(CC) -fsanitize=address,undefined $$^ -o $$@ -lcmocka $(LIBS_$(1))
endef
$(foreach name,$(UNIT_NAMES),$(eval $(call unit_test,$(name))))

define fuzz_test
$(BUILD)/test/bin/$(1): tests/fuzz/$(1).c $(SOURCES_$(1)) Makefile
	@mkdir -p $$(@D)
	$$(say) FUZZER $$@
	$$(Q)$(CLANG) -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude \
		$(CFLAGS_tests_fuzz) $$(filter %.c,$$^) -o $$@ $(LIBS_$(1))
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_test,$(name))))

.PHONY: unit-tests fuzz-tests
unit-tests: $(UNIT_TESTS)
fuzz-tests: $(FUZZ_TESTS)

.PHONY: soak
soak: setup ## the module for a long time: loading, scanning, random calls; 40 minutes
	@tests/check soak
