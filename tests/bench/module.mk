# SPDX-License-Identifier: GPL-2.0-or-later
#
# Benchmarks. Each writes its results into build/report/bench.json under a key of its own.

WALKER    := $(BUILD)/test/bin/walker
SCAN_COST := $(BUILD)/test/bin/scan_cost

CFLAGS_tests_bench := -Ikvm -Itests/system/idle_check
C_SOURCES          += $(wildcard tests/bench/*.c)

$(WALKER): $(BUILD)/obj/tests/bench/walker.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

$(SCAN_COST): $(BUILD)/obj/tests/bench/scan_cost.o $(BUILD)/obj/tests/system/idle_check/vmm_client.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

.PHONY: bench
bench: $(WALKER) $(SCAN_COST) bed-images kvm-module ## what things cost, into build/report/bench.json
	@tests/bench/walker.sh $(WALKER)
	@tests/bench/emulated.sh
