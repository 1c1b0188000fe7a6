# SPDX-License-Identifier: GPL-2.0-or-later
#
# Benchmarks. Each writes its results into build/report/bench.json under a key of its own.

WALKER        := $(BUILD)/test/bin/walker
BENCH_IN_HOST := scan_cost guest_slowdown vs_page_idle vs_damon # programs that run in the emulated VM host
BENCH_SHARED  := $(patsubst %.c,$(BUILD)/obj/%.o,tests/bench/measure.c tests/bench/bench_guest.c \
                   tests/system/idle_check/vmm_client.c)
INSN_COUNT    := $(BUILD)/test/bin/insn_count.so
HOT_PAGES     := $(BUILD)/test/bin/hot_pages.so
PLUGIN_COST   := $(BUILD)/test/bin/plugin_cost
BENCHMARKS    := $(WALKER) $(INSN_COUNT) $(HOT_PAGES) $(PLUGIN_COST) $(PLUGIN) $(BENCH_IN_HOST:%=$(BUILD)/test/bin/%)

CFLAGS_tests_bench := -Ikvm -Iqemu-plugin -Idaemon/host -Itests/system/idle_check $(CFLAGS_glib)
C_SOURCES          += $(wildcard tests/bench/*.[ch])

$(WALKER): $(BUILD)/obj/tests/bench/walker.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

$(BENCH_IN_HOST:%=$(BUILD)/test/bin/%): $(BUILD)/test/bin/%: $(BUILD)/obj/tests/bench/%.o $(BENCH_SHARED)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

$(INSN_COUNT) $(HOT_PAGES): $(BUILD)/test/bin/%.so: $(BUILD)/plugin/obj/tests/bench/%.o $(BUILD)/plugin/obj/qemu-plugin/qemu_api.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -shared $^ -o $@

$(PLUGIN_COST): $(BUILD)/obj/tests/bench/plugin_cost.o $(PLUGIN_OBSERVER_OBJECTS)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@ $(GLIB_LIBS)

.PHONY: bench
bench: $(BENCHMARKS) ## what things cost, into build/report/bench.json
	@tests/bench/walker.sh $(WALKER)
	@tests/bench/plugin_cost.sh $(PLUGIN_COST)
	@tests/bench/emulated.sh
