# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmheatctl: a client of the service's D-Bus interface, and of nothing else; but for "idle", which looks at one process
# by itself, with what it shares with the daemon: the observer and the parser of maps.

CTL_SOURCES := $(wildcard daemon/ctl/*.c)
CTL_LIBS    := $(shell pkg-config --libs gio-2.0 gio-unix-2.0 json-glib-1.0 2>/dev/null) -lm
C_SOURCES   += $(CTL_SOURCES) $(wildcard daemon/ctl/*.h)
PROGRAMS    += $(BUILD)/bin/vmheatctl

$(CTL_SOURCES:%.c=$(BUILD)/obj/%.o): | $(MANAGER1_DBUS).h

CTL_SHARED := daemon/core/proc_format.c daemon/host/idle_observer.c daemon/host/process_maps.c
$(BUILD)/bin/vmheatctl: $(CTL_SOURCES:%.c=$(BUILD)/obj/%.o) $(CTL_SHARED:%.c=$(BUILD)/obj/%.o) $(MANAGER1_DBUS).o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -pie $^ -o $@ $(CTL_LIBS)

SOURCES_test_format     := daemon/ctl/format.c
LIBS_test_format        := $(SERVICE_GLIB_LIBS)
SOURCES_test_render_map := daemon/ctl/render_map.c daemon/ctl/format.c
LIBS_test_render_map    := $(SERVICE_GLIB_LIBS) -lm
SOURCES_test_render_vm  := daemon/ctl/render_vm.c daemon/ctl/format.c
LIBS_test_render_vm     := $(SERVICE_GLIB_LIBS)
SOURCES_test_render_history := daemon/ctl/render_history.c daemon/ctl/format.c daemon/service/act_variant.c \
                               daemon/service/act_record.c daemon/core/resize_act.c
LIBS_test_render_history    := $(SERVICE_GLIB_LIBS) $(SERVICE_LIBS)
SOURCES_test_render_explain := daemon/ctl/render_explain.c daemon/ctl/format.c
LIBS_test_render_explain    := $(SERVICE_GLIB_LIBS)
SOURCES_test_working_sets  := daemon/ctl/working_sets.c daemon/ctl/format.c
LIBS_test_working_sets     := $(SERVICE_GLIB_LIBS)
SOURCES_test_process_pages := daemon/ctl/process_pages.c $(CTL_SHARED)
LIBS_test_process_pages    := $(SERVICE_GLIB_LIBS) -Wl,--wrap=ioctl
SOURCES_test_render_idle   := daemon/ctl/render_idle.c daemon/ctl/format.c
LIBS_test_render_idle      := $(SERVICE_GLIB_LIBS)
