# SPDX-License-Identifier: GPL-2.0-or-later
#
# The simulator: the daemon's core and other people's policies on modelled guests, as cmocka programs like the unit tests.

SIM_TESTS   := test_policies test_rival_policies
SIM_SOURCES := tests/sim/model_guest.c tests/sim/rival_policies.c daemon/core/memory_tax.c $(SOURCES_test_control_loop)
UNIT_TESTS  += $(SIM_TESTS:%=$(BUILD)/test/bin/%)
C_SOURCES   += $(wildcard tests/sim/*.[ch])

CFLAGS_tests_sim := -Idaemon/core

$(SIM_TESTS:%=$(BUILD)/test/bin/%): $(BUILD)/test/bin/%: $(BUILD)/test/obj/tests/sim/%.o $(SIM_SOURCES:%.c=$(BUILD)/test/obj/%.o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -fsanitize=address,undefined $^ -o $@ -lcmocka -lm
