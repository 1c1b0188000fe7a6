# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installation. Files that name other installed files carry @BINDIR@ and @SYSCONFDIR@.

BINDIR     := $(PREFIX)/bin
PLUGIN_DIR := $(PREFIX)/lib/vmheat
MAN_DIR    := $(PREFIX)/share/man
MAN_PAGES  := $(notdir $(wildcard docs/man/*))
MODULE_DIR ?= $(DESTDIR)/lib/modules/$(shell uname -r)/extra

substitute = sed -e 's|@BINDIR@|$(BINDIR)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g'

.PHONY: install
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(PLUGIN_DIR) $(DESTDIR)$(SYSCONFDIR)/vmheat $(DESTDIR)$(SYSCONFDIR)/libvirt/hooks/qemu.d \
		$(DESTDIR)/lib/systemd/system $(DESTDIR)/usr/share/dbus-1/system.d $(DESTDIR)/usr/share/dbus-1/interfaces \
		$(DESTDIR)/usr/share/polkit-1/actions $(addprefix $(DESTDIR)$(MAN_DIR)/man,1 5 8) \
		$(MODULE_DIR)
	install -m 755 $(BUILD)/bin/vmheatd $(BUILD)/bin/vmheatctl $(BUILD)/bin/vmheat-guest $(DESTDIR)$(BINDIR)
	install -m 644 $(PLUGIN) $(DESTDIR)$(PLUGIN_DIR)
	install -m 644 $(BUILD)/kvm/kvm_idle.ko $(MODULE_DIR)
	[ -e $(DESTDIR)$(SYSCONFDIR)/vmheat/vmheatd.conf ] || \
		install -m 644 scripts/vmheatd.conf $(DESTDIR)$(SYSCONFDIR)/vmheat/vmheatd.conf
	$(substitute) scripts/libvirt/vmheat-hook > $(DESTDIR)$(SYSCONFDIR)/libvirt/hooks/qemu.d/vmheat
	chmod 755 $(DESTDIR)$(SYSCONFDIR)/libvirt/hooks/qemu.d/vmheat
	$(substitute) scripts/systemd/vmheatd.service > $(DESTDIR)/lib/systemd/system/vmheatd.service
	install -m 644 scripts/dbus/org.vmheat.Manager1.conf $(DESTDIR)/usr/share/dbus-1/system.d
	for page in $(MAN_PAGES); do install -m 644 docs/man/$$page $(DESTDIR)$(MAN_DIR)/man$${page##*.}; done
	install -m 644 scripts/polkit/org.vmheat.policy $(DESTDIR)/usr/share/polkit-1/actions
	install -m 644 daemon/service/org.vmheat.Manager1.xml $(DESTDIR)/usr/share/dbus-1/interfaces
	[ -n "$(DESTDIR)" ] || depmod

# What a guest needs: the agent, which is one static binary, and what starts it.
.PHONY: install-guest uninstall-guest
install-guest: $(BUILD)/bin/vmheat-guest ## inside a guest, or with DESTDIR into its image
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)/lib/systemd/system $(DESTDIR)/lib/udev/rules.d
	install -m 755 $(BUILD)/bin/vmheat-guest $(DESTDIR)$(BINDIR)
	for unit in vmheat-guest vmheat-guest-vsock; do \
		$(substitute) scripts/guest/$$unit.service > $(DESTDIR)/lib/systemd/system/$$unit.service; \
	done
	install -m 644 scripts/guest/70-vmheat-guest.rules $(DESTDIR)/lib/udev/rules.d
	[ -n "$(DESTDIR)" ] || { systemctl daemon-reload && udevadm control --reload && \
		udevadm trigger --subsystem-match=virtio-ports; }

uninstall-guest:
	[ -n "$(DESTDIR)" ] || systemctl disable --now vmheat-guest vmheat-guest-vsock
	rm -f $(DESTDIR)$(BINDIR)/vmheat-guest $(DESTDIR)/lib/systemd/system/vmheat-guest{,-vsock}.service \
		$(DESTDIR)/lib/udev/rules.d/70-vmheat-guest.rules

# What DKMS builds the module of, for each kernel that is installed, now and later.
DKMS_DIR := $(DESTDIR)/usr/src/vmheat-$(VERSION)

.PHONY: install-dkms
install-dkms: ## let DKMS build the kernel module for this kernel and all that come
	install -d $(DKMS_DIR)/include/vmheat
	install -m 644 $(KVM_SOURCES) $(DKMS_DIR)
	install -m 644 include/vmheat/idle_bitmap.h $(DKMS_DIR)/include/vmheat
	sed 's|@VERSION@|$(VERSION)|' kvm/dkms.conf > $(DKMS_DIR)/dkms.conf
	[ -n "$(DESTDIR)" ] || dkms install vmheat/$(VERSION)

.PHONY: uninstall-dkms
uninstall-dkms:
	[ -n "$(DESTDIR)" ] || dkms remove vmheat/$(VERSION) --all
	rm -rf $(DKMS_DIR)

.PHONY: uninstall
uninstall: ## remove what install put there; the configuration stays
	rm -f $(DESTDIR)$(BINDIR)/vmheatd $(DESTDIR)$(BINDIR)/vmheatctl $(DESTDIR)$(BINDIR)/vmheat-guest \
		$(DESTDIR)$(PLUGIN_DIR)/libvmheat-plugin.so \
		$(MODULE_DIR)/kvm_idle.ko $(DESTDIR)$(SYSCONFDIR)/libvirt/hooks/qemu.d/vmheat \
		$(DESTDIR)/lib/systemd/system/vmheatd.service \
		$(DESTDIR)/usr/share/dbus-1/system.d/org.vmheat.Manager1.conf \
		$(DESTDIR)/usr/share/polkit-1/actions/org.vmheat.policy \
		$(foreach page,$(MAN_PAGES),$(DESTDIR)$(MAN_DIR)/man$(lastword $(subst ., ,$(page)))/$(page)) \
		$(DESTDIR)/usr/share/dbus-1/interfaces/org.vmheat.Manager1.xml
	[ -n "$(DESTDIR)" ] || depmod
