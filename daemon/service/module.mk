# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmheatd, and the D-Bus code that it and vmheatctl share.

SERVICE_SOURCES := $(wildcard daemon/service/*.c)
C_SOURCES       += $(SERVICE_SOURCES) $(wildcard daemon/service/*.h)
PROGRAMS        += $(BUILD)/bin/vmheatd

CFLAGS_daemon_service += -DVMHEAT_SYSCONFDIR='"$(SYSCONFDIR)"' $(shell pkg-config --cflags json-glib-1.0 2>/dev/null)
SERVICE_LIBS := $(shell pkg-config --libs json-glib-1.0 2>/dev/null)

# gdbus-codegen writes manager1_dbus.h and .c at once; its C is not held to our warnings.
MANAGER1_DBUS := $(BUILD)/obj/daemon/service/manager1_dbus
$(MANAGER1_DBUS).h: daemon/service/org.vmheat.Manager1.xml
	@mkdir -p $(@D)
	$(say) GDBUS $@
	$(Q)gdbus-codegen --interface-prefix org.vmheat. --c-namespace Vmheat --c-generate-autocleanup all \
		--output-directory $(@D) \
		--generate-c-code $(notdir $(MANAGER1_DBUS)) $<
$(MANAGER1_DBUS).c: $(MANAGER1_DBUS).h ;
$(MANAGER1_DBUS).o: $(MANAGER1_DBUS).c
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(HARDEN) $(CFLAGS_glib) -c $< -o $@

$(SERVICE_SOURCES:%.c=$(BUILD)/obj/%.o): | $(MANAGER1_DBUS).h

VMHEATD_SOURCES := $(SERVICE_SOURCES) $(ACT_SOURCES) $(SOURCE_SOURCES) $(HOST_SOURCES) $(CORE_SOURCES)
$(BUILD)/bin/vmheatd: $(VMHEATD_SOURCES:%.c=$(BUILD)/obj/%.o) $(MANAGER1_DBUS).o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@ $(HOST_LIBS) $(SOURCE_LIBS) $(ACT_LIBS) $(SERVICE_LIBS) -lm

# With the sanitizers, for the system test of the daemon.
$(SERVICE_SOURCES:%.c=$(BUILD)/test/obj/%.o): | $(MANAGER1_DBUS).h
$(BUILD)/test/bin/vmheatd: $(VMHEATD_SOURCES:%.c=$(BUILD)/test/obj/%.o) $(MANAGER1_DBUS).o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -fsanitize=address,undefined $^ -o $@ $(HOST_LIBS) $(SOURCE_LIBS) $(ACT_LIBS) $(SERVICE_LIBS) -lm

SERVICE_GLIB_LIBS := $(shell pkg-config --libs glib-2.0 2>/dev/null)

SOURCES_test_config     := daemon/service/config.c daemon/service/setting.c
LIBS_test_config        := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_vm_pages   := daemon/service/vm_pages.c $(CORE_SOURCES)
LIBS_test_vm_pages      := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_vm_scan    := daemon/service/vm_scan.c daemon/service/vm_pages.c $(CORE_SOURCES)
LIBS_test_vm_scan       := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_vm_plan    := daemon/service/vm_plan.c daemon/service/setting.c daemon/service/config.c $(CORE_SOURCES)
LIBS_test_vm_plan       := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_host_parts := daemon/service/host_parts.c daemon/service/config.c daemon/service/setting.c $(CORE_SOURCES)
LIBS_test_host_parts    := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_vm_moves   := daemon/service/vm_moves.c daemon/service/vm_pages.c $(CORE_SOURCES)
LIBS_test_vm_moves      := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_vm_variant := daemon/service/vm_variant.c daemon/service/vm_snapshot.c daemon/service/config.c \
                           daemon/service/setting.c $(CORE_SOURCES)
LIBS_test_vm_variant    := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_act_record := daemon/service/act_record.c daemon/core/resize_act.c
LIBS_test_act_record    := $(SERVICE_GLIB_LIBS) $(SERVICE_LIBS)
SOURCES_fuzz_act_record := $(SOURCES_test_act_record)
LIBS_fuzz_act_record    := $(LIBS_test_act_record)
SOURCES_test_act_journal := daemon/service/act_journal.c $(SOURCES_test_act_record)
SOURCES_test_vm_layers   := daemon/service/vm_layers.c daemon/service/config.c daemon/service/setting.c \
                            daemon/host/domain_metadata.c daemon/host/host_error.c
LIBS_test_vm_layers      := $(SERVICE_GLIB_LIBS) -lvirt -lxml2 -lm
SOURCES_test_vm_acts     := daemon/service/vm_acts.c daemon/service/act_journal.c daemon/core/resize_device.c $(SOURCES_test_act_record)
LIBS_test_vm_acts        := $(LIBS_test_act_record)
LIBS_test_act_journal    := $(LIBS_test_act_record) -Wl,--wrap=fallocate
SOURCES_test_authority   := daemon/service/authority.c
LIBS_test_authority      := $(shell pkg-config --libs gio-2.0 2>/dev/null)
