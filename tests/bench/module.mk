# SPDX-License-Identifier: GPL-2.0-or-later
#
# Benchmarks. Each writes its results into build/report/bench.json under a key of its own.

WALKER := $(BUILD)/test/bin/walker

CFLAGS_tests_bench := -Ikvm
C_SOURCES          += tests/bench/walker.c

$(WALKER): $(BUILD)/obj/tests/bench/walker.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

.PHONY: bench
bench: $(WALKER) ## what things cost, into build/report/bench.json
	@tests/bench/walker.sh $(WALKER)
