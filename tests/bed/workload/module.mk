# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmheat-workload, the load of known truth in the bed's guests: static, as it has the guest nearly for itself.

WORKLOAD_SOURCES := tests/bed/workload/touch_area.c tests/bed/workload/workload.c
C_SOURCES        += $(WORKLOAD_SOURCES) tests/bed/workload/touch_area.h

$(BUILD)/test/bin/vmheat-workload: $(WORKLOAD_SOURCES:%.c=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -static $^ -o $@

SOURCES_test_guest_workload := tests/bed/workload/touch_area.c
