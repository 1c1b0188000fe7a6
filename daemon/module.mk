# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon and its control program, floor by floor. A floor may include the headers of the floors under it only,
# and its CFLAGS say so.

CFLAGS_libvirt := $(shell pkg-config --cflags libvirt 2>/dev/null)
CFLAGS_glib    := $(shell pkg-config --cflags gio-2.0 gio-unix-2.0 2>/dev/null)

CFLAGS_daemon_core    := -Idaemon/core
CFLAGS_daemon_host    := $(CFLAGS_daemon_core) -Idaemon/host $(CFLAGS_libvirt) $(CFLAGS_glib) \
                         $(shell pkg-config --cflags libxml-2.0 2>/dev/null)
CFLAGS_daemon_source  := $(CFLAGS_daemon_host) -Idaemon/source
CFLAGS_daemon_act     := $(CFLAGS_daemon_host) -Idaemon/act
CFLAGS_daemon_service := $(CFLAGS_daemon_source) $(CFLAGS_daemon_act) -Idaemon/service -I$(BUILD)/obj/daemon/service \
                         $(shell pkg-config --cflags libvirt-glib-1.0 2>/dev/null)
CFLAGS_daemon_ctl     := $(CFLAGS_daemon_core) -Idaemon/host -Idaemon/ctl $(CFLAGS_glib) -I$(BUILD)/obj/daemon/service \
                         $(shell pkg-config --cflags json-glib-1.0 2>/dev/null)

include daemon/core/module.mk daemon/host/module.mk daemon/source/module.mk daemon/act/module.mk
include daemon/service/module.mk daemon/ctl/module.mk
