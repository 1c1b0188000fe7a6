# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmheat's build. One make, no recursion (but for kbuild): every folder has a module.mk that adds its programs,
# libraries, tests and clean-ups to the variables below. All output goes to build/.
#
#   make            the kernel module, vmheatd, vmheatctl and vmheat-guest
#   make check      every test: lint, unit, fuzz, system tests in the emulated VM host
#   make check-debug, check-next
#                   the module on other kernels: tests/check says which
#   make soak       the module for a long time
#   make demo       the main job on real guests in the emulated VM host
#   make bench      what things cost, into build/report/bench.json, who finds hot pages, into accuracy.json, and who
#                   saves guests' memory at which cost, into resize.json
#   make install    to $(DESTDIR)$(PREFIX)

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS   += --no-builtin-rules

VERSION    := 0.1
BUILD      := build
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR    ?=

CC       ?= gcc
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wundef -Wformat=2 -Wno-unused-parameter
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(HARDEN) $(WARNINGS) -Iinclude -DVMHEAT_VERSION='"$(VERSION)"' -MMD -MP

# What the folders fill in.
PROGRAMS    := # programs that `make` builds
UNIT_TESTS  := # cmocka programs that `make check` runs
FUZZ_TESTS  := # libFuzzer programs that `make check` runs for a short time
C_SOURCES   := # every user-space C file and header, for the linters
KERNEL_SOURCES := # the kernel module's, likewise

# One rule an object kind. What a folder's sources need beyond ALL_CFLAGS it puts into CFLAGS_<folder>, slashes as
# underscores: CFLAGS_daemon_core. Objects for tests are built a second time, with the sanitizers.
folder_flags = $(CFLAGS_$(subst /,_,$(patsubst %/,%,$(dir $<))))
SANITIZE    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# `make V=1` shows the commands themselves.
ifeq ($(V),1)
say = @:
else
Q   := @
say = @printf '  %-8s %s\n'
endif

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(folder_flags) -c $< -o $@

$(BUILD)/test/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) $(SANITIZE) $(folder_flags) -c $< -o $@

# The default goal, before any folder's rules.
.PHONY: all
all:

include kvm/module.mk qemu-plugin/module.mk guest/module.mk daemon/module.mk tests/module.mk scripts/module.mk

all: $(PROGRAMS) kvm-module

# What must be installed before anything else can work. It does nothing when all is there.
.PHONY: setup
setup:
	@scripts/setup

.PHONY: check
check: setup ## run every test
	@+$(MAKE) --no-print-directory check-installed

# A second make, because the first one read pkg-config's answers before setup could install the libraries.
.PHONY: check-installed
check-installed: all unit-tests fuzz-tests bed-images planted-faults plugin-check
	@UNIT_TESTS="$(UNIT_TESTS)" FUZZ_TESTS="$(FUZZ_TESTS)" C_SOURCES="$(C_SOURCES)" \
		KERNEL_SOURCES="$(KERNEL_SOURCES)" tests/check

# The module's tests on other kernels; each needs more of the bed than `make check` does.
.PHONY: check-debug check-next
check-debug check-next: check-%: setup
	@tests/check $*

.PHONY: lint
lint:
	@C_SOURCES="$(C_SOURCES)" KERNEL_SOURCES="$(KERNEL_SOURCES)" scripts/lint

.PHONY: format
format: ## put every C file into shape
	clang-format -i $(C_SOURCES) $(KERNEL_SOURCES)

# The compiler flags of one source, for scripts/tidy.
.PHONY: print-flags
print-flags:
	@echo $(ALL_CFLAGS) $(CFLAGS_$(subst /,_,$(patsubst %/,%,$(dir $(SOURCE)))))

.PHONY: clean
clean: ## remove what was built, keep what took long (kernels, packages)
	rm -rf $(BUILD)/bin $(BUILD)/obj $(BUILD)/plugin $(BUILD)/kvm $(BUILD)/kvm-* $(BUILD)/test $(BUILD)/report

.PHONY: distclean
distclean:
	rm -rf $(BUILD)

-include $(shell [ -d $(BUILD) ] && find $(BUILD)/obj $(BUILD)/plugin/obj $(BUILD)/test/obj -name '*.d' 2>/dev/null)
