# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the host is: libvirt's domains, their processes and memory, NUMA nodes.

HOST_SOURCES := daemon/host/domain.c daemon/host/domain_metadata.c daemon/host/domain_xml.c daemon/host/host_error.c daemon/host/host_memory.c \
                daemon/host/id_set.c \
                daemon/host/idle_observer.c daemon/host/libvirt_connection.c daemon/host/mapped_file.c daemon/host/numa_balancing.c \
                daemon/host/numa_nodes.c daemon/host/pid_file.c daemon/host/plugin_observer.c daemon/host/proc_files.c \
                daemon/host/process_maps.c daemon/host/ram_ranges.c daemon/host/virtio_mem.c daemon/host/xml_query.c
HOST_LIBS    := $(shell pkg-config --libs libvirt libvirt-glib-1.0 gio-2.0 gio-unix-2.0 libxml-2.0 2>/dev/null) -lnuma
C_SOURCES    += $(HOST_SOURCES) $(wildcard daemon/host/*.h)

CFLAGS_daemon_host += $(shell pkg-config --cflags libvirt-glib-1.0 2>/dev/null)

# What tests need to observe a plugin's file by themselves.
PLUGIN_OBSERVER_OBJECTS := $(patsubst %,$(BUILD)/obj/daemon/host/%.o,plugin_observer mapped_file idle_observer)

GLIB_LIBS := $(shell pkg-config --libs glib-2.0 2>/dev/null)

SOURCES_test_domain_xml := daemon/host/domain_xml.c daemon/host/xml_query.c daemon/host/host_error.c
LIBS_test_domain_xml    := $(GLIB_LIBS) -lvirt -lxml2
SOURCES_test_virtio_mem := daemon/host/virtio_mem.c daemon/host/xml_query.c daemon/host/host_error.c
LIBS_test_virtio_mem    := $(GLIB_LIBS) -lvirt -lxml2
SOURCES_test_proc_files := daemon/host/pid_file.c daemon/host/proc_files.c daemon/host/id_set.c \
                           daemon/host/host_error.c daemon/core/proc_format.c
LIBS_test_proc_files    := $(GLIB_LIBS) -lvirt
SOURCES_test_numa_nodes := daemon/host/numa_nodes.c daemon/host/proc_files.c daemon/host/id_set.c \
                           daemon/host/host_error.c daemon/core/proc_format.c
LIBS_test_numa_nodes    := $(GLIB_LIBS) -lvirt -lnuma
SOURCES_test_libvirt_connection := daemon/host/libvirt_connection.c daemon/host/host_error.c
LIBS_test_libvirt_connection    := $(HOST_LIBS)
SOURCES_test_ram_ranges := daemon/host/ram_ranges.c daemon/host/process_maps.c
LIBS_test_ram_ranges    := $(GLIB_LIBS)
SOURCES_test_idle_observer := daemon/host/idle_observer.c
LIBS_test_idle_observer    := $(GLIB_LIBS) -Wl,--wrap=ioctl
SOURCES_test_host_memory := daemon/host/host_memory.c daemon/host/host_error.c
LIBS_test_host_memory    := $(GLIB_LIBS) -lvirt
SOURCES_test_mapped_file := daemon/host/mapped_file.c
LIBS_test_mapped_file    := $(GLIB_LIBS)
SOURCES_fuzz_domain_xml := daemon/host/domain_xml.c daemon/host/virtio_mem.c daemon/host/xml_query.c daemon/host/host_error.c
LIBS_fuzz_domain_xml    := $(GLIB_LIBS) -lvirt -lxml2
