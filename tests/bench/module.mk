# SPDX-License-Identifier: GPL-2.0-or-later
#
# Benchmarks. Each writes its results into build/report/bench.json under a key of its own; but who finds the hot pages of a
# guest stands in build/report/accuracy.json, and who saves memory at which cost in build/report/resize.json.

WALKER        := $(BUILD)/test/bin/walker
BENCH_IN_HOST := scan_cost guest_slowdown vs_page_idle vs_damon # programs that run in the emulated VM host
BENCH_SHARED  := $(patsubst %.c,$(BUILD)/obj/%.o,tests/bench/measure.c tests/bench/bench_guest.c tests/bench/damon.c \
                   tests/system/idle_check/vmm_client.c)
INSN_COUNT    := $(BUILD)/test/bin/insn_count.so
HOT_PAGES     := $(BUILD)/test/bin/hot_pages.so
PLUGIN_COST   := $(BUILD)/test/bin/plugin_cost
BENCHMARKS    := $(WALKER) $(INSN_COUNT) $(HOT_PAGES) $(PLUGIN_COST) $(PLUGIN) $(BENCH_IN_HOST:%=$(BUILD)/test/bin/%)

CFLAGS_tests_bench  = -Ikvm -Iqemu-plugin -Idaemon/core -Idaemon/host -Idaemon/source -Idaemon/service -Itests/sim \
                       -Itests/system/idle_check $(CFLAGS_glib) $(CFLAGS_libvirt)
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

# Which pages are hot, by each way to find out: with the oracle, and with what the guest says.
ACCURACY   := $(BUILD)/test/bin/accuracy
BENCHMARKS += $(ACCURACY)

$(ACCURACY): $(patsubst %.c,$(BUILD)/obj/%.o,tests/bench/accuracy.c tests/bench/accuracy_guest.c tests/bench/damon.c \
               tests/bench/measure.c tests/oracle/oracle_client.c \
               $(addprefix daemon/core/,guest_pages.c guest_stream.c merge.c page_map.c))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@

# Who saves how much memory of guests, and what that costs them: vmheat beside what people use today.
RESIZE_GUESTS := $(BUILD)/test/bin/resize_guests
BENCHMARKS    += $(RESIZE_GUESTS)

$(RESIZE_GUESTS): $(patsubst %.c,$(BUILD)/obj/%.o,tests/bench/resize_guests.c tests/bench/accuracy_guest.c \
                    tests/bench/measure.c tests/sim/rival_policies.c $(addprefix daemon/core/,guest_pages.c guest_stream.c \
                    page_map.c))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie -pthread $^ -o $@ -lvirt -lm

# The daemon's own code over a guest of 1 TiB.
MERGE_COST := $(BUILD)/test/bin/merge_cost
BENCHMARKS += $(MERGE_COST)

$(MERGE_COST): $(patsubst %.c,$(BUILD)/obj/%.o,tests/bench/merge_cost.c tests/bench/measure.c daemon/service/vm_scan.c \
                 daemon/service/vm_pages.c $(CORE_SOURCES))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@ $(GLIB_LIBS) -lm

.PHONY: bench-merge
bench-merge: setup ## only what merging costs
	@+$(MAKE) --no-print-directory bench-merge-installed
.PHONY: bench-merge-installed
bench-merge-installed: $(MERGE_COST)
	@tests/bench/merge_cost.sh $(MERGE_COST)

.PHONY: bench bench-accuracy bench-resize
bench: setup ## what things cost, into build/report/bench.json, and the next two
bench-accuracy: setup ## only who finds hot pages, into accuracy.json
bench-resize: setup ## only who saves guests' memory, and at which cost, into resize.json
bench bench-accuracy bench-resize:
	@+$(MAKE) --no-print-directory $@-installed

# A second make, for the reason that check has one.
.PHONY: bench-installed bench-accuracy-installed bench-resize-installed
bench-installed: $(BENCHMARKS)
	@tests/bench/walker.sh $(WALKER)
	@tests/bench/merge_cost.sh $(MERGE_COST)
	@tests/bench/plugin_cost.sh $(PLUGIN_COST)
	@tests/bench/emulated.sh
	@tests/bench/accuracy_report.sh
	@tests/bench/resize_report.sh

bench-accuracy-installed: $(ACCURACY) $(PLUGIN)
	@tests/bench/accuracy_report.sh

bench-resize-installed: $(RESIZE_GUESTS)
	@tests/bench/resize_report.sh
